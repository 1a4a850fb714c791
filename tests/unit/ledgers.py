"""What Ana and Bob said and were shown, in short, for the tests of the ledger."""

from __future__ import annotations

from simulator.ledger import Ledger, Report

ONE, TWO, THREE = "c1 n1 0000000a", "c1 n2 0000000b", "c1 n3 c1234567"
OTHER = "c2 n1 0000000d"
GOOD = (("ana", "10", f"re: {ONE}"), ("ana", "11", f"re: {TWO}\n{THREE}"), ("bob", "12", f"re: {OTHER}"))


def written(*shown: tuple[str, str, str]) -> Ledger:
    """Ana said one, two and three, Bob another; what was shown then is (chat, bubble, text)."""
    ledger = Ledger()
    for text in (ONE, TWO, THREE):
        ledger.said("ana", text)
    ledger.said("bob", OTHER)
    for chat, bubble, text in shown:
        ledger.delivered(chat, bubble, text)
    return ledger


def judge(*shown: tuple[str, str, str], waiting: tuple[str, ...] = ()) -> Report:
    return written(*shown).check(waiting)

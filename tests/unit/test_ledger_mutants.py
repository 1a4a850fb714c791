"""The ledger catches the product with each of the mistakes that products make, and finds the right one sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.ledger import Report
from simulator.ledger.records import Sender
from tests.unit.miniature import Box, Product, Reply, Steps
from tests.unit.miniature_world import MESSAGES, PEOPLE, Faults, World

FAIR_TURNS = 2
"""How often another person is answered at most while one waits: the turn that runs already, and one more."""
FLOOD = 200
QUIET = Faults(kills=0, stops=0, twins=0, limited=0)
SEEDS = range(10)


class ResendsBlindly(Product):
    """What is in doubt is sent again at once."""

    def in_doubt(self, chat: str, reply: Reply, reference: str) -> bool:
        return False


class SkipsTheAmbiguous(Product):
    """What is in doubt counts as sent."""

    def in_doubt(self, chat: str, reply: Reply, reference: str) -> bool:
        self.settle(chat, reply)
        return True


class DoesNotFence(Product):
    """Nobody asks whether the lease is still theirs."""

    def holds(self, chat: str, token: str) -> bool:
        return True

    def commit(self, chat: str, token: str, turn: int, text: str) -> Steps:
        self.boxes[chat].committed = 0
        return super().commit(chat, token, turn, text)


class LooksThenRemembers(Product):
    """GET, then SET: two deliveries of one message both find it new."""

    def accept(self, chat: str, message_id: str, text: str) -> Steps:
        yield
        known = message_id in self.seen
        yield
        if not known:
            yield from super().accept(chat, f"{message_id} at {self.world.now}", text)
            self.seen.add(message_id)


class SharesHistory(Product):
    """One key for everybody's history."""

    def history(self, chat: str) -> list[tuple[Sender, str]]:
        return self.boxes["everybody"].history


class ServesInOrderOfArrival(Product):
    """Each message stands in one line for all, so that who writes much stands there often."""

    def ring(self, chat: str) -> None:
        self.line.append(chat)

    def take(self, chat: str, token: str) -> tuple[int, str] | None:
        box = self.boxes[chat]
        rest, box.inbox = box.inbox[1:], box.inbox[:1]
        found = super().take(chat, token)
        box.inbox += rest
        if found is None and box.inbox:
            self.line.appendleft(chat)
        return found


class PutsWhatFailedBehind(Product):
    """What a killed worker had in hand goes to the end of its conversation's line."""

    def take(self, chat: str, token: str) -> tuple[int, str] | None:
        box = self.boxes[chat]
        if box.wip and box.inbox and not box.out and box.until <= self.world.now:
            box.inbox, box.wip = box.inbox + box.wip, []
        return super().take(chat, token)


class PreviewsWithoutALook(Product):
    """A preview is shown by whoever has thought it, though somebody else may have shown the whole text."""

    def finish(self, chat: str, token: str, reply: Reply) -> Steps:
        yield
        self.world.edit(chat, reply.bubble, f"{reply.text[:-3]}…")
        yield from super().finish(chat, token, reply)


class ForgetsThePause(Product):
    """What the platform refused for a while is tried again as soon as somebody comes by."""

    def may_speak(self, box: Box) -> bool:
        box.speak_at = 0
        return True


class LogsTheText(Product):
    def log(self, turn: int, text: str) -> None:
        self.write_log(f"turn {turn}: {text}")


class WritesHistoryFirst(Product):
    """History and the end of the turn are two commands, with a place to be killed between them."""

    def commit(self, chat: str, token: str, turn: int, text: str) -> Steps:
        box = self.boxes[chat]
        if turn > box.committed and self.holds(chat, token):
            self.history(chat).extend((("user", text), ("assistant", f"re: {text}")))
            yield
            if self.holds(chat, token):
                box.committed, box.wip = turn, []
                box.out.append(Reply(turn, f"re: {text}"))
        yield


def play(product: type[Product], tmp_path: Path, seed: int, *, edits: bool = True) -> Report:
    return World(product, tmp_path / "worker.log", edits, seed).run().check()


def flooded(product: type[Product], tmp_path: Path, seed: int) -> Report:
    """One person writes a flood, then the others write; nothing is killed."""
    return World(product, tmp_path / "worker.log", True, seed, QUIET, flood=FLOOD).run().check(turns=FAIR_TURNS)


@pytest.mark.parametrize("edits", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_right_product_breaks_no_promise(tmp_path: Path, seed: int, *, edits: bool) -> None:
    report = play(Product, tmp_path, seed, edits=edits)
    assert report.ok, report
    assert report.accepted == report.answered == PEOPLE * MESSAGES


@pytest.mark.parametrize(
    ("product", "edits", "heading"),
    [
        (ResendsBlindly, False, "duplicated"),
        (SkipsTheAmbiguous, False, "lost"),
        (DoesNotFence, True, "duplicated"),
        (DoesNotFence, False, "duplicated"),
        (LooksThenRemembers, True, "duplicated"),
        (SharesHistory, True, "leaked"),
        (PutsWhatFailedBehind, True, "reordered"),
        (PreviewsWithoutALook, True, "lost"),
        (ForgetsThePause, True, "early"),
        (LogsTheText, True, "logged"),
        (WritesHistoryFirst, True, "unequal"),
    ],
)
def test_a_product_with_a_mistake_is_caught(
    tmp_path: Path, product: type[Product], heading: str, *, edits: bool
) -> None:
    """Under its own heading. What follows from it may be found too: a history that is not what was shown, and
    where leases count for nothing, a call by somebody who has not heard of the pause."""
    reports = [play(product, tmp_path, seed, edits=edits) for seed in SEEDS]
    assert sum(heading in report.broken for report in reports) >= 3
    assert {name for report in reports for name in report.broken} <= {heading, "unequal", "early"}


def test_the_right_product_lets_nobody_wait_for_a_flood(tmp_path: Path) -> None:
    for seed in SEEDS:
        report = flooded(Product, tmp_path, seed)
        assert report.ok, report
        assert report.answered == FLOOD + (PEOPLE - 1) * MESSAGES


def test_a_product_that_serves_in_order_of_arrival_is_caught(tmp_path: Path) -> None:
    for seed in SEEDS:
        assert flooded(ServesInOrderOfArrival, tmp_path, seed).broken == ("delayed",)


def test_the_same_seed_tells_the_same_story(tmp_path: Path) -> None:
    first, again = (str(play(DoesNotFence, tmp_path, 0)) for _ in range(2))
    assert first == again
    assert any(str(play(DoesNotFence, tmp_path, seed)) != first for seed in SEEDS)

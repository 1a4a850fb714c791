"""Every odd body that we could think of, against the receiver: one answer, and nothing lost or doubled."""

from __future__ import annotations

import pytest

from tests.fuzz import corpus
from tests.fuzz.receiving import Receiver

CASES = {"telegram": corpus.telegram(), "whatsapp": corpus.whatsapp()}
ALL = [(channel, name) for channel, cases in CASES.items() for name in cases]


def test_the_corpus_is_not_a_handful() -> None:
    assert min(len(cases) for cases in CASES.values()) >= 150


@pytest.mark.parametrize(("channel", "name"), ALL, ids=[f"{channel}: {name}" for channel, name in ALL])
def test_an_odd_body_is_read_or_kept_for_later(receiver: Receiver, channel: str, name: str) -> None:
    """Always 200, even twice. What can be read waits once, word for word and in order; what cannot is in quarantine."""
    body, texts, both = CASES[channel][name]
    post = getattr(receiver, channel)

    assert [post(body), post(body)] == [200, 200]
    assert receiver.texts() == (texts or [])
    assert receiver.quarantined() == (both or texts is None)

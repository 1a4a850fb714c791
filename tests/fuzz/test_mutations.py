"""Valid bodies, spoilt in every way that chance finds: one answer, nothing lost, nothing out of order."""

from __future__ import annotations

import random
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator import garbage
from tests.fuzz.receiving import NUMBER, Receiver, change, said, update, webhook

SOME = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CHANCE = st.randoms(use_true_random=False)
CUTS = st.lists(st.integers(0, 8), max_size=3)
READABLE = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def grouped(messages: list[Any], cuts: list[int]) -> dict[str, Any]:
    """A webhook in which the same messages are spread over changes and entries."""
    edges = [0, *sorted(cut % (len(messages) + 1) for cut in cuts), len(messages)]
    parts = [messages[start:end] for start, end in pairwise(edges)]
    changes = [change({"metadata": {"phone_number_id": NUMBER}, "messages": part}) for part in parts]
    return {"entry": [{"changes": changes[:1]}, {"changes": changes[1:]}]}


def reads_as_json(body: bytes) -> bool:
    return b"NaN" not in body and b"Infinity" not in body


@SOME
@given(chance=CHANCE, spoilt=st.sets(st.integers(0, 7), min_size=1), cuts=CUTS)
def test_a_spoilt_message_does_not_hold_up_the_others(
    receiver: Receiver, chance: random.Random, spoilt: set[int], cuts: list[int]
) -> None:
    """However one WhatsApp message is broken, those in the same body wait once, in order; itself is in quarantine."""
    receiver.forget()
    stamps = [str(1_795_368_000 + n) for n in range(8)]
    whole = [said(f"wamid.{n}", f"<{n}>", timestamp=stamps[n], **{"from": str(n % 2)}) for n in range(8)]
    messages = [garbage.mutate(chance, one) if n in spoilt else one for n, one in enumerate(whole)]
    body = garbage.write(grouped(messages, cuts))
    before = receiver.counted("messages_duplicate", "whatsapp")
    assert receiver.whatsapp(body) == 200
    kept = receiver.kept()
    for person in range(2):
        box = kept.get(f"recado:{{whatsapp:{NUMBER}:{person}}}:in", [])
        expected = [f"<{n}>" for n in range(person, 8, 2) if n not in spoilt] if reads_as_json(body) else []
        assert [text for text in box if text in expected] == expected
    doubled = receiver.counted("messages_duplicate", "whatsapp") - before
    assert receiver.quarantined() == (receiver.waiting() + doubled < 8)


@SOME
@given(chance=CHANCE, spoilt=st.sets(st.integers(0, 5)))
def test_a_spoilt_update_does_not_hold_up_the_next(receiver: Receiver, chance: random.Random, spoilt: set[int]) -> None:
    """Telegram sends one at a time: each is answered with 200, so that the following ones come, in order."""
    receiver.forget()
    for number in range(6):
        one = update(f"<{number}>", number=10**6 + number)
        body = garbage.write(garbage.mutate(chance, one) if number in spoilt else one)
        assert receiver.telegram(body) == 200
    expected = [f"<{number}>" for number in range(6) if number not in spoilt]
    assert [text for text in receiver.texts() if text in expected] == expected


@SOME
@given(texts=st.lists(READABLE, min_size=1, max_size=6), first=CUTS, again=CUTS)
def test_put_together_otherwise_it_is_still_said_once(
    receiver: Receiver, texts: list[str], first: list[int], again: list[int]
) -> None:
    """Meta delivers the same messages again in other bodies."""
    receiver.forget()
    messages = [said(f"wamid.{n}", text, timestamp=str(1_795_368_000 + n)) for n, text in enumerate(texts)]
    for cuts in (first, again):
        assert receiver.whatsapp(garbage.write(grouped(messages, cuts))) == 200
    assert receiver.texts() == texts


@SOME
@given(text=READABLE, cut=st.integers(1, 400))
def test_half_a_body_is_kept_and_not_guessed_at(receiver: Receiver, text: str, cut: int) -> None:
    """A body that ends early says nothing of ours; its bytes stay for whoever wants to look."""
    receiver.forget()
    for post, body in (
        (receiver.telegram, garbage.write(update(text))),
        (receiver.whatsapp, garbage.write(webhook(said("wamid.1", text)))),
    ):
        assert post(body[: cut % len(body)]) == 200
    assert receiver.waiting() == 0
    assert receiver.quarantined() == 2


@SOME
@given(text=READABLE)
def test_escapes_change_nothing(receiver: Receiver, text: str) -> None:
    """The same JSON in other bytes is the same message."""
    receiver.forget()
    escaped = garbage.escaped(garbage.write(update(text)))
    assert escaped.count(b"\\u0074") > 1
    assert receiver.telegram(escaped) == 200
    assert receiver.texts() == ([text] if text else [])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("channel", ["telegram", "whatsapp"])
def test_no_garbage_ends_in_an_error(receiver: Receiver, channel: str, seed: int) -> None:
    """Hundreds of bodies by seed: 200, or 413 where one is too large. What was counted as accepted is there."""
    bodies = garbage.telegram(seed) if channel == "telegram" else garbage.whatsapp(seed, NUMBER)
    post = getattr(receiver, channel)
    statuses = [post(body) for body in islice(bodies, 250)]

    assert set(statuses) <= {200, 413}
    assert receiver.counted("messages_accepted", channel) == receiver.waiting() > 25
    assert receiver.counted("requests_quarantined", channel) >= receiver.quarantined() > 10


def test_a_seed_names_its_bodies() -> None:
    """A failure can be seen again; another seed is another run."""
    one, same, other = (list(islice(garbage.telegram(seed), 50)) for seed in (7, 7, 8))
    assert one == same != other

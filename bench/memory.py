"""What Redis keeps of conversations in which nobody writes: python bench/memory.py

The product's own processes talk with a few people on both platforms, ten questions and ten answers of 300 characters
each, and come to rest. Redis then gets 50,000 copies of those conversations, key by key in exactly their stored form
(DUMP and RESTORE, with the time that each has left), and what that adds to used_memory is what an idle conversation
takes: keys, expiries and tables included. A few copies are weighed against their originals by MEMORY USAGE, to see
that they are stored alike. A million is extrapolated; what an expiry makes of a stream of new people is reckoned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from _installation import Installation
from _plots import Lines, Point
from _report import SHORT, Figure, run

from simulator.capacity import kept

PEOPLE, TURNS = 10, 10
COPIES = 5_000 if SHORT else 50_000
BOUND_GIB = 8.0
ALIKE = 0.05
NEW_A_DAY = 10_000
DAYS = 30
LONGER_IDS = 32
"""So much longer than the simulator's are Meta's ids, as wamid.HBgLMTY0NjcwNDM1OTUVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA
(https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages)."""
SHOWN_DAYS = range(0, 91, 15)


def measure() -> Iterator[Figure | Lines]:
    with Installation(kept.model(), **kept.SETTINGS) as installation:
        installation.start("receiver")
        installation.start_worker()
        kept.talk(installation, PEOPLE, TURNS)
        yield from weighed(installation.redis)


def weighed(client: Any) -> Iterator[Figure | Lines]:
    originals = kept.conversations(client)
    found = kept.weigh(client, TURNS, COPIES)
    each = found.rest + found.message * TURNS * 2
    yield number(f"one idle conversation of {TURNS * 2} messages of {kept.CHARACTERS} characters", each, "idle")
    yield number("  a message in its history", found.message, "message")
    yield number("  everything else of it", found.rest, "rest")
    yield likeness(client, originals)
    million = each * 1_000_000 / 2**30
    yield Figure(
        f"1,000,000 of them, from {COPIES:,}", f"{million:.2f} GiB", f"<= {BOUND_GIB:g} GiB", million <= BOUND_GIB,
        "million", million, "GiB",
    )  # fmt: skip
    sizes = kept.parts(client, [name for name in originals if name.startswith("whatsapp")])
    yield on_whatsapp(found, sizes, each)
    memory = client.info("memory")
    resident = memory["used_memory_rss"] / memory["used_memory"]
    yield Figure(
        "  what the process holds of the machine", f"{resident:.2f} times that", key="resident", value=resident
    )
    yield number("an accepted message's id (Telegram 27 h, WhatsApp 8 days)", found.seen, "seen")
    yield number("WhatsApp's own words of a message (72 h)", found.raw, "raw")
    yield number("the last 10 replies of a conversation (1 h)", found.spoken, "spoken")
    yield from expiry(each)
    yield growth(each)


def number(what: str, value: float, key: str) -> Figure:
    return Figure(what, f"{value:,.0f} bytes", key=key, value=value, unit="bytes")


def likeness(client: Any, originals: list[str]) -> Figure:
    """How far the copies are from their originals, by MEMORY USAGE."""
    copies = [name.rpartition(":")[0] + f":{kept.COPIED + i}" for i, name in enumerate(originals)]
    one, other = (sum(kept.parts(client, names)[part] for part in kept.LASTING) for names in (originals, copies))
    ratio = other / one
    bound = f"{1 - ALIKE:g} to {1 + ALIKE:g}"
    return Figure("a copy, against its original", f"{ratio:.3f} times", bound, abs(ratio - 1) <= ALIKE, "alike", ratio)


def expiry(each: float) -> Iterator[Figure]:
    """With new people every day, what is kept stops growing after HISTORY_DAYS."""
    for what, days, key in (
        (f"{NEW_A_DAY:,} new people a day, kept for {DAYS} days (HISTORY_DAYS): at most", DAYS, "expiring"),
        ("  with no expiry: after a year", 365, "unexpiring"),
    ):
        size = each * NEW_A_DAY * days / 2**30
        yield Figure(what, f"{size:.2f} GiB", key=key, value=size, unit="GiB")


def on_whatsapp(found: kept.Kept, sizes: Counter[str], each: float) -> Figure:
    """A million where all are on WhatsApp, with message ids as long as Meta's."""
    history = sizes["history"] / PEOPLE + LONGER_IDS * TURNS
    million = (each - found.message * TURNS * 2 + history) * 1_000_000 / 2**30
    return Figure(
        "  all of them on WhatsApp, reckoned", f"{million:.2f} GiB", key="whatsapp", value=million, unit="GiB"
    )


def growth(each: float) -> Lines:
    """The same, over the days."""
    daily = each * NEW_A_DAY / 2**30
    kept_for = {f"kept for {DAYS} days after the last message": DAYS, "never expiring": max(SHOWN_DAYS)}
    series = {name: [Point(day, daily * min(day, most)) for day in SHOWN_DAYS] for name, most in kept_for.items()}
    return Lines("memory", f"Redis with {NEW_A_DAY:,} new people a day, reckoned", "days", "GiB", series)


if __name__ == "__main__":
    run("what Redis keeps", measure)

"""The meter: each bubble counts once, in its own month, however late, often and disordered its statuses come."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.received import Price, Status
from bot.settings import Settings, load_settings
from bot.stores.connection import Store
from bot.stores.erase import erase
from bot.stores.meter import BILL, BUBBLE, METER, Calendar, Meter
from bot.stores.outbox import Outbox
from bot.stores.person import Person, find
from tests.unit.mailboxes import open_mailbox, said

NUMBER, OTHER = "106540352242922", "206540352242922"
ANA = f"whatsapp:{NUMBER}:34600111222"
BILLED, FREE = Price(True, "service", "regular"), Price(False, "service", "free_customer_service")
NEW_YEAR = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
OCTOBER, NOVEMBER = NEW_YEAR - 86_400 * 3, NEW_YEAR + 86_400 * 3


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's own clock is one of October and of November alike."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def configured(**more: object) -> Settings:
    usual = {"whatsapp_token": "EAAG", "whatsapp_phone_number_id": NUMBER, "whatsapp_price": 0.25}
    return load_settings("", **(usual | more))


def counting(store: Store, found: Settings | None = None) -> Outbox:
    outbox = Outbox(store)
    outbox.calendar = Calendar(found or configured())
    return outbox


def told(
    bubble: int, stage: str, at: float, price: Price | None = None, *, conversation: str = ANA, tries: int = 1
) -> Status:
    """What Meta says of a bubble; one that was tried again has another id there."""
    name = f"wamid.{bubble}.{tries}"
    failed = stage == "failed"
    return Status(conversation, f"{bubble:012x}.1.0", "failed" if failed else "sent", "", name, stage, at, price)


class Bubble(NamedTuple):
    """What truly happens to a bubble: when each stage is, and whether it is billed, or never arrives."""

    sent_at: float
    far: int
    fails: bool
    price: Price

    def statuses(self, number: int) -> list[Status]:
        """Sent and delivered carry the price, as Meta's do."""
        prices = (self.price, self.price, None)
        stages = list(zip(("sent", "delivered", "read"), prices, strict=True))[: self.far]
        told_of = [told(number, stage, self.sent_at + 3600 * i, price) for i, (stage, price) in enumerate(stages)]
        return [*told_of, told(number, "failed", self.sent_at + 60)] if self.fails else told_of

    @property
    def bill(self) -> tuple[str, str]:
        """Its month, and the kind of what it is there."""
        month = f"{datetime.fromtimestamp(self.sent_at, UTC):%Y-%m}"
        return month, f"{'billed' if self.price.billable else 'free'}:{self.price.category}"


BUBBLES = st.lists(
    st.builds(
        lambda hours, far, fails, price: Bubble(NEW_YEAR + 1800 * hours, far, fails and far < 2, price),
        st.integers(-6, 6),
        st.integers(1, 3),
        st.booleans(),
        st.sampled_from([BILLED, FREE, Price(True, "utility"), Price(False, "")]),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bubbles=BUBBLES, seed=st.integers(0, 1000))
def test_late_doubled_and_disordered_statuses_count_right(store: Store, bubbles: list[Bubble], seed: int) -> None:
    """Across a month's end, too: a bubble belongs to the month in which it was sent."""
    store.client.flushdb()
    outbox = counting(store)
    statuses = [status for number, bubble in enumerate(bubbles) for status in bubble.statuses(number)]
    delivered = statuses * 2
    random.Random(seed).shuffle(delivered)
    for status in delivered:
        outbox.settle(status)

    stages = Counter(
        {
            "sent": len(bubbles),
            "delivered": sum(bubble.far > 1 for bubble in bubbles),
            "read": sum(bubble.far > 2 for bubble in bubbles),
            "failed": sum(bubble.fails for bubble in bubbles),
        }
    )
    meter = Meter(store, configured())
    assert meter.stages(NUMBER) == stages
    assert bills(store) == Counter(
        (month, what if not what.endswith(":") else f"{what}other")
        for month, what in (bubble.bill for bubble in bubbles if not bubble.fails)
    )


def bills(store: Store) -> Counter[tuple[str, str]]:
    names = cast("list[bytes]", store.client.keys(f"{BILL}{NUMBER}:*"))
    months = {name: cast("dict[bytes, bytes]", store.client.hgetall(name)) for name in names}
    return Counter(
        {
            (name.decode().rpartition(":")[2], what.decode()): int(number)
            for name, found in months.items()
            for what, number in found.items()
            if int(number)
        }
    )


def test_the_cost_is_what_was_billed_by_the_price(store: Store) -> None:
    outbox = counting(store)
    tell(outbox, *(told(bubble, "delivered", OCTOBER, BILLED if bubble < 5 else FREE) for bubble in range(8)))

    month = Meter(store, configured()).month(NUMBER, OCTOBER)
    assert (month.billed, month.free, month.cost) == ({"service": 5}, {"service": 3}, 1.25)
    assert month.services == 3
    assert Meter(store, configured()).month(NUMBER, NOVEMBER).cost == 0


def test_a_bubble_that_was_sent_twice_is_paid_twice(store: Store) -> None:
    """It has one reference of ours, and two ids at Meta."""
    outbox = counting(store)
    tell(outbox, told(1, "sent", OCTOBER, BILLED), told(1, "sent", OCTOBER, BILLED, tries=2))

    assert Meter(store, configured()).month(NUMBER, OCTOBER).billed == {"service": 2}


def test_read_without_delivered_means_delivered(store: Store) -> None:
    """Meta may leave a stage out; each later one includes those before it."""
    tell(counting(store), told(1, "read", OCTOBER), told(2, "played", OCTOBER))

    assert Meter(store, configured()).stages(NUMBER) == {"sent": 2, "delivered": 2, "read": 2, "failed": 0}


def test_each_number_counts_for_itself(store: Store) -> None:
    outbox = counting(store)
    tell(outbox, told(1, "sent", OCTOBER, BILLED, conversation=f"whatsapp:{OTHER}:34600111222"))

    assert Meter(store, configured()).month(NUMBER, OCTOBER).billed == {}
    assert Meter(store, configured()).month(OTHER, OCTOBER).billed == {"service": 1}


def test_a_month_begins_by_the_clock_of_the_business(store: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An hour before midnight in London it is November in Madrid."""
    file = tmp_path_factory.mktemp("business") / "business.toml"
    file.write_text('[opening]\ntimezone = "Europe/Madrid"\nmonday = "09:00-17:00"\n', encoding="utf-8")
    found = configured(business_file=file)
    tell(counting(store, found), told(1, "sent", NEW_YEAR - 1800, BILLED))

    assert Meter(store, found).month(NUMBER, NOVEMBER).billed == {"service": 1}


@pytest.mark.parametrize("at", [0.0, -1.0, 9e12])
def test_a_status_whose_time_is_none_counts_now(store: Store, at: float) -> None:
    tell(counting(store), told(1, "sent", at, BILLED))

    assert Meter(store, configured()).month(NUMBER).billed == {"service": 1}


def test_a_status_without_a_stage_leaves_nothing_behind(store: Store) -> None:
    """A platform that tells of no stages and no prices costs the meter nothing."""
    tell(counting(store), Status("telegram:7:1", f"{1:012x}.1.0", "sent"))

    assert store.client.keys("*") == []


def test_nobodys_name_is_counted_and_erasing_leaves_the_figures(store: Store) -> None:
    """Money is counted for the business; a person is not in it, nor found through it."""
    open_mailbox(store).accept([said(1, conversation=ANA)])
    tell(counting(store), told(1, "sent", OCTOBER, BILLED))
    names = [name for kind in (BUBBLE, METER, BILL) for name in cast("list[bytes]", store.client.keys(f"{kind}*"))]
    kept = {name: cast("bytes", store.client.dump(name)) for name in names}

    assert len(kept) == 3
    assert not any(b"34600111222" in name + content for name, content in kept.items())
    assert not any(name.startswith(BUBBLE) for name in find(store, Person.parse("34600111222")).shared)
    erase(store, Person.parse("34600111222"))
    assert {name: store.client.dump(name) for name in kept} == kept


def tell(outbox: Outbox, *statuses: Status) -> None:
    for status in statuses:
        outbox.settle(status)


def test_what_fails_after_it_was_sent_is_not_paid(store: Store) -> None:
    """Meta bills what is delivered."""
    outbox, meter = counting(store), Meter(store, configured())
    tell(outbox, told(1, "sent", OCTOBER, BILLED))
    before: Sequence[int] = list(meter.month(NUMBER, OCTOBER).billed.values())
    tell(outbox, told(1, "failed", OCTOBER + 5))

    assert before == [1]
    assert meter.month(NUMBER, OCTOBER).billed == {}

"""Numbers that change, hands that take over, words that are taken back: nobody gets what is not theirs, or twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.chaos.load import start_workers
from simulator.chaos.world import World
from simulator.ledger import Ledger
from simulator.ledger.store import read_redis
from simulator.models import echo
from simulator.people import Person
from simulator.platforms import Bubble
from simulator.processes import wait_until

BLANK = "\n\n"
NEW, USER = "34699000001", "ES.13491208655302741918"


@pytest.fixture(scope="module")
def world(folder: Path) -> Iterator[World]:
    """A receiver and a worker, people who write to a WhatsApp number, and a model that repeats what they said last.

    What was heard before, and not answered, stands in the same turn above it. At the end the ledger judges all of it.
    """
    with World("people", "whatsapp", 7) as one:
        one.model.reply = lambda body: f"re: {echo(body).removeprefix('re: ').rpartition(BLANK)[2]}"
        start_workers(one, ["worker"])
        yield one
        one.row.trials = 1
        row = one.judge()
        assert row.kept, repr(row)


class Somebody:
    """One person, by the number or user id under which they first wrote."""

    def __init__(self, world: World, number: int, name: str = "") -> None:
        self._world = world
        self._people = world.people(1, first=number)
        self.name = name or self._people.persons[0].chat_id
        self._person = Person(number, self.name)

    def writes(self) -> str:
        """The text."""
        return self._people.write_one(self._person)

    def says(self) -> str:
        """They write, and everything comes to rest; the text."""
        text = self.writes()
        self._world.await_rest()
        return text

    def sees(self) -> list[str]:
        """What the assistant has said to them."""
        return [bubble.text for bubble in self._world.whatsapp.answers(self.name)]

    def written(self) -> list[Bubble]:
        return [bubble for bubble in self._world.whatsapp.chat(self.name) if bubble.who == "person"]


def sent_to(world: World, *chats: str) -> list[str]:
    """The numbers and user ids to which the messages in these chats went."""
    sent = [call for call in world.whatsapp.calls if call.method == "messages" and call.chat_id in chats]
    return [str(call.params.get("to") or call.params["recipient"]) for call in sent]


def unanswered(world: World, somebody: Somebody) -> list[str]:
    """What they said that was rightly not answered, and why."""
    ledger = Ledger()
    ledger.read(world.whatsapp)
    read_redis(world.redis, ledger)
    marks = {text: reason for reason, found in ledger.check().explained.items() for text in found}
    return [marks[bubble.text] for bubble in somebody.written() if bubble.text in marks]


def test_a_new_number_goes_on_where_the_old_one_was_and_a_stranger_with_the_old_one_begins_anew(world: World) -> None:
    """Meta's clock has whole seconds; nobody gets a number in the very second in which it was given up."""
    ana, hidden = Somebody(world, 1), Somebody(world, 2, USER)
    world.whatsapp.ahead = -60
    ana.says()
    hidden.says()
    world.whatsapp.change_number(ana.name, NEW)
    ana.says()
    world.whatsapp.ahead = 0
    stranger = Somebody(world, 3, world.whatsapp.contacts.meet(ana.name).chat)
    stranger.says()
    ana.says()

    assert [len(one.sees()) for one in (ana, hidden, stranger)] == [3, 1, 1]
    assert sent_to(world, ana.name) == [ana.name, NEW, NEW]
    assert sent_to(world, USER, stranger.name) == [USER, ana.name]
    assert world.whatsapp.dropped == []


def test_the_business_answers_itself_and_what_is_taken_back_is_forgotten(world: World) -> None:
    luis, rosa = Somebody(world, 11), Somebody(world, 12)
    luis.says()
    world.whatsapp.echo(luis.name, "c11 n9 0123abcd: ahora te atiendo")
    world.await_rest()
    luis.says()
    rosa.says()
    world.whatsapp.revoke(rosa.name, rosa.written()[0].id)
    world.await_rest()

    assert [len(one.sees()) for one in (luis, rosa)] == [1, 1]
    assert unanswered(world, luis) == ["owner"]


def test_whoever_opted_out_is_left_alone_until_they_return(world: World) -> None:
    pepa = Somebody(world, 21)
    pepa.says()
    world.whatsapp.say(pepa.name, "BAJA")
    world.await_rest()
    unheard = pepa.says()
    world.whatsapp.say(pepa.name, "ALTA")
    world.await_rest()
    heard = pepa.says()

    assert not [text for text in pepa.sees() if unheard in text]
    assert [heard in text for text in pepa.sees()][-1]
    assert unanswered(world, pepa) == ["opted out"]


def test_an_answer_waits_a_day_later_until_its_person_writes_and_nothing_is_sent_before(world: World) -> None:
    tomas = Somebody(world, 31)
    world.whatsapp.ahead = -world.whatsapp.window_seconds - 60
    world.platform.webhook_url, address = "", world.platform.webhook_url
    late = tomas.writes()
    world.whatsapp.ahead = 0
    world.platform.webhook_url = address
    assert wait_until(lambda: world.counted("parked") == 1, 20)
    assert sent_to(world, tomas.name) == []

    tomas.says()
    assert [late in text for text in tomas.sees()] == [True, False]

"""In a group: who is answered, and who said what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.errors import Undelivered
from bot.message import Attachment, Batch, Message
from bot.stores.connection import Store, key
from bot.stores.history import History
from bot.stores.mailbox import Mailbox
from bot.stores.taken import Think
from tests.unit.fates import unrest
from tests.unit.mailboxes import ANA, counted
from tests.unit.worlds import FakeChannel, World
from workers.groups import is_to_us, plain, told
from workers.silence import NOT_ADDRESSED

PHOTO = (Attachment("photo", "f1"),)


class Group(FakeChannel):
    """A platform on which everybody writes in one group, and which is asked what we are called."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.away = False

    def is_group(self, conversation: str) -> bool:
        return True

    def username(self) -> str:
        self.asked += 1
        if self.away:
            raise Undelivered("not reached")
        return "recado_bot"


@pytest.fixture
def group() -> Group:
    return Group()


@pytest.fixture
def world(store: Store, group: Group) -> World:
    return World(store, channel=group)


def by(name: str, text: str, sender: str = "", *, to_us: bool = False, **more: object) -> Message:
    message = Message("", ANA, text, person=name, sender=sender or name.lower(), addressed=to_us)
    return replace(message, **more)  # type: ignore[arg-type]


def talk(world: World, *messages: Message) -> list[str]:
    """People write, and the worker does what is to be done; what it said."""
    before = len(world.channel.spoken)
    for message in messages:
        world.number += 1
        world.mailbox.accept([replace(message, id=str(world.number))])
    world.answerer.answer(ANA)
    return world.channel.spoken[before:]


def heard(store: Store) -> list[tuple[str, str]]:
    return [(turn.text, turn.heard) for turn in History(store).tail(ANA, 0, 10_000) if turn.role == "user"]


# -- to whom it is said ------------------------------------------------------------------------------


def test_who_calls_us_is_answered(world: World, store: Store) -> None:
    assert talk(world, by("Ana", "@recado_bot hola", called=("recado_bot",))) == ["re: Ana: @recado_bot hola"]
    assert unrest(store) == []


def test_who_calls_somebody_else_is_only_heard(world: World, store: Store) -> None:
    assert talk(world, by("Ana", "@bea hola", called=("bea",))) == []
    assert heard(store) == [("Ana: @bea hola", NOT_ADDRESSED)]


def test_what_was_heard_is_known_when_somebody_asks(world: World) -> None:
    talk(world, by("Ana", "lunch at two?"))
    talk(world, by("Bea", "are you open then?", to_us=True))

    assert world.backend.prompts[-1].turns[-1].text == "Ana: lunch at two?\n\nBea: are you open then?"


@pytest.mark.parametrize(
    ("text", "called", "ours"),
    [
        ("/help", (), True),
        ("/help@recado_bot", ("recado_bot",), True),
        ("/help@other_bot", ("other_bot",), False),
        ("/help @ana", (), True),
    ],
)
def test_a_command_that_names_a_bot_is_that_bots(world: World, text: str, called: tuple[str, ...], ours: bool) -> None:
    """The receiver may not know our name yet; whoever answers does."""
    assert bool(talk(world, by("Ana", text, to_us=True, called=called))) == ours


def test_our_name_is_asked_for_only_where_it_matters(world: World, group: Group) -> None:
    talk(world, by("Ana", "hola"), by("Ana", "/help", to_us=True), by("Ana", "¿@bea?", to_us=True, called=("bea",)))
    assert group.asked == 0
    talk(world, by("Ana", "@bea", called=("bea",)))
    assert group.asked == 1


def test_while_nobody_knows_our_name_the_turn_waits_and_nobody_is_told(
    world: World, group: Group, store: Store
) -> None:
    """It may be a question to us; it is certainly nothing to be told of for those who talk to each other."""
    group.away = True
    assert talk(world, by("Ana", "@recado_bot hola", called=("recado_bot",))) == []
    assert store.client.llen(key(ANA, "wip")) == 1
    assert store.client.hget(key(ANA, "state"), "tries") is None

    group.away = False
    world.think_again()
    assert world.channel.spoken == ["re: Ana: @recado_bot hola"]


def test_what_nobody_said_to_us_gets_no_notice_of_a_model_that_is_away(store: Store, group: Group) -> None:
    world = World(store, channel=group, slow_notice_seconds=0.01)
    group.away = True
    talk(world, by("Ana", "@bea hola", called=("bea",)))

    assert (group.spoken, store.client.llen(key(ANA, "out"))) == ([], 0)


@pytest.mark.parametrize("name", ["", "recado_bot"])
def test_what_is_said_to_us_is_to_us_whatever_our_name(name: str) -> None:
    assert is_to_us(by("Ana", "hola", to_us=True), name)
    assert not is_to_us(by("Ana", "hola"), name)


# -- albums ------------------------------------------------------------------------------------------


def test_an_album_is_to_us_if_one_of_its_files_is(world: World, store: Store) -> None:
    """Only one of them has the words; the others are not lost."""
    album = [by("Ana", "", attachments=PHOTO, album="a1") for _ in range(3)]
    album[1] = by("Ana", "@recado_bot mira", attachments=PHOTO, album="a1", called=("recado_bot",))

    assert len(talk(world, *album)) == 1
    assert heard(store) == [("Ana: @recado_bot mira", "")]


def test_every_file_of_an_album_counts_as_sent_to_us(world: World, group: Group) -> None:
    """For the model that is to see them, and for their sender's quota."""
    album = [by("Ana", "", attachments=PHOTO, album="a1"), by("Bea", "", attachments=PHOTO, album="a2")]
    album.append(by("Ana", "@recado_bot mira", attachments=PHOTO, album="a1", called=("recado_bot",)))
    task = told(Think(Batch(1, tuple(album))), ANA, group, world.mailbox)

    assert [message.addressed for message in task.batch.messages] == [True, False, True]


def test_an_album_without_words_that_nobody_sent_us_leaves_nothing(world: World, store: Store) -> None:
    talk(world, *[by("Ana", "", attachments=PHOTO, album="a1") for _ in range(3)])

    assert heard(store) == []
    assert counted(store, "heard") == 1
    assert unrest(store) == []


def test_anothers_album_beside_it_is_still_not_to_us(world: World, store: Store) -> None:
    ours = by("Ana", "@recado_bot mira", attachments=PHOTO, album="a1", called=("recado_bot",))

    assert talk(world, by("Bea", "", attachments=PHOTO, album="a2")) == []
    assert len(talk(world, ours)) == 1


# -- who said what -----------------------------------------------------------------------------------


def test_prompt_and_history_say_who_spoke(world: World, store: Store) -> None:
    talk(world, by("Ana", "hola"), by("Bea", "¿abrís?", to_us=True))

    assert world.backend.prompts[-1].turns[-1].text == "Ana: hola\nBea: ¿abrís?"
    assert heard(store) == [("Ana: hola\nBea: ¿abrís?", "")]


def test_in_private_nobody_is_named(store: Store) -> None:
    world = World(store)
    talk(world, by("Ana", "hola", to_us=True))

    assert world.backend.prompts[-1].turns[-1].text == "hola"


def test_a_command_is_read_without_its_speaker(world: World) -> None:
    assert "/reset" in talk(world, by("Ana", "/help", to_us=True))[0]


def test_two_people_of_one_name_are_told_apart_for_good(world: World, store: Store) -> None:
    talk(world, by("Ana", "one", "1"), by("Ana", "two", "2"))
    talk(world, by("Ana", "three", "2"), by("Ana", "four", "1"))

    assert [text for text, _ in heard(store)] == ["Ana: one\nAna (2): two", "Ana (2): three\nAna: four"]


def test_who_takes_anothers_name_gets_a_number(world: World, store: Store) -> None:
    talk(world, by("Ana", "one", "1"), by("Bea", "two", "2"))
    talk(world, by("Ana", "three", "2"), by("Ana (2)", "four", "3"))

    assert heard(store)[-1][0] == "Ana (2): three\nAna 2: four"


def test_asked_twice_names_are_the_same(mailbox: Mailbox) -> None:
    """A turn that is thought again says the same of everybody."""
    people = [("1", "Ana"), ("2", "Ana"), ("3", "Bea")]

    assert [mailbox.names(ANA, people) for _ in range(3)] == [["Ana", "Ana (2)", "Bea"]] * 3


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ana", "Ana"),
        ("Ana\nBea: I agree", "Ana Bea I agree"),
        ("Ana:", "Ana"),
        ("Bea\uff1a", "Bea"),
        ("Bea\u2236 x", "Bea x"),
        ("\u202eanA", "anA"),
        ("A\u0000n\u2028a", "A n a"),
        ("Ana (2)", "Ana 2"),
        ("👩‍🍳 Ana", "👩 🍳 Ana"),
        ("x" * 500, "x" * 40),
        ("", "77"),
        (" :\n ", "77"),
    ],
)
def test_a_name_cannot_pass_for_another_persons_line(name: str, shown: str) -> None:
    assert plain(by(name, "hola", "77")) == shown


def test_who_has_neither_name_nor_id_is_somebody() -> None:
    assert plain(Message("1", ANA, "hola")) == "?"


@pytest.mark.parametrize("mark", ["\n", "\r\n", "\r", "\u2028", "\u0085", "\x0b"])
def test_a_text_cannot_pass_for_another_persons_line(mark: str) -> None:
    """Its further lines stand back."""
    batch = Batch(1, (by("Ana", f"hola{mark}Bea: I agree", person="Ana"), by("Bea", "no")), group=True)

    assert batch.text.splitlines() == ["Ana: hola", "  Bea: I agree", "Bea: no"]


@pytest.mark.parametrize(("chat", "told"), [("telegram:7:-55", True), ("telegram:7:1", False)])
def test_a_group_is_told_when_it_is_answered(store: Store, chat: str, told: bool) -> None:
    world = World(store)
    message = Message("1", chat, "/start", language="en", sender="1", person="Ana")
    thought = world.thinker.at_once(Think(Batch(1, (message,))))

    assert thought is not None
    assert ("when you mention me" in thought.text) == told

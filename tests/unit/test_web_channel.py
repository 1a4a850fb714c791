"""The chat page as a channel: what its people read of an answer, and of everything else that may happen to them."""

from __future__ import annotations

import logging
import threading

import pytest
from prometheus_client import generate_latest

from bot import texts, wiring
from bot.business import Business
from bot.errors import Unavailable
from bot.message import Message
from bot.settings import load_settings
from bot.stores.connection import Store, key
from bot.stores.history import STOPPED, History
from bot.stores.page import ASSISTANT
from tests.tabs import Tab
from tests.unit.backgrounds import NEVER
from tests.unit.fates import unrest
from tests.unit.mailboxes import until
from tests.unit.paged import Indoors

PIECES = ["We ", "open at **nine** ", "and close at five, ", "except on Sundays."]
WHOLE = "".join(PIECES)
CONTACT = "612 345 678"


@pytest.fixture
def world(store: Store) -> Indoors:
    return Indoors(store)


@pytest.fixture
def tab(world: Indoors) -> Tab:
    return world.tab()


def history(store: Store, tab: Tab) -> list[tuple[str, str]]:
    return [(turn.text, turn.heard) for turn in History(store).tail(tab.conversation, 0, 10_000)]


# -- an answer -------------------------------------------------------------------------------------


def test_an_answer_grows_in_one_bubble_from_its_first_word_on(world: Indoors, tab: Tab) -> None:
    """Each time more of it, never less; marked as growing until it is whole."""
    world.backend.answers = [list(PIECES)]
    world.ask(tab, "when?")
    seen = world.page.read_so_far

    assert {bubble for bubble, _, _ in seen} == {"1.0"}
    assert seen[0][1:] == ("We …", True)
    assert seen[-1][1:] == (WHOLE, False)
    assert all(growing for _, _, growing in seen[:-1])
    words = [len(text.removesuffix(" …")) for _, text, _ in seen]
    assert words == sorted(words)
    assert [(one.id, one.text, one.growing) for one in tab.shown[1:]] == [("1.0", WHOLE, False)]
    assert tab.texts[0] == "when?"


def test_of_a_long_answer_all_is_shown_while_it_grows(world: Indoors, tab: Tab) -> None:
    """A platform's bubble holds some thousand characters; this one holds them all, and more is seen to come."""
    world.backend.answers = [[f"line {number} of many\n" for number in range(2000)]]
    world.ask(tab, "tell me all")
    grown = [text for _, text, growing in world.page.read_so_far if growing]

    assert "line 1990 of many" in grown[-1]
    assert len(tab.answers) == 1
    assert tab.answers[0].endswith("line 1999 of many")


def test_what_is_said_next_stands_below_and_knows_what_was_said_before(world: Indoors, tab: Tab) -> None:
    world.ask(tab, "my name is Ana")
    world.ask(tab, "what is my name?")

    assert tab.texts == ["my name is Ana", "re: my name is Ana", "what is my name?", "re: what is my name?"]
    assert [turn.text for turn in world.backend.prompts[-1].turns[1:]] == tab.texts[:-1]


def test_two_tabs_are_two_conversations(world: Indoors) -> None:
    one, other = world.tab("one"), world.tab("other")
    world.ask(one, "my name is Ana")
    world.ask(other, "what is my name?")

    assert "Ana" not in str(world.backend.prompts[-1].turns)
    assert (len(one.shown), len(other.shown)) == (2, 2)


def test_while_the_model_thinks_it_is_seen_that_an_answer_comes(world: Indoors, tab: Tab) -> None:
    seen = []
    world.backend.during = lambda: seen.append(tab.page.read(tab.conversation).typing)
    world.ask(tab, "when?")

    assert seen == [True]
    assert not tab.page.read(tab.conversation).typing


def test_a_command_is_answered_in_the_tabs_language(world: Indoors, tab: Tab) -> None:
    assert "Write to me" in world.ask(tab, "/help")[0]
    assert "Escríbeme" in world.ask(world.tab("es"), "/help", language="es")[0]


def test_an_answer_that_broke_off_goes_on_in_its_bubble(store: Store) -> None:
    """Its person is told that it takes longer, in a bubble of its own."""
    world = Indoors(store, slow_notice_seconds=0.001)
    tab = world.tab()
    world.backend.answers = [Unavailable("it loads"), WHOLE]
    tab.say("when?")
    for _ in range(3):
        world.work(tab)
        store.client.hdel(key(tab.conversation, "state"), "think_at")

    assert [(one.text, one.growing) for one in tab.shown[1:]] == [(WHOLE, False), (texts.SLOW.to("en"), False)]
    assert not world.mailbox.has_work(tab.conversation)


# -- its person's buttons --------------------------------------------------------------------------


def thinking(world: Indoors, tab: Tab, *, pace: float = 0.01) -> threading.Thread:
    """The model says an endless answer, of which some words are shown; or, where it is slow, none."""
    world.backend.answers, world.backend.pace = [["word "] * 5000], pace
    tab.say("when?")
    thread = threading.Thread(target=world.answerer.answer, args=(tab.conversation,), daemon=True)
    asked, said = len(world.backend.streams), len(tab.answers)
    thread.start()
    until(lambda: len(world.backend.streams) > asked)
    until(lambda: pace == NEVER or len(tab.answers) > said)
    return thread


def heed(world: Indoors, tab: Tab, thread: threading.Thread) -> None:
    """The worker's monitor hears of the stop, as it does twice a second; and then all is done that there is."""
    [held] = world.answerer.held
    renewed = world.mailbox.renew([(held.conversation, held.token, [])])
    held.heed(renewed.marks[held.token])
    thread.join(10)
    world.work(tab)


def test_stop_leaves_what_was_said_until_then_and_says_nothing_more(world: Indoors, tab: Tab, store: Store) -> None:
    thread = thinking(world, tab)
    tab.press("/stop")
    heed(world, tab, thread)
    [_, answer] = tab.shown

    assert not answer.growing
    assert set(answer.text.split()) == {"word"}
    assert len(answer.text.split()) < 5000
    assert [text for text, _ in history(store, tab)] == ["when?", answer.text]
    assert not world.mailbox.has_work(tab.conversation)


def test_stop_before_the_first_word_leaves_the_question_alone(world: Indoors, tab: Tab, store: Store) -> None:
    thread = thinking(world, tab, pace=NEVER)
    tab.press("/stop")
    heed(world, tab, thread)

    assert tab.texts == ["when?"]
    assert history(store, tab) == [("when?", STOPPED)]


def test_retry_puts_another_answer_in_the_place_of_the_last_one(world: Indoors, tab: Tab, store: Store) -> None:
    """In what is remembered; its old bubble is the page's to take away."""
    world.backend.answers = ["At ten.", "At nine."]
    world.ask(tab, "when?")
    tab.press("/retry")
    world.work(tab)

    assert tab.texts == ["when?", "At ten.", "At nine."]
    assert [text for text, _ in history(store, tab)] == ["when?", "At nine."]
    tab.page.remove(tab.conversation, [tab.shown[1].id])
    assert tab.texts == ["when?", "At nine."]


def test_clearing_forgets_all_and_nothing_of_it_comes_back(world: Indoors, tab: Tab, store: Store) -> None:
    """In the middle of an answer: it ends, and of it no word stands below what says that all is forgotten."""
    world.ask(tab, "my name is Ana")
    thread = thinking(world, tab)
    tab.clear()
    heed(world, tab, thread)

    [said] = tab.shown
    assert said.who == ASSISTANT
    assert "forgotten" in said.text
    assert history(store, tab) == []
    world.backend.pace = 0
    world.ask(tab, "what is my name?")
    assert "Ana" not in str(world.backend.prompts[-1].turns)
    assert tab.texts[1:] == ["what is my name?", "re: what is my name?"]


# -- what holds for everybody ----------------------------------------------------------------------


def test_the_first_answer_says_who_answers(store: Store) -> None:
    world = Indoors(store, ai_notice=True)
    tab = world.tab()
    [first], [second] = world.ask(tab, "hello"), world.ask(tab, "and again")

    assert first.startswith("re: hello\n")
    assert "assistant" in first
    assert second == "re: and again"


@pytest.mark.parametrize("access", ["list", "pairing"])
def test_whoever_sees_the_page_may_write_on_it(store: Store, access: str) -> None:
    """Its door is the machine itself, or its password; who writes on a platform is still asked for."""
    world = Indoors(store, access=access)
    tab = world.tab()

    assert world.ask(tab, "hello") == ["re: hello"]
    assert world.answer("hello") != ["re: hello"]


def test_a_stop_of_the_page_is_obeyed_whoever_else_may_talk(store: Store) -> None:
    """As the page's own mailbox takes it, which asks who may stop an answer."""
    settings = load_settings(access="list")
    tab = Tab(wiring.open_page(settings, store)[1], wiring.open_mailbox(settings, store))
    tab.say("when?")
    tab.press("/stop")

    assert store.client.hget(key(tab.conversation, "state"), "stop") == b"2"


def test_a_quota_is_each_tabs_own(store: Store) -> None:
    world = Indoors(store, quota_messages_per_day=1)
    one, other = world.tab("one"), world.tab("other")

    assert world.ask(one, "hello") == ["re: hello"]
    assert world.ask(one, "again") == [texts.QUOTA.to("en")]
    assert world.ask(other, "hello") == ["re: hello"]


def test_a_person_of_the_business_goes_on_and_is_read_on_the_page(store: Store) -> None:
    """The owner, on a platform, is told who it is, and the words of their answer stand on the page."""
    world = Indoors(store, owner_chat="fake:7:99")
    tab = world.tab()
    world.ask(tab, "can I speak to somebody?")
    world.ask(tab, "/human")
    world.answerer.answer("fake:7:99")
    notice = world.channel.spoken[-1]
    assert notice.startswith("Ref. ")
    assert f"Web {tab.conversation.split(':')[2][:8]}" in notice
    assert world.ask(tab, "are you there?") == []

    world.answerer.answer("fake:7:99")
    world.mailbox.accept([Message("owner-1", "fake:7:99", "This is Eva.", sender="99", quoted=notice)])
    world.answerer.answer("fake:7:99")
    world.work(tab)
    assert tab.texts[-1] == "This is Eva."


def test_no_label_and_no_line_of_the_log_names_a_conversation(
    world: Indoors, tab: Tab, caplog: pytest.LogCaptureFixture
) -> None:
    """The channel's name alone: which tab it is, or what was said there, is nobody's."""
    caplog.set_level(logging.DEBUG)
    world.ask(tab, "my secret words")
    world.ask(tab, "/help")
    told = generate_latest(world.answerer.metrics.registry).decode()

    assert 'recado_turns_total{backend="none",channel="web",outcome="command"} 1.0' in told
    chat = tab.conversation.split(":")[2]
    logged = "".join(str(vars(record)) + record.getMessage() for record in caplog.records)
    assert [word for word in (chat, "my secret words") if word in told or word in logged] == []


def test_nothing_but_what_is_kept_stays_when_all_is_said(world: Indoors, tab: Tab, store: Store) -> None:
    world.ask(tab, "when?")
    world.ask(tab, "/help")

    assert unrest(store) == []


def test_the_business_is_named_where_no_file_can_be_sent(world: Indoors, tab: Tab) -> None:
    world.thinker._orders._business = Business(contact=CONTACT)

    assert CONTACT in world.ask(tab, "/privacy export")[0]

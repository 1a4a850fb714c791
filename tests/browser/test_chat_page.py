"""The chat page in a real browser, before the real processes: what people do with it."""

from __future__ import annotations

from simulator.processes import wait_until
from tests.browser.chat import Chat, Chats
from tests.browser.surfing import Surfer, expect
from tests.browser.world import NAME, ChatWorld
from workers.ui import words


def test_an_answer_is_read_while_the_model_still_says_it(chat: Chat, world: ChatWorld) -> None:
    """The page has what was said so far before the model has said the rest; in the end, one bubble with Markdown."""
    held = world.mind.holds("¿qué pan hay?", "Hoy tenemos ", "pan de ", "**masa madre**.")
    chat.says("¿qué pan hay?")
    held.give()
    chat.reads("Hoy tenemos …")
    held.give(2)
    chat.reads("Hoy tenemos pan de masa madre.")

    expect(chat.answers).to_have_count(1)
    expect(chat.answers.locator("strong")).to_have_text("masa madre")
    expect(chat.questions).to_have_text(["¿qué pan hay?"])


def test_an_answer_ends_when_its_person_stops_it(chat: Chat, world: ChatWorld) -> None:
    """The model is left in the middle of it; what was said stays, and the conversation goes on."""
    world.dawdles("cuenta un cuento", "Érase una vez un panadero")
    chat.says("cuenta un cuento")
    chat.reads("Érase …")
    chat.stop()
    world.left("cuenta un cuento")
    chat.reads("Érase")
    chat.says("gracias")
    chat.reads("re: gracias")

    expect(chat.answers).to_have_count(2)


def test_a_page_that_is_loaded_again_is_in_the_same_conversation(chats: Chats, chat: Chat, world: ChatWorld) -> None:
    """An answer that grows goes on growing there, and the next question is asked with what was said before."""
    held = world.mind.holds("¿abrís hoy?", "Hoy sí, ", "de 8 a 14.")
    chat.says("¿abrís hoy?")
    held.give()
    chat.reads("Hoy sí, …")
    chats.reload(chat)
    chat.reads("Hoy sí, …")
    held.give()
    chat.reads("Hoy sí, de 8 a 14.")
    chat.says("¿y mañana?")
    chat.reads("re: ¿y mañana?")

    expect(chat.questions).to_have_text(["¿abrís hoy?", "¿y mañana?"])
    expect(chat.answers).to_have_count(2)
    said = [("user", "¿abrís hoy?"), ("assistant", "Hoy sí, de 8 a 14."), ("user", "¿y mañana?")]
    assert list(world.was_told("¿y mañana?")) == said


def test_two_tabs_are_two_conversations(chats: Chats, world: ChatWorld) -> None:
    """Of one browser, at the same time: neither reads or knows what the other says."""
    first, second = chats.two_tabs()
    slow, quick = world.mind.holds("soy Ana", "Hola, ", "Ana."), world.mind.holds("soy Luis", "Hola, ", "Luis.")
    first.says("soy Ana")
    second.says("soy Luis")
    quick.give_all()
    second.reads("Hola, Luis.")
    slow.give_all()
    first.reads("Hola, Ana.")
    first.says("¿quién soy?")
    first.reads("re: ¿quién soy?")

    assert "soy Luis" not in [text for _, text in world.was_told("¿quién soy?")]
    expect(second.questions).to_have_text(["soy Luis"])
    expect(second.answers).to_have_count(1)


def test_what_is_said_elsewhere_comes_by_itself(chats: Chats, chat: Chat) -> None:
    """In a second window of the same conversation, at rest, also while the first one's answer grows."""
    chat.says("hola")
    chat.reads("re: hola")
    other = chats.duplicate(chat)
    other.reads("re: hola")
    chat.says("¿y mañana?")
    other.reads("re: ¿y mañana?")
    other.says("gracias")
    chat.reads("re: gracias")

    expect(chat.questions).to_have_text(["hola", "¿y mañana?", "gracias"])


def test_the_answer_still_comes_when_the_worker_is_killed_in_the_middle_of_it(chat: Chat, world: ChatWorld) -> None:
    """kill -9: another worker thinks it anew, into the same bubble."""
    held = world.mind.holds("¿qué tartas hay?", "De limón ", "y de ", "chocolate.")
    chat.says("¿qué tartas hay?")
    held.give()
    chat.reads("De limón …")
    world.replace_worker()
    held.give_all()
    chat.reads("De limón y de chocolate.")
    chat.says("gracias")
    chat.reads("re: gracias")

    assert len(world.asked("¿qué tartas hay?")) == 2
    expect(chat.answers).to_have_text(["De limón y de chocolate.", "re: gracias"])


def test_while_redis_does_not_answer_that_is_said_until_it_does(surfer: Surfer, chat: Chat, world: ChatWorld) -> None:
    """What stood there stays; what cannot be kept stays in the field, and is said once when it is sent again."""
    chat.says("hola")
    chat.reads("re: hola")
    with world.redis_frozen():
        expect(chat.note).to_have_text(words.AWAY.es)
    expect(chat.note).to_have_text("")
    with world.redis_frozen():
        chat.field.fill("¿abrís hoy?")
        chat.field.press("Enter")
        expect(chat.note).to_have_text(words.NOT_SENT.es)
        expect(chat.answers).to_have_text(["re: hola"])
    expect(chat.field).to_have_value("¿abrís hoy?")
    chat.field.press("Enter")
    chat.reads("re: ¿abrís hoy?")

    expect(chat.note).to_have_text("")
    expect(chat.questions).to_have_text(["hola", "¿abrís hoy?"])
    surfer.forgive()


def test_a_second_answer_takes_the_place_of_the_first(chat: Chat, world: ChatWorld) -> None:
    world.mind.says("dime un nombre", "Ana", "Luis")
    chat.says("dime un nombre")
    chat.reads("Ana")
    chat.retry()
    chat.reads("Luis")

    expect(chat.answers).to_have_text(["Luis"])
    expect(chat.questions).to_have_text(["dime un nombre"])


def test_a_conversation_that_is_cleared_is_forgotten(chats: Chats, chat: Chat, world: ChatWorld) -> None:
    """On the page and by the assistant, in mid-answer too; loading the page again brings nothing back."""
    chat.says("me llamo Ana")
    chat.reads("re: me llamo Ana")
    world.dawdles("cuenta", "Uno, dos")
    chat.says("cuenta")
    chat.reads("Uno, …")
    chat.clear()
    expect(chat.questions).to_have_count(0)
    world.left("cuenta")
    chats.reload(chat)
    chat.says("¿cómo me llamo?")
    chat.reads("re: ¿cómo me llamo?")

    expect(chat.questions).to_have_text(["¿cómo me llamo?"])
    assert list(world.was_told("¿cómo me llamo?")) == [("user", "¿cómo me llamo?")]


def test_the_page_speaks_the_browsers_language_and_the_other_one_when_told(chats: Chats) -> None:
    """With the business's name; what was said stays."""
    english, spanish = chats.open(language="en"), chats.open(language="fr")
    for chat, language in ((english, "en"), (spanish, "es")):
        assert chat.page.evaluate("document.documentElement.lang") == language
        assert NAME in chat.page.title()
    english.says("hello")
    english.reads("re: hello")
    english.speak("es")
    expect(english.questions).to_have_text(["hello"])
    english.says("/help")
    expect(english.answers.last).to_contain_text("Empezar una conversación nueva")


def test_a_business_own_questions_are_one_press_away(chat: Chat, world: ChatWorld) -> None:
    """In the page's language, from the business's file."""
    chat.page.get_by_text("¿Cómo encargo una tarta de cumpleaños?").click()
    chat.reads("re: ¿Cómo encargo una tarta de cumpleaños?")

    assert world.asked("¿Cómo encargo una tarta de cumpleaños?")


def test_what_the_model_says_is_no_markup_and_no_address_is_asked(chat: Chat, world: ChatWorld) -> None:
    """Neither scripts nor pictures of its answer, nor of its person's words."""
    evil = (
        "Hola <script>window.evil = 1</script><img src='http://evil.example/a.png' onerror='window.evil = 2'>"
        "<svg onload='window.evil = 3'></svg> ![x](http://evil.example/b.png) [y](javascript:window.evil=4) "
        "<style>body{background:url(http://evil.example/c.png)}</style>"
        "<iframe src='http://evil.example/d'></iframe> fin"
    )
    world.mind.says(evil, evil)
    chat.says(evil)
    expect(chat.answers.last).to_contain_text("fin")
    inside = chat.page.locator("[role=log]")

    assert chat.page.evaluate("window.evil") is None
    assert inside.locator("script, iframe, style, [onerror], [onload], a[href^='javascript']").count() == 0
    assert not wait_until(lambda: inside.locator("img[src*='evil']").count() > 0, 0.2)

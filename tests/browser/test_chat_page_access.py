"""The chat page for everybody: by keyboard alone, on a telephone, and for who does not see it."""

from __future__ import annotations

from time import sleep

import pytest

from bot import texts
from bot.texts import Language
from simulator.processes import wait_until
from tests.browser import axe
from tests.browser.chat import Chat, Chats
from tests.browser.surfing import DESK, PHONE, expect, is_wider
from tests.browser.world import ChatWorld
from workers.ui import words

TABS_MOST = 40


def tab_to(chat: Chat, name: str) -> None:
    """Press Tab until the button or field of this name has the focus; whoever has it is seen to have it."""
    focused = "document.activeElement"
    for _ in range(TABS_MOST):
        chat.page.keyboard.press("Tab")
        label = chat.page.evaluate(f"{focused}.getAttribute('aria-label') || {focused}.innerText || ''")
        if name in (str(label).strip(), _label_of_focus(chat)):
            assert chat.page.evaluate(f"getComputedStyle({focused}).outlineStyle") == "solid"
            return
    raise AssertionError(f"Tab never comes to {name!r}")


def _label_of_focus(chat: Chat) -> str:
    found = chat.page.evaluate("(document.activeElement.labels || [])[0]?.innerText || ''")
    return str(found).strip()


def test_everything_can_be_done_by_keyboard_on_a_narrow_screen(chats: Chats, world: ChatWorld) -> None:
    """Ask, stop, ask again, answer again, switch the language, begin anew; and nothing is wider than 360 px."""
    chat = chats.open(viewport=PHONE)
    world.mind.says("hola", "Uno", "Dos")
    world.dawdles("cuenta", "Érase una vez")
    tab_to(chat, words.FIELD.to("es"))
    chat.page.keyboard.type("cuenta")
    chat.page.keyboard.press("Enter")
    chat.reads("Érase …")
    _press(chat, texts.STOP.to("es"))
    world.left("cuenta")
    tab_to(chat, words.FIELD.to("es"))
    chat.page.keyboard.type("hola")
    chat.page.keyboard.press("Enter")
    chat.reads("Uno")
    _press(chat, words.AGAIN.to("es"))
    chat.reads("Dos")
    assert not is_wider(chat.page)
    _press(chat, words.OTHER.to("es"))
    chat.language = "en"
    expect(chat.field).to_be_visible()
    _press(chat, words.CLEAR.to("en"))
    expect(chat.questions).to_have_count(0)
    assert not is_wider(chat.page)


def _press(chat: Chat, name: str) -> None:
    tab_to(chat, name)
    chat.page.keyboard.press("Enter")


CODE = """```python
@tarta
class Horno(Base):
    def hornea(self, masa: str = 'trigo') -> bool:  # un comentario tan largo que no cabe en ninguna pantalla estrecha
        print(f"{masa} {self.grados:>3}", 220, None, True)
```

```html
<a href="https://x.example/" class='b'>&amp; <!-- nada --></a>
```

"""
ANSWER = (
    "Uno **dos** `tres`\n\n- cuatro\n- [x] hecho\n\n> cinco\n\n" + CODE,
    f"| {'ancha |' * 9}\n{'|---' * 9}|\n| {'muchísimas |' * 9}\n\n[seis](https://seis.example/)",
)


@pytest.mark.parametrize(("language", "dark"), [("es", False), ("en", True)], ids=["light", "dark"])
def test_labels_and_contrast_pass(chats: Chats, world: ChatWorld, language: Language, *, dark: bool) -> None:
    """axe-core finds nothing serious: on the empty page, while an answer grows, and when it is whole."""
    chat = chats.open(language=language, dark=dark, viewport=PHONE if dark else DESK)
    assert axe.grave(chat.page) == []
    held = world.mind.holds("¿?", *ANSWER)
    chat.says("¿?")
    held.give()
    expect(chat.answers.last).to_contain_text("print")
    assert axe.grave(chat.page) == []
    held.give()
    expect(chat.answers.last).to_contain_text("seis")
    expect(chat.button(words.AGAIN)).to_be_enabled()
    assert axe.grave(chat.page) == []


def test_a_wide_table_is_scrolled_and_its_words_stay_whole(chats: Chats, world: ChatWorld) -> None:
    chat = chats.open(viewport=PHONE)
    world.mind.says("¿?", ANSWER[1])
    chat.says("¿?")
    expect(chat.button(words.AGAIN)).to_be_enabled()
    cells = chat.answers.last.locator("td").all()
    assert {cell.evaluate("cell => cell.getClientRects().length") for cell in cells} == {1}
    line = "cell => cell.clientHeight < 3 * parseFloat(getComputedStyle(cell).fontSize) + 30"
    assert all(cell.evaluate(line) for cell in cells)
    assert not is_wider(chat.page)


def test_who_speaks_is_told_in_the_pages_language(chats: Chats, world: ChatWorld) -> None:
    """Gradio says it, and what its buttons do, in English."""
    chat = chats.open(language="es")
    world.mind.says("¿?", CODE)
    chat.says("¿?")
    expect(chat.log.get_by_role("group", name=words.YOU.to("es"), exact=True)).to_have_text("¿?")
    answer = chat.log.get_by_role("group", name=words.ASSISTANT.to("es"), exact=True)
    expect(answer).to_contain_text("Horno")
    expect(answer.get_by_role("button", name=words.COPY.to("es"))).to_have_count(2)


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_an_example_that_is_chosen_leaves_the_focus_on_the_page(chats: Chats, seconds: float) -> None:
    """What was pressed is gone, whenever the network says so; the next words can be typed at once."""
    chat = chats.open()
    chat.page.route("**/queue/join*", lambda route: (sleep(seconds), route.continue_()))
    chat.log.get_by_role("button").first.press("Enter")
    expect(chat.field).to_be_focused()


def test_who_reads_above_stays_there_while_the_answer_grows(chats: Chats, world: ChatWorld) -> None:
    """Who does not is taken along."""
    chat = chats.open(viewport=PHONE)
    held = world.mind.holds("cuenta", *(f"Párrafo {number}. {'palabras ' * 30}\n\n" for number in range(20)))
    place = "log => [log.scrollTop, log.scrollHeight - log.clientHeight - log.scrollTop]"
    chat.says("cuenta")
    held.give(8)
    expect(chat.answers.last).to_contain_text("Párrafo 7.")
    assert wait_until(lambda: chat.log.evaluate(place)[1] < 1, 5)
    assert chat.log.evaluate(place)[0] > 100
    chat.log.hover()
    chat.page.mouse.wheel(0, -10_000)
    assert wait_until(lambda: chat.log.evaluate(place)[0] == 0, 5)
    for number in range(8, 20):
        held.give()
        expect(chat.answers.last).to_contain_text(f"Párrafo {number}.")
        assert chat.log.evaluate(place)[0] == 0


def test_dark_mode_can_be_chosen_and_is_dark(chats: Chats, chat: Chat) -> None:
    """It stays when the page is loaded again."""
    lights = "getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).reduce((a, b) => a + +b, 0)"
    assert chat.page.evaluate(lights) > 600
    chat.button(words.DARK).click()
    assert wait_until(lambda: chat.page.evaluate(lights) < 150, 5)
    chats.reload(chat)
    assert wait_until(lambda: chat.page.evaluate(lights) < 150, 5)

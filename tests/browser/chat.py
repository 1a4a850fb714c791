"""The chat page as a person uses it: by what is written on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot import texts
from bot.texts import Language
from tests.browser.surfing import Surfer, expect
from workers.ui import words

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


class Chat:
    """One tab. ``questions`` and ``answers`` are the bubbles, ``field`` where one writes."""

    def __init__(self, page: Page, language: Language = "es") -> None:
        self.page, self.language = page, language
        self.log = page.get_by_role("log")
        self.questions = self.log.locator("[data-testid=user]")
        self.note = page.locator("#note")
        self.answers = self.log.locator("[data-testid=bot]")
        expect(self.field).to_be_editable()

    @property
    def field(self) -> Locator:
        return self.page.get_by_role("textbox", name=words.FIELD.to(self.language))

    def button(self, text: Any) -> Locator:
        return self.page.get_by_role("button", name=text.to(self.language), exact=True)

    def says(self, text: str) -> None:
        """Writes and presses Enter; the words stand there as said."""
        before = self.questions.count()
        self.field.fill(text)
        self.field.press("Enter")
        expect(self.questions).to_have_count(before + 1)

    def reads(self, text: str) -> None:
        """The newest answer is this."""
        expect(self.answers.last).to_have_text(text)

    def stop(self) -> None:
        self.button(texts.STOP).click()

    def retry(self) -> None:
        self.button(words.AGAIN).click()

    def clear(self) -> None:
        self.button(words.CLEAR).click()

    def speak(self, language: Language) -> None:
        """Switch the page's own words."""
        self.page.get_by_role("link", name=words.OTHER.to(self.language)).click()
        self.language = language
        expect(self.field).to_be_visible()


class Chats:
    """Opens tabs of the page at ``url``."""

    def __init__(self, surfer: Surfer, url: str) -> None:
        self._surfer, self.url = surfer, url

    def open(self, *, language: str = "es", **options: Any) -> Chat:
        """A tab in a browser of its own that asks for ``language``."""
        return Chat(self._surfer.open(self.url, language=language, **options), "en" if language == "en" else "es")

    def reload(self, chat: Chat) -> None:
        """As its person would."""
        chat.page.reload()
        expect(chat.field).to_be_editable()

    def duplicate(self, chat: Chat) -> Chat:
        """The same conversation once more, in another window."""
        page = self._surfer.context().new_page()
        token = chat.page.evaluate("sessionStorage.getItem('recado-tab')")
        page.add_init_script(f"sessionStorage.setItem('recado-tab', '{token}')")
        page.goto(self.url)
        return Chat(page)

    def two_tabs(self) -> tuple[Chat, Chat]:
        """Two in one browser."""
        context = self._surfer.context()
        pages = [context.new_page() for _ in range(2)]
        for page in pages:
            page.goto(self.url)
        return Chat(pages[0]), Chat(pages[1])

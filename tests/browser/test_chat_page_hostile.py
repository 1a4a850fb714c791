"""A model that was talked into harm, as a real browser shows its words."""

from __future__ import annotations

import pytest

from tests.browser.chat import Chat
from tests.browser.surfing import expect
from tests.browser.world import ChatWorld
from workers.ui import words

OVERLAY = "<div style='position:fixed;inset:0'><form action='/login'><input name='password'></form></div>"
CODE = "<a href='https://x.example/'>![pan](b.png)</a>"
COPIED = """selected => {
  const range = document.createRange();
  range.selectNodeContents(selected);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  const copied = new ClipboardEvent("copy", {clipboardData: new DataTransfer(), bubbles: true, cancelable: true});
  document.dispatchEvent(copied);
  return copied.clipboardData.getData("text/plain");
}"""


@pytest.mark.parametrize("before", ["\\`", "- ```\n- a\n\n", "> ```\n\n", "p\n    ```\n"], ids=repr)
def test_nothing_is_laid_over_the_page(chat: Chat, world: ChatWorld, before: str) -> None:
    """What looks like code and is none hides no HTML: no form, no style, no picture."""
    world.mind.says("¿?", f"{before}{OVERLAY} ![p](http://evil.example/p.png)` fin")
    chat.says("¿?")
    expect(chat.answers.last).to_contain_text("fin")
    expect(chat.button(words.AGAIN)).to_be_enabled()

    assert chat.answers.locator("form, input, img, div[style*=fixed]").count() == 0
    expect(chat.field).to_be_editable()
    chat.field.click()  # nothing is in front of it


def test_code_is_copied_as_the_model_said_it(chat: Chat, world: ChatWorld) -> None:
    """By hand and by its button."""
    world.mind.says("¿?", f"```html\n{CODE}\n```")
    chat.says("¿?")
    expect(chat.button(words.AGAIN)).to_be_enabled()
    code = chat.answers.last.locator("pre code")

    assert code.evaluate(COPIED).strip() == CODE
    chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    chat.answers.last.locator(".copy_code_button").click()
    assert chat.page.evaluate("navigator.clipboard.readText()").strip() == CODE

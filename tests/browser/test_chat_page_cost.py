"""What the chat page costs: time before the first words, memory of the worker, requests to others."""

from __future__ import annotations

import os
import re
import statistics
import time
from pathlib import Path

from tests.browser.chat import Chat, Chats
from tests.browser.surfing import Surfer, expect
from tests.browser.world import ChatWorld

TIMES = 9
GENEROUS_MS = 3000
"""A machine that does ten things at once is no fault of the page; what was measured is in docs/chat-page.md."""

WATCH = """words => {
  window.first = new Promise(resolve => {
    new MutationObserver((_, observer) => {
      if ([...document.querySelectorAll('[data-testid=bot]')].at(-1)?.textContent.includes(words)) {
        observer.disconnect();
        requestAnimationFrame(() => resolve(Date.now()));
      }
    }).observe(document.body, {childList: true, subtree: true, characterData: true});
  });
}"""


def test_the_first_words_stand_on_the_page_soon_after_the_model_said_them(chat: Chat, world: ChatWorld) -> None:
    """From the model's first piece to the frame in which the browser shows it; the model says the rest much later."""
    waits = [_first_words_ms(chat, world, f"pregunta{number}") for number in range(TIMES)]
    median = statistics.median(waits)
    print(f"first words after {median:.0f} ms (median of {TIMES}; {min(waits):.0f} to {max(waits):.0f} ms)")

    assert 0 < median < GENEROUS_MS


def _first_words_ms(chat: Chat, world: ChatWorld, question: str) -> float:
    first, rest = f"A la {question} digo ", "más que esto"
    held = world.mind.holds(question, first, rest)
    chat.page.evaluate(WATCH, f"A la {question}")
    chat.says(question)
    world.wait(lambda: bool(world.asked(question)))
    held.give()
    seen_at = chat.page.evaluate("window.first")
    (asked,) = world.asked(question)
    assert asked.first
    held.give()
    chat.reads(first + rest)
    return float(seen_at) - (asked.first + time.time() - time.monotonic()) * 1000


def _resident_kib(pid: int) -> int:
    """Linux' own count (https://docs.kernel.org/filesystems/proc.html)."""
    return int(re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[0])


def test_open_pages_cost_the_worker_no_memory(chats: Chats, world: ChatWorld, chat: Chat) -> None:
    """It holds nothing of the page's library, and four more tabs that look on are not in it."""
    chat.says("hola")
    chat.reads("re: hola")
    pid = world.installation.pid(world.worker)
    before = _resident_kib(pid)
    others = [chats.open() for _ in range(4)]
    for other in others:
        expect(other.field).to_be_editable()
    grown = _resident_kib(pid) - before

    assert grown < 4096
    assert not re.search(r"pandas|numpy|PIL|gradio", Path(f"/proc/{pid}/maps").read_text())


def test_a_page_at_rest_asks_for_no_more_than_whether_something_is_new(chat: Chat, surfer: Surfer) -> None:
    """And not through Gradio's queue, which costs several times as much."""
    chat.says("hola")
    chat.reads("re: hola")
    for _ in range(7):
        with chat.page.expect_response("**/news"):
            pass

    assert [url.rpartition("/")[2] for url in surfer.asked[-3:]] == ["news"] * 3


COUNT = """() => {
  window.asked = 0;
  const ask = window.fetch;
  window.fetch = (...what) => { window.asked += what[0] === "/news"; return ask(...what); };
  Object.defineProperty(document, "hidden", {get: () => window.away});
}"""


def test_a_page_that_nobody_sees_asks_nothing(chat: Chat) -> None:
    """Until it is seen again, and then at once."""
    page = chat.page
    page.clock.install()
    page.evaluate(COUNT)
    with page.expect_response("**/news"):
        page.clock.run_for(2000)
    seen = page.evaluate("window.away = true, window.asked")
    page.clock.run_for(60_000)
    unseen = page.evaluate("window.asked") - seen
    asked = page.evaluate("window.away = false, document.dispatchEvent(new Event('visibilitychange')), window.asked")

    assert seen
    assert (unseen, asked - seen) == (0, 1)


def test_nothing_outside_is_asked_and_nothing_is_missing(surfer: Surfer, chats: Chats, world: ChatWorld) -> None:
    """The page has its scripts, styles and fonts from this machine, in both languages and both themes; ``surfer``
    sees to it that nothing was refused and nobody else was asked."""
    for language, dark in (("es", False), ("en", True)):
        chat = chats.open(language=language, dark=dark)
        chat.says("hello")
        chat.reads("re: hello")
        chat.page.wait_for_load_state("load")
        failed = chat.page.evaluate("[...document.fonts].filter(f => f.status === 'error').map(f => f.family)")
        assert failed == []
    kinds = {url.partition("?")[0].rpartition(".")[2] for url in surfer.asked}

    assert {"js", "css"} <= kinds
    assert len(surfer.asked) > 20


def test_no_address_of_another_host_is_in_what_the_page_is_sent(chats: Chats, surfer: Surfer) -> None:
    """Links that a person may follow are none of it: there are none."""
    chat = chats.open()
    loading = "link[href], script[src], img[src], iframe[src], form[action], source[src], meta[content^=http]"
    read = "all => all.map(e => e.href || e.src || e.action || e.content)"
    loads = chat.page.locator(loading).evaluate_all(read)
    links = chat.page.locator("a[href^=http]").evaluate_all(read)

    assert [url for url in (*loads, *links) if "//" in url and not url.startswith((chats.url, "data:", "blob:"))] == []
    assert os.environ.get("GRADIO_ANALYTICS_ENABLED") is None  # it is the product that switches that off

"""The chat page in one language, made of Gradio's components. What it does is said in desk.py and watch.py."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import gradio as gr

from bot import texts
from bot.business import Business
from bot.errors import RecadoError
from bot.stores.page import PERSON
from bot.texts import Language
from workers.ui import words
from workers.ui.desk import LETTERS, Desk
from workers.ui.tab import TAB_HEADER, Sight, Tab, Tabs
from workers.ui.watch import watch

QUEUE_SECONDS: Final = 0.01
"""So often Gradio looks for what a page asks for."""
_FONTS: Final = ("system-ui", "sans-serif")
_MONO: Final = ("ui-monospace", "monospace")

log = logging.getLogger("recado.ui")


def theme() -> gr.themes.Base:
    """Soft, in dark enough colours to be read, with the fonts that the machine has."""
    soft = gr.themes.Soft(primary_hue="teal", secondary_hue="teal", font=_FONTS, font_mono=_MONO)
    return soft.set(
        block_title_background_fill="transparent",
        block_title_background_fill_dark="transparent",
        block_title_padding="0",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_200",
        border_color_primary="*neutral_300",
        border_color_primary_dark="*neutral_600",
        input_border_color="*neutral_500",
        input_border_color_dark="*neutral_400",
        input_border_width="1px",
        input_border_width_dark="1px",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        input_placeholder_color="*neutral_600",
        input_placeholder_color_dark="*neutral_400",
    )


class ChatPage:
    """What happens on the page of one language."""

    def __init__(self, desk: Desk, business: Business, language: Language) -> None:
        self._desk, self._business, self._language = desk, business, language
        self._tabs = Tabs()
        self._outputs: list[Any] = []

    def build(self) -> gr.Blocks:
        """The page, its queue without a limit of one."""
        with gr.Blocks(
            title=words.title(self._business, self._language),
            analytics_enabled=False,
            fill_height=True,
            fill_width=True,
        ) as blocks:
            self._lay_out(blocks)
        blocks.max_threads = 1000  # answers that are watched at once; no thread waits for one
        blocks.queue(default_concurrency_limit=None, api_open=False)
        blocks._queue.sleep_when_free = QUEUE_SECONDS  # noqa: SLF001 - else it looks a thousand times a second
        return blocks

    def _lay_out(self, blocks: gr.Blocks) -> None:
        say = self._say
        chat = self._chat()
        note = gr.Markdown(elem_id="note", container=False)
        with gr.Row(elem_id="write"):
            field = gr.Textbox(
                label=say(words.FIELD), placeholder=say(words.HINT), lines=1, max_lines=6, scale=9, min_width=160,
                autofocus=True, elem_id="field",
            )  # fmt: skip
            send = gr.Button(say(words.SEND), variant="primary", scale=1, min_width=96, elem_id="send")
        with gr.Row(elem_id="orders"):
            stop, again, clear = (
                gr.Button(say(text), size="sm", min_width=96, elem_id=name, interactive=name == "clear")
                for name, text in (("stop", texts.STOP), ("again", words.AGAIN), ("clear", words.CLEAR))
            )
        self._outputs = [chat, note, stop, again]
        look = gr.Button(visible="hidden", elem_id="look")  # static/page.js presses it when something is new
        gr.on([blocks.load, look.click], self._look, outputs=self._outputs, api_name="look", **_QUIETLY)
        said = [field, note]
        for done in (
            gr.on([field.submit, send.click], self._send, inputs=field, outputs=said, api_name="send", **_QUIETLY),
            chat.example_select(self._ask, outputs=said, **_QUIETLY),
            stop.click(self._doing(self._desk.stop), outputs=note, **_QUIETLY),
            again.click(self._doing(self._desk.retry), outputs=note, **_QUIETLY),
            clear.click(self._doing(self._desk.clear), outputs=note, **_QUIETLY),
        ):
            done.then(self._look, outputs=self._outputs, **_QUIETLY)

    def _chat(self) -> gr.Chatbot:
        return gr.Chatbot(
            label=self._say(words.CONVERSATION), show_label=False, elem_id="chat", height=None, layout="bubble",
            buttons=[], feedback_options=None, latex_delimiters=[], allow_tags=False, sanitize_html=True,
            autoscroll=False, group_consecutive_messages=False, placeholder=self._say(words.ASK),
            examples=[{"text": one} for one in words.examples(self._business, self._language)],
        )  # fmt: skip

    async def _look(self, request: gr.Request) -> AsyncIterator[list[Any]]:
        try:
            tab = self._tab(request)
        except ValueError:
            yield [gr.skip(), self._say(words.NO_TAB), gr.skip(), gr.skip()]
            return
        changed = False
        async for sight in watch(self._desk, tab):
            changed = True
            yield _shown(sight)
        if not changed:  # Gradio empties what a generator has not spoken of
            yield [gr.skip()] * len(self._outputs)

    async def _send(self, text: str, request: gr.Request) -> list[Any]:
        """What to do with the field, and the note."""
        said = text.encode(errors="replace").decode().strip()
        if len(said) > LETTERS:
            return [gr.skip(), words.TOO_LONG.to(self._language, most=LETTERS)]
        try:
            if said:
                await asyncio.to_thread(self._desk.say, self._tab(request), said)
        except (RecadoError, ValueError) as error:
            log.warning("a message was not kept: %s", error)
            return [gr.skip(), self._say(words.NOT_SENT)]
        return ["", gr.skip()]

    async def _ask(self, chosen: gr.SelectData, request: gr.Request) -> list[Any]:
        _, note = await self._send(str(chosen.value["text"]), request)
        return [gr.skip(), note]

    def _doing(self, order: Callable[[Tab], None]) -> Callable[[gr.Request], Any]:
        async def do(request: gr.Request) -> Any:
            try:
                await asyncio.to_thread(order, self._tab(request))
            except (RecadoError, ValueError) as error:
                log.warning("an order was not carried out: %s", error)
                return self._say(words.NOT_DONE)
            return gr.skip()

        return do

    def _tab(self, request: gr.Request) -> Tab:
        return self._tabs.find(request.session_hash or "", request.headers.get(TAB_HEADER, ""), self._language)

    def _say(self, text: texts.Text) -> str:
        return text.to(self._language)


_QUIETLY: Final[dict[str, Any]] = {"show_progress": "hidden", "api_visibility": "private", "trigger_mode": "once"}


def _shown(sight: Sight) -> list[Any]:
    stays = gr.skip() if sight.said is None else None
    said = [{"role": "user" if who == PERSON else "assistant", "content": text} for who, text in sight.said or ()]
    return [stays or said, sight.note, gr.update(interactive=sight.busy), gr.update(interactive=sight.again)]

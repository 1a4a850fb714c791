"""What the owner reads of conversations in which a person goes on."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from bot.logs import pseudonym
from bot.message import Batch, Conversation, Turn
from bot.stores.handovers import Handover
from bot.texts import Language, Text
from workers.marks import mark

EXCERPT_MOST: Final = 600
"""Characters of what was said that a notice shows."""
LINE_MOST: Final = 300
PART_MOST, PARTS_MOST = 1800, 10
"""So many characters, of two UTF-16 units at most, of what somebody says fit into a notice; and so many notices."""
NAME_MOST: Final = 40
TAB_MOST: Final = 8
"""Of a tab's name on the chat page, which nobody has to type; its reference tells it from others."""
_WHERE: Final = {"telegram": "Telegram", "whatsapp": "WhatsApp", "web": "Web"}

WANTS_PERSON = Text(es="Quiere hablar con una persona.", en="They want to talk to a person.")
NO_ANSWER = Text(
    es="El asistente no ha podido responder, y le ha dicho que lo harás tú.",
    en="The assistant was not able to answer, and has said that you will.",
)
NO_MONEY = Text(
    es="El presupuesto del mes se ha gastado: te toca responder a ti.",
    en="The month's budget is spent: it is for you to answer.",
)
SAYS = Text(es="Escribe:", en="They write:")
LAST = Text(
    es="Escribe mucho, y durante esta hora no te paso más de aquí:",
    en="They write a lot, and within this hour I pass on no more from there:",
)
GOES_ON = Text(es="Prefiere seguir con el asistente.", en="They would rather go on with the assistant.")
_CUSTOMER = Text(es="Cliente: {words}", en="Customer: {words}")
_ANSWER = Text(es="Respuesta: {words}", en="Answer: {words}")
_HOW = Text(
    es="Responde a este mensaje y se lo paso. Responde /seguir y vuelve a contestar el asistente.",
    en="Reply to this message and I pass it on. Reply /resume and the assistant answers again.",
)
RESUMED = Text(es="Hecho: a {who} le vuelve a responder el asistente.", en="Done: the assistant answers {who} again.")
STILL_BROKE = Text(
    es="El presupuesto del mes se ha gastado: a {who} no le responde el asistente hasta el mes que viene, o hasta que "
    "subas WHATSAPP_BUDGET.",
    en="The month's budget is spent: the assistant does not answer {who} until next month, or until you raise "
    "WHATSAPP_BUDGET.",
)
ANSWERS_ALREADY = Text(es="A {who} ya le responde el asistente.", en="The assistant is answering {who} already.")
OPTED_OUT_NOW = Text(
    es="No se lo he enviado: {who} ha pedido que no se le escriba.",
    en="I have not sent it: {who} has asked not to be written to.",
)
UNKNOWN = Text(
    es="No sé a quién responder: el aviso {ref} es de hace demasiado tiempo, o de otro chat.",
    en="I do not know whom to answer: the notice {ref} is too old, or another chat's.",
)
ONLY_TEXT = Text(
    es="Por aquí solo puedo pasar texto, así que {who} no lo ha recibido. ¿Me lo escribes?",
    en="I can only pass on text here, so {who} has not received it. Could you write it to me?",
)
_PARKED = Text(
    es="Aún no ha recibido tu respuesta: WhatsApp solo deja escribir en las 24 horas siguientes a su último mensaje. "
    "Le llegará cuando escriba.",
    en="They have not received your answer yet: WhatsApp takes messages only within 24 hours of their last one. They "
    "will get it when they write.",
)
_SENT = Text(es="Ya ha recibido tu respuesta.", en="They have received your answer now.")
_FAILED = Text(
    es="No ha recibido tu respuesta: no se ha podido entregar.",
    en="They have not received your answer: it could not be delivered.",
)

_TURNS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

log = logging.getLogger("recado.handover")


class About(NamedTuple):
    """Whom a notice is about, at which business, and in which language it is."""

    handover: Handover
    state: Mapping[str, str]
    language: Language
    business: str

    def notices(self, why: Text, said: str) -> list[str]:
        """So many that all of it is read in bubbles that a platform takes, and each can be answered."""
        parts = [said[at : at + PART_MOST].strip() for at in range(0, len(said), PART_MOST)] or [""]
        shown = parts if len(parts) <= PARTS_MOST else [*parts[: PARTS_MOST - 1], f"{parts[PARTS_MOST - 1]} […]"]
        return [self.notice(why, part) for part in shown]

    def notice(self, why: Text, said: str = "") -> str:
        """It begins with its reference; nothing that people say can stand there."""
        of = f" → {self.business}" if self.business else ""
        head = f"Ref. {self.handover.ref} · {_who(self.handover, self.state)}{of}\n{why.to(self.language)}"
        return "\n\n".join(part for part in (head, said, _HOW.to(self.language)) if part)


def under(found: Handover, text: str) -> str:
    """Something that is told under a notice's reference."""
    return f"Ref. {found.ref} · {called(found)}\n{text}"


def fates(found: Handover, language: Language) -> dict[str, str]:
    """What whoever answered is told when the words wait for their person, have come then, or never will."""
    known = {"parked": _PARKED, "sent": _SENT, "failed": _FAILED}
    return {name: under(found, text.to(language)) for name, text in known.items()}


def called(found: Handover) -> str:
    """What the owner knows somebody by."""
    return _short(found.person, NAME_MOST) or _chat(found.conversation)


def excerpt(said: Sequence[Turn], language: Language) -> str:
    """The newest of what was said, oldest first, in a few hundred characters."""
    lines: list[str] = []
    left = EXCERPT_MOST
    for turn in reversed([turn for turn in said if turn.text.strip()]):
        who = _ANSWER if turn.role == "assistant" else _CUSTOMER
        line = who.to(language, words=_short(turn.text, min(LINE_MOST, left)))
        left -= len(line)
        if left < 0 and lines:
            break
        lines.insert(0, line)
    return "\n".join(lines)


def words(batch: Batch, language: Language) -> str:
    """What somebody has just said; of what is no text, what it is."""
    parts = [
        " ".join([*(mark(sent, language) for sent in message.attachments), message.text]).strip()
        for message in batch.messages
    ]
    return "\n".join(part for part in parts if part)


def packed(fate: Mapping[str, str]) -> str:
    return json.dumps(fate, ensure_ascii=False)


def log_untold(conversation: str, ref: str) -> None:
    """Nobody has a chat in which to be told."""
    log.warning(
        "somebody is handed over (Ref. %s) and OWNER_CHAT is empty: `python -m bot handover list` shows who waits",
        ref,
        extra={"conversation": pseudonym(conversation)},
    )


def _who(found: Handover, state: Mapping[str, str]) -> str:
    address = state.get("address") or found.conversation
    channel, name = Conversation.parse(found.conversation).channel, _short(found.person, NAME_MOST)
    return " · ".join(part for part in (name, f"{_WHERE.get(channel, channel)} {_chat(address)}") if part)


def _chat(conversation: str) -> str:
    channel, _, chat, _ = Conversation.parse(conversation)
    if channel == "web":
        return chat[:TAB_MOST]
    return f"+{chat}" if channel == "whatsapp" and chat.isdigit() else chat


def _short(text: str, most: int) -> str:
    """In one line, and without the marks that turn the direction of what stands beside it."""
    line = " ".join(_TURNS.sub("", text).split())
    return line if len(line) <= most else line[: max(most - 1, 0)].rstrip() + "…"

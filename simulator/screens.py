"""The pictures in the README: a conversation with the real processes, as its person sees it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from simulator.asked import words
from simulator.bubble import Bubble
from simulator.drawing import draw
from simulator.installation import FREE_OF_LIMITS, Installation
from simulator.models import ModelServer
from simulator.processes import NotReady

FOLDER: Final = Path("docs/screens")
BUSINESS: Final = Path(__file__).with_name("demo.toml")
TITLE: Final = "Panadería La Espiga"
PACE: Final = 2.5
"""Seconds between the pieces of an answer: time enough to be looked at while it grows."""
SECONDS: Final = 60.0
MORE: Final = "…"


class Play(NamedTuple):
    """What is said in one language; the answer to the last question is looked at when it has grown to ``until``."""

    chat: int
    subtitle: str
    asked: tuple[str, ...]
    answers: tuple[tuple[str, ...], ...]
    until: str


def _list(*cakes: str) -> str:
    return "\n".join(f"- **{cake}**: {price} €" for cake, price in zip(cakes, (24, 22, 26), strict=True))


PLAYS: Final = {
    "es": Play(
        34_611,
        "asistente · responde siempre",
        ("/start", "¿Qué tartas hacéis para un cumpleaños?", "La de limón, para el sábado. ¿Qué tengo que hacer?"),
        (
            (
                "Estas son las que más gustan:\n\n"
                + _list("Tarta de la abuela", "Tarta de limón", "Milhojas")
                + "\n\nLas fotos están en [nuestra web](https://laespiga.example/tartas).",
            ),
            (
                "¡Buena elección! Para el **sábado** llegamos de sobra. Copia esto y dime para cuántas personas es:",
                "\n\n```\nTarta de limón\nSábado, a las 11:00\n```\n\nCuando la tengas",
                " encargada, te la guardamos en el mostrador.",
            ),
        ),
        "11:00",
    ),
    "en": Play(
        34_612,
        "assistant · always answers",
        ("/start", "What cakes do you make for a birthday?", "The lemon one, for Saturday. What do I have to do?"),
        (
            (
                "These are the favourites:\n\n"
                + _list("Grandma's cake", "Lemon cake", "Mille-feuille")
                + "\n\nThere are photos on [our website](https://laespiga.example/cakes).",
            ),
            (
                "Good choice! **Saturday** is no problem at all. Copy this and tell me for how many people it is:",
                "\n\n```\nLemon cake\nSaturday, at 11:00\n```\n\nAs soon as it is",
                " ordered, we keep it for you at the counter.",
            ),
        ),
        "11:00",
    ),
}


def answer(body: dict[str, Any]) -> tuple[str, ...]:
    """What the model says to the newest question."""
    said = words(str(body["messages"][-1]["content"]))
    known = [pair for play in PLAYS.values() for pair in zip(play.asked[1:], play.answers, strict=True)]
    return next(pieces for asked, pieces in known if asked in said)


def pictures() -> dict[str, str]:
    """A picture for each language. Raises NotReady when the product does not come up or does not answer."""
    with tempfile.TemporaryDirectory(prefix="recado-screens-") as folder:
        model = ModelServer(reply=answer, pace=PACE)
        settings: dict[str, Any] = FREE_OF_LIMITS | {"BUSINESS_FILE": str(BUSINESS), "AI_NOTICE": "on"}
        with Installation(Path(folder), model, own_redis=True, **settings) as world:
            world.start("redis", "receiver", "worker")
            chats = {language: _played(world, language) for language in PLAYS}
            world.abandon()  # nobody waits for the rest of the last answer
    return {language: draw(chat, TITLE, PLAYS[language].subtitle) for language, chat in chats.items()}


def save(folder: Path = FOLDER) -> list[Path]:
    """Draw the pictures anew. Raises NotReady as ``pictures`` does."""
    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    for language, picture in pictures().items():
        saved.append(folder / f"chat.{language}.svg")
        saved[-1].write_text(picture, encoding="utf-8")
    return saved


def _played(world: Installation, language: str) -> list[Bubble]:
    play = PLAYS[language]
    for asked in play.asked[:-1]:
        _say(world, play, asked, language, lambda last: not last.endswith(MORE))
    _say(world, play, play.asked[-1], language, lambda last: play.until in last)
    return world.telegram.chat(play.chat)


def _say(world: Installation, play: Play, text: str, language: str, seen: Callable[[str], bool]) -> None:
    """Write, and wait until what is answered looks so."""
    number = str(world.telegram.say(play.chat, text, language)["message"]["message_id"])

    def answered() -> bool:
        found = world.telegram.answers(play.chat, since=number)
        return bool(found) and seen(found[-1].text)

    if not world.telegram.wait_until(answered, SECONDS):
        raise NotReady(f"There is no answer to {text!r}.\n{world.processes.log_tails()}")

"""The first business file: who the business is, and two questions that everybody asks."""

from __future__ import annotations

import json
from typing import NamedTuple

from bot.texts import Language, Text

_HEAD = Text(
    es="# Lo que el asistente sabe de tu negocio. Añade servicios y preguntas: business.example.toml muestra cómo.",
    en="# What the assistant knows of your business. Add services and questions: business.example.toml shows how.",
)
_HOURS = Text(es="¿Cuál es el horario? ¿A qué hora abrís?", en="What are your opening hours? When do you open?")
_HOURS_ANSWER = Text(es="Nuestro horario es: {what}", en="Our opening hours are: {what}")
_CONTACT = Text(
    es="¿Cómo os puedo contactar? ¿Puedo hablar con una persona?", en="How can I reach you? Can I talk to a person?"
)
_CONTACT_ANSWER = Text(es="Nos puedes contactar aquí: {what}", en="You can reach us here: {what}")


_OPENING = Text(
    es="# Con tu horario de verdad, el asistente sabe si está abierto. Quita las almohadillas y cámbialo:",
    en="# With your real hours, the assistant knows whether you are open. Take the hashes away and change them:",
)
_WEEK = """\
# [opening]
# timezone = "Europe/Madrid"
# monday = "09:00-14:00, 17:00-20:00"
# saturday = "09:00-14:00"
# answers_when_closed = true
"""


class Basics(NamedTuple):
    """What is asked of a business at first; each part may be empty."""

    name: str = ""
    hours: str = ""
    contact: str = ""


def render(basics: Basics, language: Language) -> str:
    """The file's text (TOML), with its questions in both languages, the operator's first."""
    lines = [_HEAD.to(language), ""]
    lines += [f"{part} = {_text(value)}" for part, value in basics._asdict().items() if value]
    others: tuple[Language, ...] = ("es", "en") if language == "es" else ("en", "es")
    for value, question, answer in ((basics.hours, _HOURS, _HOURS_ANSWER), (basics.contact, _CONTACT, _CONTACT_ANSWER)):
        for one in others if value else ():
            lines += ["", "[[faq]]", f"question = {_text(question.to(one))}"]
            lines += [f"answer = {_text(answer.to(one, what=value))}", f'language = "{one}"']
    return "\n".join([*lines, "", _OPENING.to(language), _WEEK])


def _text(value: str) -> str:
    """A TOML basic string; what JSON escapes, TOML reads alike, and the rest of the control characters go."""
    return json.dumps("".join(letter for letter in value if letter.isprintable()), ensure_ascii=False)

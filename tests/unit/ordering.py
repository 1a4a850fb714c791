"""All that commands can say, whatever they are told."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from collections.abc import Iterator
from typing import Final

from bot.business import Business
from bot.commands import Command, Order
from bot.opening import Opening
from bot.stores.access import Stranger
from bot.texts import Language
from tests.unit.flows import COMMANDS

FEW: Final = 12


def vocabulary(command: Command) -> list[tuple[str, ...]]:
    """What may stand behind a command: nothing, each word that its own source knows, and a further one of these."""
    tree = ast.parse(inspect.getsource(inspect.getmodule(command) or command.__class__))
    known = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    words = [*dict.fromkeys(word for word in known if re.fullmatch(r"\w{1,20}", word)), "zzz"]
    further = itertools.product(words[:FEW], repeat=2)
    return [(), *((word,) for word in words), *further]


def ordered(name: str, language: Language) -> Iterator[tuple[Language, str]]:
    """All that a command can say, each with the language in which it must be said."""
    stranger = Stranger("fake:2", "ACDEFGHJ", "fake:7:2", language, "Bea")
    options = {
        "admin": (True, False), "private": (True, False), "pressed": (False, True), "chooses": (True, False),
        "thinker": ("", "a.example"), "number": (1, 5), "told": (True, False), "boss": (False, True),
        "broke": (False, True),
        "state": ({}, {"stop": "3", "chosen": language}, {"paused": "handed over"}, {"paused": "opted out"}),
        "business": (
            Business(), Business(name="La Espiga", contact="+34 600 111 222"),
            Business(opening=Opening(timezone="UTC")),
        ),
        "models": (tuple, lambda: ["mistral:7b"]), "stranger": (lambda _: None, lambda _: stranger),
    }  # fmt: skip
    source = inspect.getsource(inspect.getmodule(COMMANDS[name]) or type(COMMANDS[name]))
    figures = dict.fromkeys(re.findall(r'"(\w+)"', source), 1)
    base = {"language": language, "commands": COMMANDS, "model": "mistral:7b", "figures": lambda: figures}
    for words in vocabulary(COMMANDS[name]):
        for option, values in options.items():
            for value in values:
                order = Order(**{k: v[0] for k, v in options.items()} | base | {"words": words, option: value})  # type: ignore[arg-type]
                done = COMMANDS[name].run(order)
                tongue = done.language or language
                yield from ((tongue, said) for said in (done.text, done.instead) if said)
                if done.admission:
                    yield language, done.admission.note
    yield language, COMMANDS[name].description.to(language)

"""What Redis keeps of conversations: some that the product's own processes made, and then many like them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from simulator.installation import FREE_OF_LIMITS, Installation
from simulator.models import ModelServer
from simulator.processes import NotReady, wait_until

CHARACTERS: Final = 300
ANSWER: Final = "Sí, los domingos abrimos de nueve a dos, y el pan sin gluten se encarga antes del viernes. "
QUESTION: Final = "¿Tenéis pan sin gluten los domingos, o hay que encargarlo antes? Es para doce personas. "
SETTINGS: Final = FREE_OF_LIMITS | {"DEBOUNCE_SECONDS": "0"}
FIRST: Final = 34_600_000_000
COPIED: Final = 41_000_000_000
"""Names of copies are as long as those of their originals, and of nobody else."""

LASTING: Final = ("history", "state", "turn")
"""What an idle conversation consists of; everything else of it goes after an hour (the last replies, should one have
to be put right) or after days (WhatsApp's own words)."""
BATCH: Final = 200


class Kept(NamedTuple):
    """Bytes: of one message in a history; of the rest of an idle conversation; and, for a time, of what each accepted
    message leaves (its id, WhatsApp's own words of it) and of the last replies of a conversation."""

    message: float
    rest: float
    seen: float
    raw: float
    spoken: float


def length(words: str) -> str:
    """Words repeated to the length that is measured with."""
    return (words * (CHARACTERS // len(words) + 1))[:CHARACTERS]


def model() -> ModelServer:
    """A model whose every answer has the length that is measured with."""
    return ModelServer(reply=lambda _: length(ANSWER))


def talk(installation: Installation, people: int, turns: int) -> None:
    """So many people on each platform ask so often, one question after the other. Raises NotReady."""
    for turn in range(turns):
        for person in range(FIRST, FIRST + people):
            said = length(f"{turn} {person} {QUESTION}")
            installation.telegram.say(person, said)
            installation.whatsapp.say(str(person), said)
        asked = 2 * people * (turn + 1)
        if not wait_until(lambda asked=asked: _rests(installation, asked), 60):  # type: ignore[misc]
            raise NotReady(f"Not every question was answered.\n{installation.processes.log_tails()}")


def _rests(installation: Installation, asked: int) -> bool:
    return len(installation.model.requests) >= asked and not installation.due()


def conversations(client: Any) -> list[str]:
    """Those that have a history."""
    found = client.scan_iter("recado:{*}:history", count=10_000)
    return sorted(name.decode().partition("{")[2].partition("}")[0] for name in found)


def parts(client: Any, names: Sequence[str]) -> Counter[str]:
    """What Redis' MEMORY USAGE says of these conversations' keys, by the last word of the key."""
    size: Counter[str] = Counter()
    for name in names:
        for key in client.scan_iter(f"recado:{{{name}}}:*", count=100_000):
            size[key.decode().rpartition(":")[2]] += client.memory_usage(key, samples=0) or 0
    return size


def multiply(client: Any, originals: Sequence[str], count: int) -> float:
    """Put ``count`` idle conversations beside the originals, each a copy of one; bytes of each, by Redis' own account.

    No append-only file is written meanwhile: that costs time and is no memory.
    """
    client.config_set("appendonly", "no")
    models = [_dumped(client, name) for name in originals]
    before = client.info("memory")["used_memory"]
    for start in range(0, count, BATCH):
        pipeline = client.pipeline(transaction=False)
        for number in range(start, min(start + BATCH, count)):
            for key, left, value in models[number % len(models)]:
                pipeline.restore(key.replace("*", str(COPIED + number)), left, value)
        pipeline.execute()
    return float((client.info("memory")["used_memory"] - before) / count)


def _dumped(client: Any, name: str) -> list[tuple[str, int, bytes]]:
    """The lasting keys of a conversation, with a star in the place of its person: their time left, and their value."""
    place = name.rpartition(":")[0]
    keys = [(f"recado:{{{place}:*}}:{part}", f"recado:{{{name}}}:{part}") for part in LASTING]
    return [(to, max(client.pttl(key), 0), client.dump(key)) for to, key in keys]


def weigh(client: Any, turns: int, copies: int) -> Kept:
    """What Redis keeps of the conversations that are there, each of so many turns; ``copies`` of them are made."""
    names = conversations(client)
    size = parts(client, names)
    ids = [client.memory_usage(key) or 0 for key in client.scan_iter("recado:seen:*", count=100_000)]
    message = size["history"] / len(names) / turns / 2
    each = multiply(client, names, copies)
    on_whatsapp = sum(name.startswith("whatsapp") for name in names)
    return Kept(
        message=message,
        rest=each - message * turns * 2,
        seen=sum(ids) / len(ids),
        raw=size["raw"] / max(on_whatsapp, 1) / turns,
        spoken=size["spoken"] / len(names),
    )

"""Two numbers, two businesses, one installation: nothing of one ever appears with the other."""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from simulator.asked import text_of, words
from simulator.installation import FREE_OF_LIMITS, NUMBER
from simulator.processes import wait_until
from tests.e2e.conftest import Installation

MESSAGES, PEOPLE = 1000, 50
SECOND = "206540352242922"


@dataclass
class Shop:
    """A business with one number, and everything that only it and its customers know."""

    number: str
    name: str
    token: str = field(default_factory=lambda: secrets.token_hex(20))
    app_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    fact: str = field(default_factory=lambda: f"fact-{secrets.token_hex(8)}")
    prompt: str = field(default_factory=lambda: f"prompt-{secrets.token_hex(8)}")
    words: list[str] = field(default_factory=list)

    def file(self, folder: Path) -> Path:
        path = folder / f"{self.name}.toml"
        path.write_text(f'name = "{self.name}"\ndescription = "{self.fact}"\n', encoding="utf-8")
        return path

    def word(self) -> str:
        """Something that a customer of this shop says, and nobody else."""
        self.words.append(f"word-{secrets.token_hex(8)}")
        return self.words[-1]

    @property
    def secrets(self) -> set[str]:
        return {self.name, self.token, self.app_secret, self.fact, self.prompt}

    def chat(self, person: str) -> str:
        """The simulator's name of a person's chat with this shop."""
        return person if self.number == NUMBER else f"{self.number}/{person}"


def recite(body: dict[str, Any]) -> str:
    """The model says what it was told of the business, and what the person said last."""
    told = " ".join(text_of(turn) for turn in body["messages"] if turn["role"] == "system")
    last = words(text_of(body["messages"][-1]))
    found = [word for word in told.replace(",", " ").split() if word.startswith(("fact-", "prompt-"))]
    return f"{body['model']} {' '.join(found)} {' '.join(last.split())}"


def opened(install: Callable[..., Installation], folder: Path) -> tuple[Installation, Shop, Shop]:
    """Both shops behind one webhook: two tokens, two apps, two files, two models."""
    bakery, florist = Shop(NUMBER, "Panaderia"), Shop(SECOND, "Floristeria")
    file = folder / "numbers.toml"
    file.write_text(
        f'[numbers.{SECOND}]\ntoken = "{florist.token}"\napp_secret = "{florist.app_secret}"\n'
        f'business_file = "{florist.file(folder)}"\nsystem_prompt = "{florist.prompt}"\nmodel = "large:70b"\n',
        encoding="utf-8",
    )
    one = install(
        **FREE_OF_LIMITS,
        WHATSAPP_NUMBERS_FILE=str(file),
        BUSINESS_FILE=str(bakery.file(folder)),
        SYSTEM_PROMPT=bakery.prompt,
        LLM_MODEL="small:7b",
    )
    bakery.token, bakery.app_secret = one.whatsapp.token, one.whatsapp.app_secret
    one.whatsapp.add_number(SECOND, florist.token, app_secret=florist.app_secret)
    one.model.reply, one.model.models = recite, ("small:7b", "large:70b")
    return one, bakery, florist


def test_no_fact_word_or_token_of_one_business_appears_with_the_other(
    install: Callable[..., Installation], tmp_path: Path
) -> None:
    """The same fifty people write a thousand messages, to both numbers, mixed; two workers answer them."""
    one, bakery, florist = opened(install, tmp_path)
    one.start("receiver", "worker", "second worker")
    people = [f"346000{number:05d}" for number in range(PEOPLE)]
    chance = random.Random(6)
    for shop in chance.sample([bakery, florist] * (MESSAGES // 2), MESSAGES):
        one.whatsapp.say(chance.choice(people), shop.word(), number=shop.number)
    shops = (bakery, florist)

    assert wait_until(lambda: all(heard(one, shop, people) == Counter(shop.words) for shop in shops), 90), (
        one.processes.log_tails()
    )
    for shop, other in ((bakery, florist), (florist, bakery)):
        said = [bubble.text for person in people for bubble in one.whatsapp.answers(shop.chat(person))]
        assert all(shop.fact in text and shop.prompt in text for text in said)
        assert stray(said, other) == set()
        asked = [str(request.json) for request in one.model.requests if shop.prompt in str(request.json)]
        assert stray(asked, other) == set()
        assert {request.json["model"] for request in one.model.requests if shop.prompt in str(request.json)} == {
            "small:7b" if shop is bakery else "large:70b"
        }
        kept = [stored(one, name) for name in keys(one, f"*whatsapp:{shop.number}:*")]
        assert len(kept) > PEOPLE
        assert stray(kept, other) == set()
    assert all(call.status == 200 for call in one.whatsapp.calls)
    logs = [path.read_text() for path in one.folder.glob("*.log")]
    assert logs
    assert not [name for shop in shops for name in (shop.token, shop.app_secret, shop.fact) if name in "".join(logs)]


def heard(one: Installation, shop: Shop, people: list[str]) -> Counter[str]:
    """Which words came back, how often."""
    bubbles = [bubble.text for person in people for bubble in one.whatsapp.answers(shop.chat(person))]
    return Counter(word for text in bubbles for word in text.split() if word.startswith("word-"))


def stray(texts: list[str], other: Shop) -> set[str]:
    """What of the other shop stands in these texts."""
    found = {token for text in texts for token in text.replace('"', " ").replace("\\n", " ").split()}
    whole = "\n".join(texts)
    return (found & set(other.words)) | {secret for secret in other.secrets if secret in whole}


def keys(one: Installation, pattern: str) -> list[str]:
    return [name.decode() for name in one.redis.scan_iter(match=pattern, count=1000)]


def stored(one: Installation, name: str) -> str:
    """What stands under a key, whatever it is."""
    read: dict[bytes, Callable[[str], Any]] = {
        b"hash": one.redis.hgetall,
        b"list": lambda key: one.redis.lrange(key, 0, -1),
        b"zset": lambda key: one.redis.zrange(key, 0, -1),
        b"set": one.redis.smembers,
        b"stream": one.redis.xrange,
        b"string": one.redis.get,
        b"none": str,  # a limit's, which ended by itself meanwhile
    }
    return str(read[cast("bytes", one.redis.type(name))](name))


def test_an_app_cannot_speak_for_the_number_of_another_app(
    install: Callable[..., Installation], tmp_path: Path
) -> None:
    """A body that the florist's app signs, about the bakery's number, brings nobody's message to the bakery."""
    one, bakery, florist = opened(install, tmp_path)
    one.start("receiver")
    body = one.whatsapp.body([("34600000001", bakery.word())])
    one.whatsapp.numbers[bakery.number].app_secret = florist.app_secret

    assert one.whatsapp.deliver(body) == 200
    assert keys(one, "recado:{whatsapp:*") == []

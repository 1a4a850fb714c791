"""What the business file can answer: its own questions, and those that everybody asks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from bot.business import Business, Question, Service
from bot.texts import LANGUAGES, Language, Text
from workers.backends._words import DECISIVE, WEEKDAYS, is_serious, matter, words

_EVERYWHERE: Final = """como hacer tienda local negocio sitio panaderia peluqueria restaurante bar cafeteria clinica
taller shop store place bakery salon restaurant cafe clinic"""
_HOURS: Final = (
    "horario abrir cerrar atienden atender",
    """hora cuando dia hoy mañana tarde noche semana finde fin mediodia temprano lunes martes miercoles jueves viernes
    sabado domingo weekday weekdays laborable business""",
)
_ADDRESS: Final = (
    "donde direccion encuentran encontrar mapa map directions barrio zona ciudad",
    "queda find street oficina office visitar visit",
)
_CONTACT: Final = (
    """telefono correo contactar whatsapp llamar llamo numero hablar persona humano call number speak talk human
    person reach atencion customer""",
    """electronico alguien someone somebody people cliente servicio agente agent real encargado jefe
    manager boss owner dueño""",
)
_SERVICES: Final = (
    "servicio producto catalogo menu carta precio ofrecer vender",
    "lista list comprar",
)
_ABOUT: Final = ("quien quienes dedicais llamais who company empresa name nombre yourself yourselves", "")
_PRICE: Final = "precio vender comprar ofrecer encargar"
_HOW: Final = re.compile(r"\b(como|how|pued\w+|podemos|can)\b")
_MONEY: Final = re.compile(r"\d\s?(€|\$|£|euros?|eur|usd|dolares|pesos)|[€$£]\s?\d", re.IGNORECASE)
READY: Final = 0.7
_YES_OR_NO: Final = frozenset({"si", "no", "yes"})

_HOURS_ARE = Text(es="Nuestro horario: {facts}", en="Our opening hours: {facts}")
_ADDRESS_IS = Text(es="Estamos aquí: {facts}", en="You find us here: {facts}")
_CONTACT_IS = Text(es="Puedes contactarnos aquí: {facts}", en="You can reach us here: {facts}")
_SERVICES_ARE = Text(es="Esto es lo que ofrecemos:\n{facts}", en="This is what we offer:\n{facts}")


@dataclass(frozen=True)
class Entry:
    """Something that can be answered.

    A question must share a word with ``core``, and may use those of ``support``; a word that stands in
    neither makes it a question about something else. ``question`` says that ``core`` is one question of
    the owner's, of which most must be asked, and not a list of ways to ask. ``exact`` are its words one
    by one; ``service`` marks entries that may be given together.
    """

    core: frozenset[str]
    support: frozenset[str]
    answer: Text
    question: bool = False
    language: Language | None = None
    exact: tuple[str, ...] = ()
    service: bool = False
    rarity: dict[str, float] = field(default_factory=dict, compare=False)

    def agreement(self, asked: frozenset[str]) -> float:
        """How well this answers what was asked, up to 1; 0 when it is about something else."""
        shared = asked & self.core
        if not shared or asked - self.core - self.support:
            return 0.0
        covered = len(shared) / len(self.core)
        if self.service or not self.question:
            return covered if self.service else READY
        if not self._must() <= asked:
            return 0.0
        weight = sum(self.rarity[word] for word in shared) / sum(self.rarity[word] for word in self.core)
        return covered if covered > 1 / 2 or weight >= 1 / 2 else 0.0

    def _must(self) -> frozenset[str]:
        """The words without which it would be another question: all of them where health or money is at stake."""
        return self.core if is_serious(self.core) else self.core & DECISIVE


def entries(business: Business) -> list[Entry]:
    """Everything that this business file answers."""
    found = [entry for question in business.faq for entry in _questions(question)]
    found += [entry for service in business.services for entry in _services(service)]
    found += _ready(business)
    for language in (None, *LANGUAGES):
        spoken = [entry for entry in found if language is None or entry.language in (None, language)]
        common = Counter(word for entry in spoken for word in entry.core | entry.support)
        for entry in found:
            if entry.language == language:
                entry.rarity.update({word: 1 / common[word] for word in entry.core})
    return found


def _ready(business: Business) -> Iterator[Entry]:
    services = "\n".join(f"• {_line(service)}" for service in business.services)
    about = "\n".join(part for part in (business.name, business.description) if part)
    everywhere = matter(_EVERYWHERE) | matter(business.name)
    for (core, support), words_around, facts in (
        (_HOURS, _HOURS_ARE, business.hours),
        (_ADDRESS, _ADDRESS_IS, business.address),
        (_CONTACT, _CONTACT_IS, business.contact),
        (_SERVICES, _SERVICES_ARE, services),
        (_ABOUT, Text(es="{facts}", en="{facts}"), about),
    ):
        if facts.strip():
            answer = Text(es=words_around.to("es", facts=facts), en=words_around.to("en", facts=facts))
            said = frozenset() if facts == services else matter(facts)  # one service is an entry of its own
            yield Entry(matter(core), matter(support) | said | everywhere, answer)


def _questions(entry: Question) -> Iterator[Entry]:
    """One entry for each way to ask."""
    ways = [way for way in re.split(r"[?¿]+", entry.question) if words(way)] or [entry.question]
    for way in ways:
        yield Entry(
            core=matter(way) - matter("como hacer") or frozenset(words(way)),
            support=_told(entry),
            answer=Text(es=entry.answer, en=entry.answer),
            question=True,
            language=entry.language,
            exact=tuple(words(way)),
        )


def _told(entry: Question) -> frozenset[str]:
    """What the answer also tells: prices, days, how something is done."""
    told = frozenset(word for word in matter(entry.answer) if not is_serious([word]))
    if _MONEY.search(entry.answer):
        told |= matter("precio")
    if told & WEEKDAYS:
        told |= matter("cuando dia") if set(words(entry.answer)[:1]) & _YES_OR_NO else matter("cuando dia hoy mañana")
    return told | matter("como hacer") if _HOW.search(" ".join(words(entry.question))) else told


def _services(service: Service) -> Iterator[Entry]:
    """One entry for each name: owners write them in two languages with a stroke between them."""
    line = _line(service)
    for name in service.name.split(" / "):
        yield Entry(
            core=matter(name) or frozenset(words(name)),
            support=matter(_PRICE) | matter(service.description),
            answer=Text(es=line, en=line),
            service=True,
        )


def _line(service: Service) -> str:
    price = f"{service.name}: {service.price}" if service.price else service.name
    return f"{price}. {service.description}" if service.description else price

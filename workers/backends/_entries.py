"""What the business file can answer: its own questions, and those that everybody asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.business import Business, Question, Service
from bot.texts import Language, Text
from workers.backends._words import matter, stems, words

_HOURS: Final = (
    """horario horarios abren abrir abierto abierta abiertos cierran cerrar cerrado atienden atender
    open opening hours close closing""",
    """hora cuando dia hoy mañana tarde noche semana finde fin festivo feriado lunes martes miercoles jueves viernes
    sabado domingo time when day today tomorrow week weekend holiday monday tuesday wednesday thursday friday
    saturday sunday late early store shop tienda local""",
)
_ADDRESS: Final = (
    """donde direccion ubicacion ubicados encuentran mapa where address location located directions map""",
    """llegar queda quedan calle find get street store shop tienda local oficina office estais""",
)
_CONTACT: Final = (
    """telefono contacto contactar correo email mail whatsapp llamar numero hablar persona humano phone contact call
    number speak talk human person reach""",
    """atencion cliente alguien someone somebody people customer service agente agent""",
)
_SERVICES: Final = (
    """servicios servicio productos catalogo menu carta precios lista tarifas ofrecen cuesta cuestan cost costs prices
    price services service products offer menu list sell venden""",
    """tipos clase kind kinds available disponibles""",
)
_ABOUT: Final = ("quien quienes dedican negocio empresa who about business company", "")
_PRICE: Final = "precio precios cuesta cuestan costo coste costar tarifa cobran price prices cost costs charge rate"

_HOURS_ARE = Text(es="Nuestro horario: {facts}", en="Our opening hours: {facts}")
_ADDRESS_IS = Text(es="Estamos aquí: {facts}", en="You find us here: {facts}")
_CONTACT_IS = Text(es="Puedes contactarnos aquí: {facts}", en="You can reach us here: {facts}")
_SERVICES_ARE = Text(es="Esto es lo que ofrecemos:\n{facts}", en="This is what we offer:\n{facts}")


@dataclass(frozen=True)
class Entry:
    """Something that can be answered.

    A question must share a word with ``core``, and may use those of ``support``. ``covers`` says that
    ``core`` is one question, of which most should be asked, and not a list of ways to ask. ``exact``
    are the question's words one by one; ``service`` marks entries that may be given together.
    """

    core: frozenset[str]
    support: frozenset[str]
    answer: Text
    covers: bool = False
    language: Language | None = None
    exact: tuple[str, ...] = ()
    service: bool = False

    def match(self, asked: frozenset[str]) -> tuple[float, float]:
        """Which share of what was asked is known here, and how well the two agree; both 0 to 1."""
        if not asked & self.core:
            return 0.0, 0.0
        known = len(asked & (self.core | self.support)) / len(asked)
        covered = len(asked & self.core) / len(self.core) if self.covers else known
        return known, (known + covered) / 2


def entries(business: Business) -> list[Entry]:
    """Everything that this business file answers."""
    found = [_question(entry) for entry in business.faq]
    found += [_service(service) for service in business.services]
    return found + list(_ready(business))


def _ready(business: Business) -> Iterator[Entry]:
    services = "\n".join(f"• {_line(service)}" for service in business.services)
    about = "\n".join(part for part in (business.name, business.description) if part)
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
            yield Entry(stems(core), stems(support) | said, answer)


def _question(entry: Question) -> Entry:
    return Entry(
        core=matter(entry.question) or stems(entry.question),
        support=matter(entry.answer),
        answer=Text(es=entry.answer, en=entry.answer),
        covers=True,
        language=entry.language,
        exact=tuple(words(entry.question)),
    )


def _service(service: Service) -> Entry:
    line = _line(service)
    return Entry(
        core=matter(service.name) or stems(service.name),
        support=stems(_PRICE) | matter(service.description),
        answer=Text(es=line, en=line),
        covers=True,
        service=True,
    )


def _line(service: Service) -> str:
    price = f"{service.name}: {service.price}" if service.price else service.name
    return f"{price}. {service.description}" if service.description else price

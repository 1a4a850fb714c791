"""The words of a short question in Spanish or English, as far as two ways of asking it are alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final

_WORD: Final = re.compile(r"\w+")
_SHORTEST_STEM: Final = 3
_LIKE: Final = 0.85
WITHOUT: Final = "sin_"
_DIET: Final = "gluten|sugar|lactose|dairy|milk|egg|nut|wheat|salt|fat|meat|alcohol|soy|caffeine"


def words(text: str) -> list[str]:
    """The words in lower case, without accents or marks."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(letter for letter in plain if not unicodedata.combining(letter)))


_ENDINGS: Final = sorted(
    words(
        """acion aciones ation ations ando iendo aran eran iran aron ieron aban amos emos imos ados idos adas idas
        ado ido ada ida ar er ir an en ais eis is arlo arla arlos arlas erlo irlo arte aros as es os a e o s ing ings
        ed ly"""
    ),
    key=len,
    reverse=True,
)
STOP_WORDS: Final = frozenset(
    words("""
    a about accept acepta aceptais aceptan aceptas admite admiten admitis ahi ahora al algo algun alguna algunas
    alguno algunos alla alli am an and any anything aqui are as ask at aun aunque available ayuda ayudame ayudar
    ayudarme be been bien but by cada can cerca clase clases como con cosa cosas could cual cuales cuanta cuantas
    cuanto cuantos cuestion currently da dadme dais dame dan darme de decir decirme deciros decis del desde dices
    did digo dime disculpa disponible disponibles do does doing don dont el ella ellos en entonces entre era eres es
    esa ese eso esta estais estamos estan estas este esto estos estoy excuse falta favor for forma from fue get give
    got gustaria guys ha habra hace haceis hacen hacer haces hacia had han has hasta have having hay he help her
    here him his how i id if im in informacion information into is isn it its just kind kinds know la las le les let
    like ll lo los make many mas may me mi might mis mismo momento much muy my nada necesita necesitais necesito
    need ni no nos not now o of off on one or os otra otro our out oye para pasa pasame pasar pasarme perdon perdona
    pero please pls plz podeis podemos poder podria podriais podrian por porfa porfavor porque posible possible
    pregunta preguntar previa pueda puede pueden puedes puedo que quereis querer queria question quiero quisiera re
    right sabe sabeis saber sabes se sea ser she should show si sin so sobre sois solo some something somos son
    sorry soy su sus take tambien te tell teneis tenemos tener tengo than that the their them then there these they
    things this those tiene tienen tienes tipo tipos to toda todas todo todos too tu tus type u un una unas unos up
    ur us usted ustedes va vale van ve ver vosotras vosotros voy vuestra vuestras vuestro vuestros want wanted was
    we were what whats which will with would y ya yes yo you your yours
    """)
)
"""What a question is not about."""

_SAME: Final = """
    horario horarios schedule timetable hours | abrir abre abierto apertura open | cerrar cierra cierre cerrado close
    closing shut | cuando when | dia day | hoy today | mañana tomorrow tmrw morning | tarde afternoon evening
    | semana week | noche tonight night | finde weekend | mediodia midday noon | temprano pronto early
    | hora time oclock | lunes monday | martes tuesday | miercoles wednesday | jueves thursday | viernes friday
    | sabado saturday | domingo sunday
    | donde where adonde | direccion address ubicacion ubicado location located situado | telefono phone telephone tlf
    | correo email mail | contactar contact contacto | precio price pricing cuesta cuestan costo costar coste cost
    tarifa cobrar rate | vender sell | comprar buy purchase | ofrecer offer | servicio service | producto product
    | pagar pago pague payment pay | tarjeta card credito debito credit debit visa mastercard | efectivo cash metalico
    | enviar envio envien mandar home reparto repartir domicilio entregar delivery deliver ship shipping
    | reservar reservation reserve book booking cita appointment | gratis free
    | aparcar parking park aparcamiento estacionar estacionamiento parqueo | mascota perro pet dog
    | cancelar cancel anular anulo cancelation cancellation | devolver devuelvo devolucion reembolso refund return
    | cambiar cambio change modify modificar | queja quejar complain complaint reclamar reclamacion
    | encargar encargo encargue order pedir | alergia alergico allergy allergic alergeno allergen intolerante
    | celiaco coeliac celiac | vegano vegan | festivo feriado holiday | navidad christmas xmas | agosto august
    | verano summer | contrato contract
"""
"""Words for one thing, in both languages: those of a group become its first one. Some stand here only so that they
are not taken for a misspelling of another."""


def stem(word: str) -> str:
    """A word without its endings: ``abren``, ``abrir`` and ``abrís`` are one."""
    while True:
        shorter = next((word.removesuffix(end) for end in _ENDINGS if _can_lose(word, end)), word)
        if shorter == word:
            return word
        word = shorter


def _can_lose(word: str, ending: str) -> bool:
    return word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM


_GROUPS: Final = [[stem(word) for word in words(group)] for group in _SAME.split("|")]
_ONE: Final = {word: group[0] for group in _GROUPS for word in group}
_CONCEPTS: Final = frozenset(_ONE)


def _named(text: str) -> frozenset[str]:
    return frozenset(_ONE.get(stem(word), stem(word)) for word in words(text))


WEEKDAYS: Final = _named("lunes martes miercoles jueves viernes sabado domingo")
SERIOUS: Final = _named(
    """cancelar devolver cambiar queja alergia celiaco vegano roto broken wrong error mal problema problem daño
    pedidomio gluten lactosa lactose"""
)
"""What a person must never get a cheerful answer beside."""
DECISIVE: Final = (
    WEEKDAYS | SERIOUS | _named("festivo navidad agosto verano gratis fuera outside abroad urgente urgent")
)
"""Words without which an owner's question is another question: a question must have all of the entry's."""
_MEANS: Final = _named("tarjeta efectivo bizum paypal")

_DAY: Final = (
    "(?:lunes|martes|miercoles|jueves|viernes|sabados?|domingos?|(?:mon|tues|wednes|thurs|fri|satur|sun)days?)"
)
_PHRASES: Final = [
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\b(?:q|k|ke)\b", "que"),
        (rf"\b({_DIET}) free\b|\bfree (?:of|from) ({_DIET})\b", r"sin_\1\2"),
        (r"\b(?:sin|without|with no)(?: (?:el|la|los|las|un|una|a|an|the|any|nada de))? (\w+)", r"sin_\1"),
        (r"\b(?:algo|cosas|productos?|opciones|anything|something) (?:que sea )?(sin_\w+)", r"algo\1"),
        (r"\b(sin_\w+) (?:products?|options?|things?|stuff|items?)\b", r"algo\1"),
        (r"\b(?:que|cual) h?oras?\b(?! (?:es|son|tienes)\b)", "horario"),
        (r"\b(?:what|which) times?\b(?! is it)|\bhasta cuando\b|\bhow (?:late|early)\b|\buntil when\b", "horario"),
        (r"\b(?:h?orarios?|oras)\b", "horario"),
        (
            r"\b(?:a|hasta|desde|sobre|before|after|at|until|till|by) (?:las? )?\d{1,2}(?: \d\d)?(?: ?(?:h|am|pm))?\b",
            "hora",
        ),
        (rf"^(?:(?:y|and|what about|que tal) )?(?:(?:el|los|on|este|this) )?({_DAY})$", r"horario \1"),
        (r"\bhow much\b(?! (?:time|notice|longer))", "precio"),
        (
            r"\bcuanto (?:me )?(?:cuesta|vale|cobra|sale|es|son|seria)n?\b|\ba (?:cuanto|como) (?:esta|estan|sale)\b",
            "precio",
        ),
        (r"\b(?:donde|where) (?:\w+ ){0,3}((?:aparc|park|estacion)\w*)", r"\1"),
        (r"\b(?:como|how) (?:\w+ ){0,3}(?:llegar|llego|llega|llegamos|get there|get to you|find you)\b", "direccion"),
        (r"\bcalle\b", "direccion"),
        (r"\bhow (?:do|can|to|could|should|would)\b|\bcomo (?=\w)", "comohacer "),
        (r"\b(?:por que|why)\b", "motivo"),
        (r"\bno (?:la |lo |las |los )?quier\w+\b(?! nada)|\b(?:don t|do not|no longer) want\b", "cancelar"),
        (r"\b(?:mi|my) (?:\w+ )?(?:pedido|encargo|order)\b", r"\g<0> pedidomio"),
        (r"^(?:y )?que (?:mas )?(?:teneis|tienen?|hay|haceis|hacen?)$|^what do you (?:have|make|do)$", "servicios"),
        (r"\bpedir (?:una? )?(?:cita|hora|turno)\b", "reservar"),
        (r"\bmedio dia\b", "mediodia"),
        (r"\b(?:llev|tra|mand|envi)\w+ (?:\w+ )?a casa\b", "enviar"),
    )
]
"""Words that mean something only together, tried in this order: "sin gluten" is another thing than "gluten", "a qué
hora" asks for the hours, "how much" for a price."""


def matter(text: str, known: Iterable[str] = ()) -> frozenset[str]:
    """What a question is about: its words without stop words and endings, one word for one thing.

    A misspelling of a word of ``known`` is that word.
    """
    plain = " ".join(words(text))
    for pattern, instead in _PHRASES:
        plain = pattern.sub(instead, plain)
    asked = {stem(word) for word in plain.split() if word not in STOP_WORDS and (len(word) > 1 or word.isdigit())}
    vocabulary = (_CONCEPTS | frozenset(known)) if known else frozenset()
    about = frozenset(_ONE.get(word, word) for word in (nearest(word, vocabulary) for word in asked))
    return about | {"pag"} if about & _MEANS else about


def is_serious(about: Iterable[str]) -> bool:
    """Whether it is about health, money back or a complaint."""
    return any(word in SERIOUS or word.startswith((WITHOUT, f"algo{WITHOUT}")) for word in about)


def nearest(word: str, vocabulary: frozenset[str]) -> str:
    """The stem in ``vocabulary`` that ``word`` is, or of which it is a misspelling; itself if there is none."""
    if word in vocabulary:
        return word
    likeness, best = max(((_likeness(word, known), known) for known in vocabulary), default=(0.0, word))
    return best if likeness >= _LIKE else word


def _likeness(a: str, b: str) -> float:
    """Up to 1; misspellings are forgiven towards the end of longer words."""
    if min(len(a), len(b)) < 5 or a[:4] != b[:4]:
        return 0.0
    return SequenceMatcher(None, a, b).ratio()

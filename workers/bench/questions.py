"""What the model is asked: one business's questions, Spanish and English in turn, no two prompts alike."""

from __future__ import annotations

from typing import Final

from bot.message import Turn
from bot.texts import DEFAULT_SYSTEM_PROMPT, Language, Text
from workers.backends import Prompt

_FACTS = Text(
    es=(
        "El negocio es una panadería de barrio. Abre de lunes a sábado, de 8 a 20 h. Barra: 1,20 €. Hogaza: 3,50 €. "
        "Tarta por encargo, con dos días: desde 18 €. Reparte a domicilio por 3 €. Admite tarjeta y efectivo."
    ),
    en=(
        "The business is a local bakery. Open Monday to Saturday, 8 am to 8 pm. Baguette: 1.20 €. Loaf: 3.50 €. "
        "Cakes to order, two days ahead: from 18 €. Delivers for 3 €. Takes cards and cash."
    ),
)
QUESTIONS: Final = (
    Text(
        es="¿A qué hora abrís el sábado y hasta cuándo puedo pasar?",
        en="What time do you open on Saturday, and how late can I come?",
    ),
    Text(
        es="¿Cuánto cuestan tres barras y una hogaza, llevadas a casa?",
        en="How much are three baguettes and a loaf, delivered?",
    ),
    Text(
        es="Quiero una tarta para diez personas. ¿Qué me recomiendas?",
        en="I would like a cake for ten people. What do you recommend?",
    ),
    Text(es="¿Tenéis pan sin gluten o algo sin lactosa?", en="Do you have gluten-free bread or anything without milk?"),
    Text(
        es="No me ha llegado el reparto de hoy. ¿Qué puedo hacer?", en="Today's delivery has not come. What can I do?"
    ),
    Text(
        es="¿Puedo pagar con tarjeta y pedir factura a nombre de una empresa?",
        en="Can I pay by card and have an invoice made out to a company?",
    ),
    Text(
        es="Explícame cómo encargo una tarta, paso a paso.",
        en="Explain to me how to order a cake, step by step.",
    ),
    Text(
        es="¿Qué pan aguanta mejor dos días, y cómo lo conservo?",
        en="Which bread keeps best for two days, and how do I store it?",
    ),
)
_ORDER = Text(es="Pedido {number}. ", en="Order {number}. ")


def prompt(number: int) -> Prompt:
    """The first words of the conversation ``number``.

    What the person says begins with the number, so that no cache of an earlier prompt holds more than the system turn.
    """
    language: Language = "en" if number % 2 else "es"
    question = QUESTIONS[number // 2 % len(QUESTIONS)].to(language)
    asked = _ORDER.to(language, number=number) + question
    system = f"{DEFAULT_SYSTEM_PROMPT.to(language)}\n\n{_FACTS.to(language)}"
    return Prompt((Turn("system", system), Turn("user", asked)), session=f"bench-{number}", language=language)

"""What the owner is told of bubbles that do not go out."""

from __future__ import annotations

from typing import Final

from bot.texts import Text

HOLD: Final = Text(
    es="No sale nada del número de WhatsApp {account}: Meta no acepta sus mensajes. Nada se pierde; todo saldrá, en su "
    "orden, cuando se arregle.\n\n`python -m bot doctor` dice qué hacer. Si ha caducado el token: haz otro en Meta, "
    "ponlo en lugar del viejo y arranca de nuevo los workers.\n\nMotivo: {reason}",
    en="Nothing goes out from the WhatsApp number {account}: Meta does not take its messages. Nothing is lost; all of "
    "it will be sent, in its order, once this is mended.\n\n`python -m bot doctor` says what to do. If the token has "
    "expired: make another one at Meta, put it in its place and start the workers anew.\n\nReason: {reason}",
)
WAITS: Final = Text(
    es="Una respuesta del número de WhatsApp {account} espera: pasaron 24 horas y Meta no la acepta hasta que la "
    "persona escriba otra vez. Con WHATSAPP_TEMPLATE se le pide que lo haga.",
    en="An answer from the WhatsApp number {account} waits: 24 hours have passed, and Meta does not take it until the "
    "person writes again. With WHATSAPP_TEMPLATE they are asked to.",
)
ALARM: Final = Text(
    es="Una respuesta del número de WhatsApp {account} no llegó a su cliente. Motivo: {reason}",
    en="An answer from the WhatsApp number {account} did not reach its customer. Reason: {reason}",
)

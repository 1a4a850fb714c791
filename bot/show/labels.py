"""What stands in the table that `show` prints."""

from __future__ import annotations

from typing import Final

from bot.texts import Text

TITLE = Text(es="{conversation}, a las {now}", en="{conversation}, at {now}")
COLUMNS: Final = (
    Text(es="cuándo", en="when"),
    Text(es="quién", en="who"),
    Text(es="qué", en="what"),
    Text(es="cómo está", en="how it stands"),
)
PERSON = Text(es="persona", en="person")
ASSISTANT = Text(es="asistente", en="assistant")
BUSINESS = Text(es="negocio", en="business")
LETTERS = Text(es="{count} letras", en="{count} letters")
COMMAND = Text(es="orden", en="command")
STATES: Final = {
    "waiting": Text(es="espera", en="waits"),
    "being answered": Text(es="se está respondiendo", en="is being answered"),
    "answered": Text(es="respondido", en="answered"),
    "heard": Text(es="solo oído: {why}", en="only heard: {why}"),
    "dead": Text(es="apartado: {why}", en="dead: {why}"),
    "said": Text(es="dicho", en="said"),
    "undelivered": Text(es="por entregar: {bubbles}", en="to be delivered: {bubbles}"),
    "delivered": Text(es="entregado: {bubbles}", en="delivered: {bubbles}"),
}
HEARD: Final = {
    "opted out": Text(es="no quiere respuestas", en="opted out"),
    "handed over": Text(es="sigue una persona", en="handed over"),
    "owner": Text(es="contestó el negocio", en="the business answered"),
    "budget": Text(es="presupuesto gastado", en="budget spent"),
    "quota": Text(es="cuota gastada", en="quota spent"),
    "not admitted": Text(es="sin acceso", en="not admitted"),
    "not addressed": Text(es="no iba dirigido al asistente", en="not said to the assistant"),
    "closed": Text(es="fuera de horario", en="closed"),
    "stopped": Text(es="lo paró", en="stopped"),
    "revoked": Text(es="lo retiró", en="taken back"),
}
"""Why something was only heard, by the reason that its turn was committed with."""
BUBBLES: Final = {
    "staged": Text(es="por enviar", en="to be sent"),
    "sending": Text(es="enviándose", en="being sent"),
    "open": Text(es="a medias", en="half shown"),
    "unknown": Text(es="en duda", en="in doubt"),
    "parked": Text(es="espera a que escriba", en="waits until they write"),
    "sent": Text(es="enviado", en="sent"),
    "failed": Text(es="no aceptado", en="not taken"),
    "delivered": Text(es="recibido", en="received"),
    "read": Text(es="leído", en="read"),
    "undelivered": Text(es="no llegó", en="did not arrive"),
}
KINDS: Final = {
    "photo": Text(es="foto", en="photo"),
    "voice": Text(es="nota de voz", en="voice note"),
    "audio": Text(es="sonido", en="audio"),
    "video": Text(es="vídeo", en="video clip"),
    "document": Text(es="documento", en="document"),
}

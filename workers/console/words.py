"""What whoever sits at the terminal reads, beside the answers."""

from __future__ import annotations

from typing import Final

from bot.texts import Text

HELLO: Final = Text(
    es="Responde {backend}. /help enseña los comandos; Ctrl-C para una respuesta y Ctrl-D termina.",
    en="{backend} answers. /help shows the commands; Ctrl-C stops an answer and Ctrl-D ends.",
)
LEFT: Final = Text(
    es="La última vez quedó algo sin responder; sigo con ello.",
    en="Something was left unanswered last time; going on with it.",
)
THINKING: Final = Text(es="Pensando… Ctrl-C lo para", en="Thinking… Ctrl-C stops it")
GROWING: Final = Text(es="Ctrl-C para la respuesta", en="Ctrl-C stops the answer")
STOPPING: Final = Text(es="Parando la respuesta…", en="Stopping the answer…")
WAITING: Final = Text(es="Se prueba otra vez, Ctrl-C lo deja · {why}", en="Trying again, Ctrl-C gives up · {why}")
ANEW: Final = Text(es="(la respuesta empieza de nuevo)", en="(the answer begins anew)")
ONCE_MORE: Final = Text(es="Otra vez Ctrl-C, o Ctrl-D, termina.", en="Ctrl-C once more, or Ctrl-D, ends.")
NOT_KEPT: Final = Text(
    es="Tu mensaje no se ha guardado, vuelve a escribirlo. {why}",
    en="Your message was not kept, please write it again. {why}",
)
UNANSWERED: Final = Text(
    es="(Aquí ahora no se responde. Si está en pausa, /seguir o /alta lo cambian.)",
    en="(Nothing is answered here now. If it is paused, /resume or /alta changes that.)",
)

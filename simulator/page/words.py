"""What the page says, in Spanish and in English."""

from __future__ import annotations

from typing import Final, NamedTuple

from simulator.page.bags import Language

LANGUAGES: Final[tuple[Language, ...]] = ("es", "en")


class Said(NamedTuple):
    """One sentence in both languages."""

    es: str
    en: str


WORDS: Final = {
    "title": Said("Recado por dentro", "Inside Recado"),
    "lead": Said(
        "Una panadería inventada, dos teléfonos de mentira y el producto de verdad: receptor, dos workers y Redis en"
        " esta máquina. Aquí responde un archivo de preguntas; no hay ningún modelo.",
        "An invented bakery, two make-believe telephones and the real product: receiver, two workers and Redis on this"
        " machine. A file of questions answers here; there is no model.",
    ),
    "skip": Said("Saltar al primer teléfono", "Skip to the first telephone"),
    "languages": Said("Idioma", "Language"),
    "gone": Said(
        "La demo no contesta. ¿Ha terminado? Ábrela otra vez con make demo.",
        "The demo does not answer. Has it ended? Open it again with make demo.",
    ),
    "refused": Said(
        "Ahora no se puede: espera a que termine lo que está en marcha.",
        "Not now: wait until what is under way has ended.",
    ),
    "phones": Said("Los teléfonos", "The telephones"),
    "chat": Said("Conversación", "Conversation"),
    "write_as": Said("Escribe como {name}", "Write as {name}"),
    "send": Said("Enviar", "Send"),
    "typing": Said("está escribiendo…", "is typing…"),
    "assistant": Said("Asistente", "Assistant"),
    "accepted": Said("guardado", "stored"),
    "on_its_way": Said("en camino", "on its way"),
    "stages": Said("Dónde está el mensaje", "Where the message is"),
    "rest": Said("en reposo", "at rest"),
    "stored": Said("aceptado", "accepted"),
    "listening": Said("escuchando", "listening"),
    "waiting": Said("esperando", "waiting"),
    "thinking": Said("pensando", "thinking"),
    "speaking": Said("hablando", "speaking"),
    "unknown": Said("Redis no contesta", "Redis does not answer"),
    "held": Said("lo tiene {worker}", "{worker} has it"),
    "orphaned": Said(
        "murió quien lo tenía; otro lo toma en {seconds} s", "who had it died; another takes it in {seconds} s"
    ),
    "workers": Said("Los workers", "The workers"),
    "up": Said("en marcha", "running"),
    "starting": Said("arrancando", "starting"),
    "dead": Said("muerto; su sucesor llega en un segundo", "dead; its successor comes in a second"),
    "holds": Said("tiene", "has"),
    "nothing": Said("nada", "nothing"),
    "slots": Said("{slots} turnos a la vez, {memory} MB", "{slots} turns at once, {memory} MB"),
    "deaths": Said("muertes: {times}", "deaths: {times}"),
    "kill": Said("Matar {worker} (kill -9)", "Kill {worker} (kill -9)"),
    "proof": Said("Rómpelo", "Break it"),
    "proof_lead": Said(
        "Cada teléfono escribe seis mensajes numerados y, mientras se responden, muere un worker. Después, el libro"
        " de cuentas compara lo escrito, lo mostrado y lo guardado.",
        "Each telephone writes six numbered messages, and while they are answered a worker dies. Then the ledger"
        " compares what was written, what was shown and what is kept.",
    ),
    "burst": Said("Ráfaga y kill -9", "Burst and kill -9"),
    "running": Said("En marcha", "Under way"),
    "kept": Said("Promesas cumplidas", "Promises kept"),
    "broken": Said("Promesas rotas", "Promises broken"),
    "written": Said("escritos", "written"),
    "taken": Said("aceptados", "accepted"),
    "answered": Said("respondidos", "answered"),
    "lost": Said("perdidos", "lost"),
    "twice": Said("repetidos", "twice"),
    "disordered": Said("en desorden", "out of order"),
    "killed": Said("Murió {worker} (pid {pid}).", "{worker} died (pid {pid})."),
    "strays": Said(
        "Quedó un comienzo suelto: un envío a medias no se puede repetir sin riesgo. Se cuenta, no se esconde: {n}.",
        "An opening was left behind: a send that was cut cannot be repeated safely. It is counted, not hidden: {n}.",
    ),
    "took": Said("{seconds} s", "{seconds} s"),
    "ways": Said("El camino de cada mensaje", "Each message's way"),
    "ways_lead": Said(
        "Milisegundos en cada paso, de las plataformas, los registros de los workers y Redis.",
        "Milliseconds in each step, from the platforms, the workers' logs and Redis.",
    ),
    "message": Said("mensaje", "message"),
    "accepting": Said("aceptar", "accept"),
    "listen": Said("escuchar", "listen"),
    "wait": Said("esperar", "wait"),
    "think": Said("pensar", "think"),
    "speak": Said("hablar", "speak"),
    "first_words": Said("primeras palabras", "first words"),
    "more": Said("y {n} más", "and {n} more"),
    "crashed": Said("un worker murió en medio", "a worker died meanwhile"),
    "no_ways": Said("Todavía no hay ninguno.", "There is none yet."),
    "answers": Said("Tiempos de respuesta del modelo", "The model's answer times"),
    "answers_lead": Said(
        "Cada barra, una respuesta: hasta quedar guardada entera. El punto, su primera palabra. En Telegram incluye"
        " mostrarla mientras crece.",
        "Each bar is an answer: until it was stored whole. The dot is its first word. On Telegram that includes showing"
        " it while it grows.",
    ),
    "answers_told": Said(
        "{n} respuestas; la mediana, {median} ms; la más lenta, {slowest} ms.",
        "{n} answers; the median took {median} ms, the slowest {slowest} ms.",
    ),
    "facts": Said(
        "Aquí las plataformas simuladas tardan un poco en contestar, y un worker muerto se espera 5 s (15 de fábrica),"
        " para que haya qué mirar y no canse.",
        "The simulated platforms take a little time to answer here, and a dead worker is waited for 5 s (15 as"
        " shipped), so that there is something to see and it does not tire.",
    ),
}


def words(language: Language) -> dict[str, str]:
    """Everything in one language."""
    return {name: getattr(said, language) for name, said in WORDS.items()}

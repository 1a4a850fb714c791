"""What the board says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.texts import Text

TITLE = Text(es="Recado, a las {time}", en="Recado at {time}")
LEAVE = Text(es="Ctrl-C para salir", en="Ctrl-C to leave")
AWAY = Text(
    es="REDIS NO RESPONDE desde hace {since}; se sigue intentando. {reason}",
    en="REDIS DOES NOT ANSWER, and has not for {since}; still trying. {reason}",
)
BEFORE = Text(es="Lo de abajo es de antes.", en="What stands below is from before.")

TURNS = Text(es="Turnos", en="Turns")
TURNS_NOW = Text(
    es="en espera {waiting} · escuchando {listening} · pensando {thinking} · hablando {speaking}",
    en="waiting {waiting} · listening {listening} · thinking {thinking} · speaking {speaking}",
)
OLDEST = Text(es="El más antiguo", en="The oldest")
OLDEST_WAITS = Text(es="espera respuesta desde hace {since}", en="has waited for an answer for {since}")
NOBODY_WAITS = Text(es="nadie espera", en="nobody waits")
QUEUE = Text(es="Cola", en="Queue")
QUEUE_NOW = Text(
    es="con trabajo {due} · con retraso {late} · avisos por recoger {rings}",
    en="with work {due} · overdue {late} · wake-ups waiting {rings}",
)
LATE = Text(es="{late} (hasta {by})", en="{late} (by up to {by})")
LINE = Text(
    es="esperan un modelo {models} · sospechosos que esperan ir a solas {suspects}",
    en="waiting for a model {models} · suspects waiting to run alone {suspects}",
)

WORKERS = Text(es="Workers", en="Workers")
NO_WORKERS = Text(
    es="NINGUNO: arranca uno con `python -m workers run`", en="NONE: start one with `python -m workers run`"
)
AT_WORK = Text(es="{workers} · turnos en curso {turns} de {slots}", en="{workers} · turns under way {turns} of {slots}")
WORKER = Text(es="máquina:proceso", en="host:process")
WORKER_TURNS = Text(es="turnos", en="turns")
MEMORY = Text(es="memoria", en="memory")
UP = Text(es="lleva", en="up for")
ANSWERS_WITH = Text(es="responde con", en="answers with")

SERVERS = Text(es="Modelos", en="Model servers")
SERVER_WELL = Text(es="bien", en="well")
SERVER_FAILS = Text(es="fallos seguidos: {failures}", en="failures in a row: {failures}")
SERVER_OPEN = Text(
    es="APARTADO tras {failures} fallos seguidos; se prueba en {rest}",
    en="LEFT ALONE after {failures} failures in a row; tried in {rest}",
)
SERVER_RESTS = Text(es="descansa {rest}, lo ha pedido", en="rests for {rest}, as it wished")

LOOK = Text(es="A mirar", en="To look at")
NOBODY_ANSWERS = Text(
    es="nadie responde: falta un worker; lo que llegue espera", en="nobody answers without a worker: what comes waits"
)
WAITED_LONG = Text(
    es="hay quien espera demasiado, hasta {since} (conversaciones: {waiting}; `python -m bot show` dice a qué)",
    en="some wait too long, up to {since} (conversations: {waiting}; `python -m bot show` says for what)",
)
MODEL_AWAY = Text(
    es="un modelo no responde (`python -m workers check` dice qué le pasa)",
    en="a model server does not answer (`python -m workers check` says what troubles it)",
)
DEAD = Text(
    es="conversaciones con mensajes MUERTOS: {dead} (mira `python -m bot dead list`)",
    en="conversations with DEAD letters: {dead} (see `python -m bot dead list`)",
)
QUARANTINED = Text(
    es="en CUARENTENA, porque nadie pudo leerlo: {bodies} (tras actualizar, `python -m bot replay`)",
    en="in QUARANTINE, for nobody could read it: {bodies} (after an upgrade, `python -m bot replay`)",
)
PAUSED = Text(es="conversaciones que atiende una persona: {paused}", en="conversations that a person answers: {paused}")
HOLD = Text(
    es="el número {name} EN ESPERA desde hace {since}: {reason} (conversaciones que esperan: {waiting})",
    en="the number {name} ON HOLD for {since}: {reason} (conversations that wait: {waiting})",
)
NOTHING = Text(es="nada: todo en calma", en="nothing: all is calm")

TODAY = Text(es="Hoy", en="Today")
TODAY_NOW = Text(
    es="respuestas {answers} · mensajes {messages} · tokens {tokens}",
    en="answers {answers} · messages {messages} · tokens {tokens}",
)
NUMBER = Text(es="WhatsApp {name}", en="WhatsApp {name}")
BUBBLES = Text(
    es="enviadas {sent} · entregadas {delivered} · leídas {read} · fallidas {failed}",
    en="sent {sent} · delivered {delivered} · read {read} · failed {failed}",
)
MONTH = Text(
    es="este mes: {cost} · gratis {free} de {most} · cobradas {billed}",
    en="this month: {cost} · free {free} of {most} · billed {billed}",
)
OF_BUDGET = Text(es="{cost} de {budget}", en="{cost} of {budget}")
NONE = Text(es="ninguna", en="none")

COUNTED_SO_FAR = Text(es="Contado desde el principio", en="Counted since the beginning")
COUNTED: Final[Mapping[str, Text]] = {
    "unknown": Text(es="burbujas de las que no se sabe si llegaron", en="bubbles with an unknown outcome"),
    "failed": Text(es="burbujas que una plataforma rechazó", en="bubbles that a platform refused"),
    "stray": Text(es="burbujas que quedaron a medias", en="unfinished bubbles left behind"),
    "parked": Text(es="burbujas guardadas hasta que su persona escriba", en="bubbles kept until their person writes"),
    "heard": Text(es="turnos oídos y, con razón, sin respuesta", en="turns heard and rightly not answered"),
    "stopped": Text(es="turnos que su persona paró", en="turns that their person ended"),
    "dead": Text(es="turnos que acabaron muertos", en="turns that became dead letters"),
    "deaths": Text(es="turnos que perdieron su worker", en="turns that lost their worker"),
    "lost_leases": Text(es="turnos que otro worker tomó", en="leases that a worker lost"),
    "frequent_hit": Text(es="preguntas frecuentes respondidas sin modelo", en="frequent questions, no model asked"),
    "frequent_miss": Text(es="primeras preguntas que aún no eran frecuentes", en="first questions not frequent yet"),
    "frequent_stored": Text(es="respuestas frecuentes guardadas", en="frequent answers kept"),
}

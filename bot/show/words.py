"""What `show` says of a conversation, in words that say what to do."""

from __future__ import annotations

from typing import Final

from bot.texts import Text

# nothing is known
NOTHING = Text(
    es="De {who} no hay nada aquí. Un teléfono va con el prefijo de su país (34600111222). Si ha escrito: `python -m "
    "bot doctor` mira si la plataforma llega hasta aquí, `python -m bot webhook info` qué le pasa a Telegram.",
    en="Nothing of {who} is here. A telephone number has its country's code (34600111222). If they have written: "
    "`python -m bot doctor` tries whether the platform reaches this place, `python -m bot webhook info` tells what "
    "troubles Telegram.",
)
QUARANTINED = Text(
    es="{count} cuerpos que hablan de esta persona no se pudieron leer y están en cuarentena. Tras actualizar: "
    "`python -m bot replay`.",
    en="{count} bodies that are about this person could not be read and are in quarantine. After an upgrade: "
    "`python -m bot replay`.",
)
ERASING = Text(
    es="Esta persona ha pedido que se borre todo; un worker lo está haciendo.",
    en="This person wants everything erased; a worker is at it.",
)

# somebody is at it
THINKING = Text(
    es="Se está respondiendo ahora mismo: {worker} la tiene desde {since}. Si ese worker muere, otro sigue en {left} "
    "s.",
    en="It is being answered right now: {worker} has it since {since}. If that worker dies, another goes on in "
    "{left} s.",
)
SPEAKING = Text(
    es="La respuesta se está enviando ahora mismo: {worker} la tiene desde {since}.",
    en="The answer is being sent right now: {worker} has it since {since}.",
)

# what is said waits
GONE = Text(
    es="La respuesta espera: su número es ahora de otra persona y no se conoce el nuevo. Saldrá cuando escriba otra "
    "vez.",
    en="The answer waits: their number is somebody else's now, and theirs is not known. It goes out when they write "
    "again.",
)
HELD = Text(
    es="No sale nada de {account} desde {since}: {reason}. Se prueba otra vez: {until}. `python -m bot doctor` dice "
    "qué hacer; nada se pierde.",
    en="Nothing goes out from {account} since {since}: {reason}. It is tried again: {until}. `python -m bot doctor` "
    "says what to do; nothing is lost.",
)
WINDOW = Text(
    es="La respuesta espera desde {since}: han pasado más de 24 horas y WhatsApp no la acepta hasta que la persona "
    "escriba otra vez. Con WHATSAPP_TEMPLATE se le pide que lo haga.",
    en="The answer waits since {since}: more than 24 hours have passed, and WhatsApp does not take it until they "
    "write again. With WHATSAPP_TEMPLATE they are asked to.",
)
IN_DOUBT = Text(
    es="No se sabe si llegó una burbuja de la respuesta: se perdió lo que contestó la plataforma. Se espera su aviso "
    "hasta {until}; si no llega, se envía otra vez.",
    en="Nobody knows whether a bubble of the answer came: what the platform answered was lost. Its status is waited "
    "for until {until}; without one it is sent again.",
)
PLATFORM_PAUSE = Text(
    es="La plataforma pide una pausa hasta {until}; entonces sale la respuesta.",
    en="The platform wants a pause until {until}; then the answer goes out.",
)
OWN_LIMIT = Text(
    es="La respuesta tiene su turno en {until}: los límites de la plataforma los comparten todos los workers.",
    en="The answer has its turn at {until}: the platform's limits are shared by all workers.",
)
SPEAK_AGAIN = Text(
    es="La respuesta no ha podido salir ({times} veces); se prueba otra vez: {until}. El motivo está en el registro "
    "del worker.",
    en="The answer could not be sent ({times} times); it is tried again: {until}. The reason is in the worker's log.",
)
SPEAK_LATER = Text(es="La respuesta sale a partir de {until}.", en="The answer goes out from {until} on.")
CHANNEL_OFF = Text(
    es="El canal {channel} está apagado aquí, o ya no atiende a {account}: pon otra vez su token en .env y arranca los "
    "workers.",
    en="The channel {channel} is off here, or serves {account} no more: set its token in .env again and start the "
    "workers.",
)

# a turn waits
LISTENING = Text(
    es="Está escribiendo todavía: se responde cuando pare, a más tardar {until}.",
    en="They are still writing: it is answered when they stop, at {until} at the latest.",
)
IN_LINE = Text(
    es="Espera un sitio en el modelo; delante hay {before}. Más sitios: LLM_PARALLEL, otro servidor o uno más rápido.",
    en="It waits for a place at the model; {before} stand before it. More places: LLM_PARALLEL, another server, a "
    "faster one.",
)
SERVER_AWAY = Text(
    es="El modelo {server} ha fallado {times} veces seguidas y se deja en paz hasta {until}. `python -m workers "
    "check` dice qué le pasa.",
    en="The model {server} has failed {times} times in a row and is left alone until {until}. `python -m workers "
    "check` says what troubles it.",
)
LAST_TRY = Text(
    es="La última vez que se preguntó al modelo no pudo responder: {why}. Esperar no cuenta como intento.",
    en="When the model was asked last, it could not answer: {why}. Waiting is no attempt.",
)
MODEL_AWAY = Text(
    es="El modelo no ha podido responder ({why}); se le pregunta otra vez: {until}. Esperar no cuenta como intento. "
    "`python -m workers check` dice qué le pasa.",
    en="The model could not answer ({why}); it is asked again: {until}. Waiting is no attempt. `python -m workers "
    "check` says what troubles it.",
)
TRIED = Text(
    es="Ha fallado {times} veces ({why}); se intenta otra vez: {until}. A la tercera se pide perdón y se guarda "
    "aparte. El fallo entero está en el registro del worker.",
    en="It has failed {times} times ({why}); it is tried again: {until}. The third time it is apologised for and put "
    "aside. The whole error is in the worker's log.",
)
SUSPECT = Text(
    es="Dos workers han muerto mientras la respondían: espera a correr sola; delante hay {before}.",
    en="Two workers died while they answered it: it waits to run alone; {before} stand before it.",
)
NO_WORKER = Text(
    es="Espera a un worker, y no hay ninguno: arranca uno con `python -m workers run`.",
    en="It waits for a worker, and there is none: start one with `python -m workers run`.",
)
WORKER_BUSY = Text(
    es="Espera a un worker; delante hay {before} avisos para {workers} workers. Si la cola crece, arranca más.",
    en="It waits for a worker; {before} wake-ups stand before it, for {workers} workers. If the line grows, start "
    "more.",
)
RUNG_AGAIN = Text(
    es="Espera a un worker; se avisa otra vez: {until}.", en="It waits for a worker; somebody is rung again: {until}."
)

# what will not be answered as it is
DEAD = Text(
    es="{count} mensajes fallaron una y otra vez ({why}), el último el {since}; se pidió perdón. Arreglada la causa: "
    "`python -m bot dead retry {conversation}`.",
    en="{count} messages failed again and again ({why}), the last at {since}; they were apologised for. When the "
    "cause is mended: `python -m bot dead retry {conversation}`.",
)
OPTED_OUT = Text(
    es="No se le responde porque lo pidió (/baja). Vuelve con /alta, solo la propia persona.",
    en="Nothing is answered because they asked for that (/baja). They return by /alta; nobody else can do it.",
)
HANDED_OVER = Text(
    es="Sigue una persona del negocio hasta {until}: el asistente calla. Antes: `python -m bot handover resume "
    "{conversation}`.",
    en="A person of the business goes on until {until}: the assistant is silent. Sooner: `python -m bot handover "
    "resume {conversation}`.",
)
OWNER = Text(
    es="El negocio ha contestado desde su teléfono: el asistente calla hasta {until}. Antes: `python -m bot handover "
    "resume {conversation}`.",
    en="The business has answered from its own telephone: the assistant is silent until {until}. Sooner: `python -m "
    "bot handover resume {conversation}`.",
)
BUDGET = Text(
    es="Se ha gastado el presupuesto del mes: responde una persona hasta {until}. WHATSAPP_BUDGET lo cambia.",
    en="The month's budget is spent: a person answers until {until}. WHATSAPP_BUDGET changes it.",
)
PAUSED = Text(es="Aquí no se responde: {why}.", en="Nothing is answered here: {why}.")
QUOTA = Text(
    es="Ha gastado lo de hoy (QUOTA_MESSAGES_PER_DAY, QUOTA_TOKENS_PER_DAY): hoy no se le responde más.",
    en="They have spent what is theirs today (QUOTA_MESSAGES_PER_DAY, QUOTA_TOKENS_PER_DAY): nothing more is "
    "answered today.",
)
NOT_ADMITTED = Text(
    es="No está admitida (ACCESS). Para dejarla pasar: `python -m bot access add {who}`.",
    en="They are not let in (ACCESS). To let them in: `python -m bot access add {who}`.",
)
NOT_ADDRESSED = Text(
    es="Lo último del grupo no iba dirigido al asistente.",
    en="What was said last in the group was not said to the assistant.",
)
CLOSED = Text(
    es="Escribió fuera del horario, y así lo quiere el archivo del negocio.",
    en="They wrote outside the opening hours, and the business file wants no answers then.",
)
STOPPED = Text(es="La persona paró la respuesta.", en="They stopped the answer.")
REVOKED = Text(es="La persona retiró lo que había escrito.", en="They took back what they had written.")
HEARD = Text(
    es="Lo último se oyó y no se respondió: {why}.", en="What was said last was heard and not answered: {why}."
)
BLOCKED = Text(
    es="La persona ha bloqueado al asistente, o ha cerrado el chat: la respuesta del {since} no le llegó.",
    en="They have blocked the assistant, or closed the chat: the answer of {since} did not reach them.",
)
NOT_WRITTEN = Text(
    es="La respuesta del {since} esperó a que escribieran otra vez, y caducó.",
    en="The answer of {since} waited for them to write again, and ended.",
)
REFUSED = Text(
    es="La plataforma no aceptó la respuesta del {since} ({why}, código {code}). El motivo está en el registro del "
    "worker.",
    en="The platform did not take the answer of {since} ({why}, code {code}). The reason is in the worker's log.",
)
UNDELIVERED = Text(
    es="La plataforma aceptó la última respuesta y avisó después de que no llegó.",
    en="The platform took the last answer, and told later that it did not arrive.",
)

# all is well
ANSWERED = Text(es="Todo está respondido; lo último el {since}.", en="Everything is answered, the last at {since}.")
ANSWERED_ONCE = Text(
    es="Todo está respondido; cuándo, no se guardaba todavía.",
    en="Everything is answered; when was not yet written down then.",
)
QUIET = Text(
    es="Nada espera, y no se guarda nada que responder (se borró, o hace más de HISTORY_DAYS).",
    en="Nothing waits, and nothing is kept that could be answered (it was reset, or is older than HISTORY_DAYS).",
)

HEARD_FOR: Final = {
    "opted out": OPTED_OUT,
    "handed over": HANDED_OVER,
    "owner": OWNER,
    "budget": BUDGET,
    "quota": QUOTA,
    "not admitted": NOT_ADMITTED,
    "not addressed": NOT_ADDRESSED,
    "closed": CLOSED,
    "stopped": STOPPED,
    "revoked": REVOKED,
}
"""Why something was only heard, by the reason that its turn was committed with."""

UNKNOWN: Final = {
    "why": Text(es="sin motivo conocido", en="for no known reason"),
    "worker": Text(es="un worker", en="a worker"),
    "since": Text(es="hace un rato", en="a while ago"),
    "until": Text(es="ahora", en="now"),
}
"""What stands where a value is not known."""

"""What the setup says."""

from __future__ import annotations

from bot.texts import Text

LANGUAGE = Text(es="Idioma / Language (es, en)", en="Language / Idioma (en, es)")
WRONG_LANGUAGE = Text(es="es o en", en="es or en")
HELLO = Text(
    es="Unas pocas preguntas. Intro deja lo que está entre corchetes. No se escribe nada hasta el final.",
    en="A few questions. Enter keeps what stands in brackets. Nothing is written until the end.",
)
NAME = Text(es="Nombre del negocio", en="Name of the business")
HOURS = Text(es="Horario", en="Opening hours")
CONTACT = Text(
    es="Cómo hablar con una persona (teléfono o correo)", en="How to reach a person (telephone or e-mail address)"
)
ANEW = Text(
    es="{path} ya existe. ¿Escribirlo de nuevo? (se guarda una copia)",
    en="{path} is there already. Write it anew? (a copy is kept)",
)
TOKEN_HELP = Text(
    es="Telegram: habla con @BotFather, envía /newbot y copia aquí el token. Intro: sin Telegram por ahora.",
    en="Telegram: talk to @BotFather, send /newbot and copy the token here. Enter: no Telegram for now.",
)
TOKEN = Text(es="Token del bot (no se verá)", en="The bot's token (it will not be seen)")
TOKEN_WRONG = Text(
    es="Telegram no conoce este token. Tiene la forma 123456789:AbC-dEf; @BotFather lo da (/mybots).",
    en="Telegram does not know this token. It looks like 123456789:AbC-dEf; @BotFather gives it (/mybots).",
)
NOT_REACHED = Text(
    es="no se llega a Telegram. ¿Hay red? ({reason})", en="Telegram was not reached. Is the network up? ({reason})"
)
BOT = Text(es="Telegram responde: eres @{name}.", en="Telegram answers: you are @{name}.")
PUBLIC_URL = Text(
    es="Dirección https por la que se llega a esta máquina (Intro: ninguna, y se pregunta a Telegram)",
    en="The https address under which this machine is reached (Enter: none, and Telegram is polled)",
)
ADMINS_HELP = Text(
    es="¿Quién manda? Ids de Telegram o números de WhatsApp, separados por comas; ? enseña quién ha escrito al bot.",
    en="Who is the owner? Telegram ids or WhatsApp numbers, separated by commas; ? shows who has written to the bot.",
)
ADMINS = Text(es="Ids (Intro: nadie)", en="Ids (Enter: nobody)")
WRITERS = Text(es="Han escrito: {people}", en="These have written: {people}")
NO_WRITERS = Text(
    es="Nadie ha escrito todavía: escribe algo a @{name} y contesta ? otra vez.",
    en="Nobody has written yet: write something to @{name} and answer ? again.",
)
CANNOT_LOOK = Text(es="No se puede mirar: {reason}", en="It cannot be looked up: {reason}")
FOUND = Text(es="Ollama responde en {url}, con: {models}", en="Ollama answers at {url}, with: {models}")
NOT_FOUND = Text(
    es="En {url} no responde ningún Ollama (./install_ollama.sh lo instala).",
    en="No Ollama answers at {url} (./install_ollama.sh installs it).",
)
NO_MODELS = Text(es="ningún modelo todavía", en="no model yet")
PROVIDER = Text(
    es="¿Quién piensa? (ollama; openai: cualquier servidor compatible; faq: ningún modelo, responde tu archivo)",
    en="Who thinks? (ollama; openai: any compatible server; faq: no model, your file answers)",
)
WRONG_PROVIDER = Text(es="hay estos: {known}", en="there are these: {known}")
MODEL = Text(es="Modelo", en="Model")
BASE_URL = Text(es="Dirección del servidor", en="The server's address")
KEY = Text(es="Clave (no se verá; Intro: ninguna)", en="Key (it will not be seen; Enter: none)")
ASKING = Text(
    es="Le pregunto algo; un modelo frío puede tardar minutos...", en="Asking it; a cold model may take minutes..."
)
OTHER = Text(es="¿Probar con otras respuestas?", en="Try other answers?")
REDIS = Text(
    es="Dirección de Redis (Intro: el que viene incluido)", en="Redis' address (Enter: the one that comes with it)"
)
KEPT = Text(es="La versión anterior está en {path}.", en="The version from before is in {path}.")
WRITTEN = Text(es="Escrito: {path}", en="Written: {path}")
NEXT = Text(es="Y ahora:\n\n  make run\n", en="And now:\n\n  make run\n")
PAGE = Text(
    es="Para probarlo antes tú, en tu navegador: make install EXTRAS=ui, y después python -m workers ui",
    en="To try it yourself first, in your browser: make install EXTRAS=ui, and then python -m workers ui",
)
WHATSAPP = Text(
    es="¿WhatsApp también? Paso a paso: python -m bot whatsapp setup",
    en="WhatsApp too? Step by step: python -m bot whatsapp setup",
)
TALK = Text(es="Cuando esté en marcha, escribe a https://t.me/{name}", en="Once it runs, write to https://t.me/{name}")
NO_MODEL = Text(
    es="Quien piensa todavía no responde; los mensajes esperan hasta que lo haga (python -m workers check).",
    en="Who thinks does not answer yet; messages wait until it does (python -m workers check).",
)

"""What is said of who hears of people's messages, in every language, and what to do about it."""

from __future__ import annotations

from bot.texts import Text

# subscription

CALLBACK_WELL = Text(es="Meta entrega en {url}.", en="Meta delivers to {url}.")
CALLBACK_NONE = Text(
    es="Meta no tiene ninguna dirección en la que entregar: `python -m bot whatsapp setup` la da.",
    en="Meta has no address to deliver to: `python -m bot whatsapp setup` gives it one.",
)
CALLBACK_OTHER = Text(
    es="Meta entrega en {there}, y no en {url}: `python -m bot whatsapp setup` lo cambia.",
    en="Meta delivers to {there}, not to {url}: `python -m bot whatsapp setup` changes that.",
)
SUBSCRIBED = Text(
    es="la aplicación está suscrita a la cuenta {account}.", en="the app is subscribed to the account {account}."
)
NOT_SUBSCRIBED = Text(
    es="la aplicación no está suscrita a la cuenta {account}: `python -m bot whatsapp setup` la suscribe.",
    en="the app is not subscribed to the account {account}: `python -m bot whatsapp setup` subscribes it.",
)
NO_ACCOUNT = Text(
    es="WHATSAPP_BUSINESS_ACCOUNT_ID está vacío: la suscripción y las plantillas no se pueden mirar.",
    en="WHATSAPP_BUSINESS_ACCOUNT_ID is empty: subscription and templates cannot be looked at.",
)
NO_PUBLIC_URL = Text(
    es="PUBLIC_URL está vacío: Meta solo llega a una dirección https pública.",
    en="PUBLIC_URL is empty: Meta reaches a public https address only.",
)
NO_HTTPS = Text(
    es="PUBLIC_URL empieza por https://; Meta no entrega en otra cosa.",
    en="PUBLIC_URL begins with https://; Meta delivers to nothing else.",
)
NOT_PUBLIC = Text(
    es="PUBLIC_URL lleva a un nombre o número que no está en internet: Meta no llega hasta él.",
    en="PUBLIC_URL leads to a name or number that is not on the internet: Meta does not reach it.",
)
FIELDS_WELL = Text(es="la aplicación pide {fields}.", en="the app asks for {fields}.")
FIELDS_MISSING = Text(
    es=(
        "la aplicación no pide {fields}: developers.facebook.com > tu aplicación > WhatsApp > Configuración > Campos "
        "de webhook > {fields} > Suscribirse."
    ),
    en=(
        "the app does not ask for {fields}: developers.facebook.com > your app > WhatsApp > Configuration > Webhook "
        "fields > {fields} > Subscribe."
    ),
)
ECHOES_MISSING = Text(
    es="la aplicación no pide {fields}: lo que escribas desde el teléfono no se oirá, y el asistente no callará.",
    en="the app does not ask for {fields}: what you write from the telephone is not heard, and quiets no assistant.",
)

EXPOSED = Text(
    es="otros usuarios de esta máquina pueden leer {file}, que tiene secretos: chmod 600 {file}",
    en="other users of this machine can read {file}, which holds secrets: chmod 600 {file}",
)

# the own webhook

WEBHOOK_WELL = Text(
    es="{url} responde bien: acepta lo firmado y rechaza lo falso.",
    en="{url} answers well: it takes what is signed and refuses what is forged.",
)
NOT_UP = Text(
    es="nadie responde en {url}: arranca el receptor con `make run`.",
    en="nobody answers at {url}: start the receiver with `make run`.",
)
NOT_THERE = Text(
    es=(
        "no se llega a {url} desde aquí ({what}): ¿está en marcha el túnel o el proxy, lleva el nombre a esta máquina "
        "y es válido el certificado?"
    ),
    en=(
        "{url} is not reached from here ({what}): does the tunnel or proxy run, does the name lead to this machine, "
        "and is its certificate valid?"
    ),
)
OTHER_VERIFY_TOKEN = Text(
    es="{url} no conoce este WHATSAPP_VERIFY_TOKEN: arranca de nuevo el receptor, que lee .env al empezar.",
    en="{url} does not know this WHATSAPP_VERIFY_TOKEN: start the receiver anew, for it reads .env at its start.",
)
OTHER_APP_SECRET = Text(
    es=(
        "{url} rechaza lo que firma este WHATSAPP_APP_SECRET: arranca de nuevo el receptor, o mira si un proxy cambia "
        "los cuerpos."
    ),
    en=(
        "{url} refuses what this WHATSAPP_APP_SECRET signs: start the receiver anew, or see whether a proxy changes "
        "bodies."
    ),
)
TAKES_FORGED = Text(
    es="{url} acepta lo falso (HTTP {status}): lo que responde ahí no es Recado, o algo responde por él.",
    en="{url} takes what is forged (HTTP {status}): what answers there is not Recado, or something answers for it.",
)
NO_CHANNEL = Text(
    es="{url} no es un webhook de WhatsApp (HTTP {status}): falta WHATSAPP_TOKEN en el receptor, o es otro programa.",
    en="{url} is no WhatsApp webhook (HTTP {status}): the receiver has no WHATSAPP_TOKEN, or it is another program.",
)
NOT_ECHOED = Text(
    es="{url} no responde como Recado: algo contesta delante de él, como la página de aviso de un túnel.",
    en="{url} answers, but not as Recado does: something before it answers, such as a tunnel's warning page.",
)
REDIRECTS = Text(
    es="{url} redirige (HTTP {status}) y Meta no sigue redirecciones: pon la dirección final en PUBLIC_URL.",
    en="{url} redirects (HTTP {status}), and Meta does not follow: write the final address into PUBLIC_URL.",
)
NO_REDIS = Text(
    es="{url} responde HTTP 503: el receptor no puede escribir en Redis, o el proxy no lo encuentra; mira /readyz.",
    en="{url} answers HTTP 503: the receiver cannot write to Redis, or the proxy does not find it; look at /readyz.",
)
PROXY_FAILS = Text(
    es="{url} responde HTTP {status}: el proxy o túnel delante del receptor no lo encuentra.",
    en="{url} answers HTTP {status}: the proxy or tunnel before the receiver does not find it.",
)

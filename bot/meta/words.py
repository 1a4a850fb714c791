"""What is said of Meta's answers, in every language, and what to do about them."""

from __future__ import annotations

from bot.texts import Text


def fill(text: Text, **values: object) -> Text:
    """``text`` with its placeholders filled in, a Text among the values by its own language."""
    spanish = {name: value.es if isinstance(value, Text) else value for name, value in values.items()}
    english = {name: value.en if isinstance(value, Text) else value for name, value in values.items()}
    return Text(es=text.es.format(**spanish), en=text.en.format(**english))


# refusals

NOT_REACHED = Text(
    es="no se llega a Meta ({what}). ¿Hay red, y está bien WHATSAPP_API_URL?",
    en="Meta was not reached ({what}). Is the network up, and WHATSAPP_API_URL right?",
)
NO_GRAPH = Text(
    es="lo que responde (HTTP {status}) no es la API de Meta: mira WHATSAPP_API_URL y los proxies.",
    en="what answers (HTTP {status}) is not Meta's API: look at WHATSAPP_API_URL, and at proxies.",
)
EXPIRED = Text(
    es=(
        "el token ha caducado. Haz uno que no caduque: configuración del negocio en Meta > Usuarios del sistema > "
        "Generar token > caducidad: nunca. (Meta: {said})"
    ),
    en=(
        "the token has expired. Make one that does not: Meta's business settings > System users > Generate token > "
        "expiration: never. (Meta: {said})"
    ),
)
NO_TOKEN = Text(
    es="Meta no conoce este token: cópialo entero, sin espacios; suele empezar por EAA. (Meta: {said})",
    en="Meta does not know this token: copy all of it, without spaces; it usually begins with EAA. (Meta: {said})",
)
NO_PERMISSION = Text(
    es=(
        "a este token le falta un permiso. Genéralo con whatsapp_business_messaging y whatsapp_business_management, y "
        "da al usuario del sistema acceso a la aplicación y a la cuenta de WhatsApp. (Meta: {said})"
    ),
    en=(
        "this token lacks a permission. Generate it with whatsapp_business_messaging and whatsapp_business_management, "
        "and give the system user access to the app and to the WhatsApp account. (Meta: {said})"
    ),
)
WANTS_PROOF = Text(
    es=(
        "la aplicación exige la clave secreta en cada llamada: quita esa exigencia en Configuración > Avanzada > "
        "«Exigir clave secreta». (Meta: {said})"
    ),
    en=(
        "the app asks for its secret in each call: switch that off in App settings > Advanced > \u201cRequire app "
        "secret\u201d. (Meta: {said})"
    ),
)
OTHER_SECRET = Text(
    es=(
        "esta no es la clave secreta de la aplicación que hizo el token: cópiala de Configuración > Básica > Clave "
        "secreta de la aplicación. (Meta: {said})"
    ),
    en=(
        "this is not the secret of the app that made the token: copy it from App settings > Basic > App secret. "
        "(Meta: {said})"
    ),
)
NO_SUCH_ID = Text(
    es=(
        "Meta no conoce este identificador, o este token no puede verlo: cópialo de WhatsApp > Configuración de la "
        "API, y da al usuario del sistema acceso a la cuenta. (Meta: {said})"
    ),
    en=(
        "Meta does not know this id, or this token may not see it: copy it from WhatsApp > API setup, and give the "
        "system user access to the account. (Meta: {said})"
    ),
)
NOT_VERIFIED = Text(
    es=(
        "Meta ha probado la dirección del webhook y no ha recibido lo que esperaba: ¿está en marcha el receptor, y "
        "lleva PUBLIC_URL hasta él? (Meta: {said})"
    ),
    en=(
        "Meta tried the webhook's address and did not get what it expected: does the receiver run, and does "
        "PUBLIC_URL lead to it? (Meta: {said})"
    ),
)
REFUSED = Text(es="Meta no lo acepta. (Meta: {said})", en="Meta does not take it. (Meta: {said})")

# token and secret

TOKEN_SHAPE = Text(
    es="un token no tiene espacios ni letras con tilde: cópialo otra vez de Meta.",
    en="no token has a space or an accented letter: copy it again from Meta.",
)
TOKEN_DEAD = Text(
    es="Meta ya no acepta este token: haz uno nuevo en Usuarios del sistema > Generar token.",
    en="Meta does not take this token any more: make a new one in System users > Generate token.",
)
TOKEN_FOR_EVER = Text(es="el token es de {app} y no caduca.", en="the token is {app}'s and does not expire.")
TOKEN_ENDS = Text(
    es="el token es de {app} y caduca el {day}.",
    en="the token is {app}'s and expires on {day}.",
)
TOKEN_TEMPORARY = Text(
    es=(
        "el token caduca en {hours} h: es el de prueba. Para siempre: configuración del negocio en Meta > Usuarios del "
        "sistema > Generar token > caducidad: nunca."
    ),
    en=(
        "the token expires in {hours} h: it is the one for trying. For good: Meta's business settings > System users > "
        "Generate token > expiration: never."
    ),
)
MAY_NOT_SEND = Text(
    es="al token le falta el permiso whatsapp_business_messaging: sin él no puede enviar. Genéralo de nuevo con él.",
    en="the token lacks the permission whatsapp_business_messaging and cannot send. Generate it again with it.",
)
MAY_NOT_MANAGE = Text(
    es="al token le falta el permiso whatsapp_business_management: sin él no se puede mirar ni hacer la suscripción.",
    en="the token lacks the permission whatsapp_business_management: without it no subscription can be seen or made.",
)
SECRET_SHAPE = Text(
    es="la clave secreta tiene 32 cifras hexadecimales (0-9, a-f): Configuración > Básica > Clave secreta.",
    en="the app secret has 32 hexadecimal digits (0-9, a-f): App settings > Basic > App secret.",
)
SECRET_RIGHT = Text(
    es="la clave secreta es la de la aplicación del token.", en="the app secret is that of the token's app."
)

# the number

PHONE_NUMBER = Text(
    es=(
        "eso es un número de teléfono; hace falta su identificador, de unas 15 cifras: en Meta, WhatsApp > "
        "Configuración de la API, debajo del número.{ids}"
    ),
    en=(
        "that is a phone number; what is needed is its id, of about 15 digits: at Meta, WhatsApp > API setup, below "
        "the number.{ids}"
    ),
)
ITS_ID = Text(es=" El de {number} es {id}.", en=" That of {number} is {id}.")
ITS_IDS = Text(es=" La cuenta tiene: {ids}.", en=" The account has: {ids}.")
NO_ID = Text(es="un identificador solo tiene cifras.", en="an id has digits only.")
ACCOUNT_ID = Text(
    es="ese es el identificador de la cuenta, no el del número.{ids}",
    en="that is the account's id, not the number's.{ids}",
)
NUMBER_WELL = Text(
    es="{name} {number}: conectado, calidad {quality}, {level}.",
    en="{name} {number}: connected, quality {quality}, {level}.",
)
NUMBER_STATUS = Text(
    es="{number} está {status} y no {connected}: mira el número en el Administrador de WhatsApp de Meta.",
    en="{number} is {status} and not {connected}: look at the number in Meta's WhatsApp Manager.",
)
NUMBER_ELSEWHERE = Text(
    es=(
        "{number} no está registrado en la Cloud API ({platform}): WhatsApp > Configuración de la API > Registrar, con "
        "un PIN tuyo de seis cifras."
    ),
    en=(
        "{number} is not registered with the Cloud API ({platform}): WhatsApp > API setup > Register, with a PIN of "
        "six digits of your own."
    ),
)
NUMBER_UNVERIFIED = Text(
    es="{number} no está verificado ({verification}): pide el código en el Administrador de WhatsApp de Meta.",
    en="{number} is not verified ({verification}): ask for the code in Meta's WhatsApp Manager.",
)
NUMBER_QUALITY = Text(
    es="la calidad de {number} es {quality}: la gente lo bloquea o denuncia; Meta puede limitarlo.",
    en="the quality of {number} is {quality}: people block or report it; Meta may limit it.",
)

# template and clock

TEMPLATE_WELL = Text(es="la plantilla {name} está aprobada.", en="the template {name} is approved.")
TEMPLATE_SHAPE = Text(
    es="WHATSAPP_TEMPLATE se escribe nombre:idioma, como seguimos:es.",
    en="WHATSAPP_TEMPLATE is written name:language, as in still_here:en.",
)
TEMPLATE_NONE = Text(
    es="la cuenta no tiene la plantilla {name}: créala en el Administrador de WhatsApp, o vacía WHATSAPP_TEMPLATE.",
    en="the account has no template {name}: make it in WhatsApp Manager, or empty WHATSAPP_TEMPLATE.",
)
TEMPLATE_STATUS = Text(
    es="la plantilla {name} está {status}, y solo se envían las aprobadas: mírala en el Administrador de WhatsApp.",
    en="the template {name} is {status}, and only approved ones are sent: look at it in WhatsApp Manager.",
)
AHEAD, BEHIND = Text(es="adelantado", en="ahead of"), Text(es="atrasado", en="behind")
CLOCK = Text(
    es="el reloj de esta máquina va {seconds} s {way} respecto al de Meta: que lleve la hora (NTP).",
    en="this machine's clock is {seconds} s {way} Meta's: let it keep time (NTP).",
)

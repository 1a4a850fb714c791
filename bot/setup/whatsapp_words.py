"""What the setup of WhatsApp says."""

from __future__ import annotations

from bot.texts import Text

HELLO = Text(
    es=(
        "WhatsApp de tu negocio, paso a paso. Todo sale de developers.facebook.com (tu aplicación) y de "
        "business.facebook.com (configuración del negocio). Intro deja lo que hay."
    ),
    en=(
        "Your business's WhatsApp, step by step. Everything comes from developers.facebook.com (your app) and from "
        "business.facebook.com (business settings). Enter keeps what is there."
    ),
)
TOKEN_HELP = Text(
    es=(
        "1. Token: configuración del negocio > Usuarios > Usuarios del sistema > Generar token: tu aplicación, "
        "caducidad «nunca», permisos whatsapp_business_messaging y whatsapp_business_management."
    ),
    en=(
        "1. Token: business settings > Users > System users > Generate token: your app, expiration \u201cnever\u201d, "
        "permissions whatsapp_business_messaging and whatsapp_business_management."
    ),
)
TOKEN = Text(es="Token (no se verá)", en="Token (it will not be seen)")
NO_TOKEN = Text(es="hace falta un token.", en="a token is needed.")
ACCOUNT_HELP = Text(
    es="2. Cuenta: tu aplicación > WhatsApp > Configuración de la API, «Identificador de la cuenta».",
    en="2. Account: your app > WhatsApp > API setup, \u201cWhatsApp Business Account ID\u201d.",
)
ACCOUNT = Text(es="Identificador de la cuenta (puede quedar vacío)", en="Account id (it may stay empty)")
NUMBERS = Text(es="La cuenta tiene: {numbers}", en="The account has: {numbers}")
NO_NUMBERS = Text(es="La cuenta no tiene ningún número todavía.", en="The account has no number yet.")
NUMBER_HELP = Text(
    es="3. Número: en la misma página, «Identificador del número de teléfono» (no el número).",
    en="3. Number: on the same page, \u201cPhone number ID\u201d (not the number itself).",
)
NUMBER = Text(es="Identificador del número", en="Phone number id")
SECRET_HELP = Text(
    es="4. Clave secreta: tu aplicación > Configuración de la aplicación > Básica > Clave secreta > Mostrar.",
    en="4. App secret: your app > App settings > Basic > App secret > Show.",
)
SECRET = Text(es="Clave secreta (no se verá)", en="App secret (it will not be seen)")
URL_HELP = Text(
    es="5. Dirección https pública que lleva a este receptor; Meta entrega en ella, más /webhook/whatsapp.",
    en="5. The public https address that leads to this receiver; Meta delivers to it, plus /webhook/whatsapp.",
)
URL = Text(es="Dirección (Intro sin nada: todavía no hay)", en="Address (Enter without one: there is none yet)")
TRYING = Text(es="6. Pruebo el webhook como lo haría Meta.", en="6. Trying the webhook as Meta would.")
AGAIN = Text(es="¿Probar otra vez? (en otro terminal: make run)", en="Try again? (in another terminal: make run)")
SUBSCRIBE = Text(
    es="¿Pido a Meta que entregue en {url} lo que se escriba a la cuenta {account}?",
    en="Shall I ask Meta to deliver to {url} what is written to the account {account}?",
)
CLICK = Text(
    es=(
        "A mano: developers.facebook.com > tu aplicación > WhatsApp > Configuración > Webhook > Editar:\n"
        "  URL de devolución de llamada: {url}\n"
        "  Token de verificación: el valor de WHATSAPP_VERIFY_TOKEN en {file}\n"
        "  Verificar y guardar; después, Campos de webhook: suscríbete a {fields}."
    ),
    en=(
        "By hand: developers.facebook.com > your app > WhatsApp > Configuration > Webhook > Edit:\n"
        "  Callback URL: {url}\n"
        "  Verify token: the value of WHATSAPP_VERIFY_TOKEN in {file}\n"
        "  Verify and save; then, Webhook fields: subscribe to {fields}."
    ),
)
LATER = Text(
    es="Cuando esté en marcha: `python -m bot whatsapp setup` otra vez, y Intro a todo.",
    en="Once it runs: `python -m bot whatsapp setup` again, and Enter to everything.",
)
DONE = Text(
    es="Listo. Escribe por WhatsApp a {number}; `python -m bot doctor` lo comprueba todo cualquier día.",
    en="Done. Write to {number} on WhatsApp; `python -m bot doctor` checks all of it any day.",
)
WELL, LOOK, BAD = Text(es="bien", en="ok"), Text(es="mira", en="look"), Text(es="mal", en="bad")
FINDING = Text(es="  [{mark}] {words}", en="  [{mark}] {words}")
YOUR_HTTPS = Text(es="<tu dirección https>", en="<your https address>")

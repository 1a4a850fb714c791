"""The heavy side: takes a mailbox, thinks and speaks."""

from __future__ import annotations


def get_llm_response(question: str) -> str:
    """Ask the configured model one question, with the business's facts and no history: for a Python console.

    Raises SettingsError, Unavailable or Rejected, which say what to do.
    """
    from bot.business import load_business  # noqa: PLC0415 - importing the package must cost nothing
    from bot.message import Turn  # noqa: PLC0415
    from bot.settings import load_settings  # noqa: PLC0415
    from workers import context, jobs  # noqa: PLC0415
    from workers.backends import Prompt  # noqa: PLC0415

    settings = load_settings()
    backend = jobs.open_backend(settings)
    language = settings.default_language
    business = load_business(settings.business_file)
    system = context.system_turn(settings.system_prompt, business, language, backend.count_tokens)
    try:
        return "".join(backend.stream(Prompt((system, Turn("user", question)), language=language))).strip()
    finally:
        backend.close()

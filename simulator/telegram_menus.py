"""The menus of commands that a bot has set, by scope and language."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from simulator.bot_api import bad
from simulator.calls import Outcome

MOST_COMMANDS: Final = 100
DEFAULT: Final[dict[str, Any]] = {"type": "default"}
SCOPES: Final = {
    "default": set[str](),
    "all_private_chats": set[str](),
    "all_group_chats": set[str](),
    "all_chat_administrators": set[str](),
    "chat": {"chat_id"},
    "chat_administrators": {"chat_id"},
    "chat_member": {"chat_id", "user_id"},
}
"""What each type of scope needs (https://core.telegram.org/bots/api#botcommandscope)."""


class Menus:
    """setMyCommands, getMyCommands and deleteMyCommands."""

    def __init__(self) -> None:
        self._menus: dict[tuple[str, str], list[dict[str, str]]] = {}

    def of(self, language: str = "", scope: dict[str, Any] | None = None) -> list[dict[str, str]]:
        """The commands that were set for exactly this scope and language; none when none were."""
        return list(self._menus.get((_key(scope or DEFAULT), language), []))

    def set(self, params: dict[str, Any]) -> Outcome:
        commands = [_cleaned(command) for command in params.get("commands") or []]
        if wrong := _wrong_place(params) or _wrong(commands):
            return bad(wrong)
        self._menus[_place(params)] = commands
        return Outcome({"ok": True, "result": True})

    def get(self, params: dict[str, Any]) -> Outcome:
        if wrong := _wrong_place(params):
            return bad(wrong)
        return Outcome({"ok": True, "result": self._menus.get(_place(params), [])})

    def delete(self, params: dict[str, Any]) -> Outcome:
        if wrong := _wrong_place(params):
            return bad(wrong)
        self._menus.pop(_place(params), None)
        return Outcome({"ok": True, "result": True})


def _key(scope: dict[str, Any]) -> str:
    return json.dumps(scope, sort_keys=True)


def _place(params: dict[str, Any]) -> tuple[str, str]:
    return _key(params.get("scope") or DEFAULT), str(params.get("language_code", ""))


def _cleaned(command: dict[str, Any]) -> dict[str, str]:
    name, description = str(command.get("command", "")), str(command.get("description", ""))
    return {"command": name.removeprefix("/"), "description": description.strip()}


def _wrong_place(params: dict[str, Any]) -> str:
    scope = params.get("scope") or DEFAULT
    needs = SCOPES.get(str(scope.get("type")))
    if needs is None:
        return "can't parse BotCommandScope: Unsupported type specified"
    if missing := needs - scope.keys():
        return f"can't parse BotCommandScope: Can't find field \"{min(missing)}\""
    return (
        "" if re.fullmatch(r"([a-z]{2})?", str(params.get("language_code", ""))) else "invalid language code specified"
    )


def _wrong(commands: list[dict[str, str]]) -> str:
    """In the words of MTProto's bots.setBotCommands (https://core.telegram.org/method/bots.setBotCommands)."""
    if len(commands) > MOST_COMMANDS:
        return "BOT_COMMANDS_TOO_MUCH"
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
            return "BOT_COMMAND_INVALID"
        if not 1 <= len(command["description"]) <= 256:
            return "BOT_COMMAND_DESCRIPTION_INVALID"
    return ""

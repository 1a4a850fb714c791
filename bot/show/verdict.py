"""The verdict: why a person got no answer, in the order in which a worker would find out (take.lua, begin.lua)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from bot.channels import Channel
from bot.message import Conversation
from bot.settings import Settings
from bot.show import words
from bot.stores import quota
from bot.stores.case import Case
from bot.stores.outbox import piece_state
from bot.texts import Language, Text

TIMES: Final = frozenset({"since", "until"})
"""Which of a finding's values are times, in ms since 1970; 0: now."""


class Finding(NamedTuple):
    """One thing that is so: a stable ``code``, the words for it and what they are filled with."""

    code: str
    text: Text
    values: dict[str, Any]

    def to(self, language: Language) -> str:
        """The words as an operator reads them."""
        filled = {name: clock(value) if name in TIMES else value for name, value in self.values.items()}
        missing = {name: words.UNKNOWN[name].to(language) for name in filled if name in words.UNKNOWN}
        return self.text.to(language, **{name: value or missing.get(name, value) for name, value in filled.items()})

    def told(self) -> dict[str, Any]:
        """For machines: times as ISO 8601."""
        values = {name: iso(value) if name in TIMES else value for name, value in self.values.items()}
        return {"code": self.code, **values}


class View(NamedTuple):
    """A case, and what the settings say of where it is; ``channel``: None where that is off."""

    case: Case
    settings: Settings
    channel: Channel | None


def verdict(view: View) -> list[Finding]:
    """What keeps this conversation from its answer, or that nothing does, and then what else is to be known."""
    case = view.case
    told = [*(_in_hand(case) if case.lease else (*_speaking(view), *_thinking(view))), *_also(view)]
    first = {finding.code: finding for finding in reversed(told)}
    return [finding for finding in told if first[finding.code] is finding] or [*_rest(case)]


def found(code: str, /, **values: Any) -> Finding:
    """A finding by its code, which is the name of its words."""
    return Finding(code, getattr(words, code.upper().replace("-", "_")), values)


def _in_hand(case: Case) -> Iterator[Finding]:
    what = "thinking" if case.thinking else "speaking"
    yield found(what, worker=case.rung.worker, since=case.rung.since, left=-(-case.lease // 1000))


def _speaking(view: View) -> Iterator[Finding]:
    """Why the first reply in the outbox is not said."""
    case = view.case
    if not case.out:
        return
    kind = _next_bubble(case)
    if view.channel is None:
        yield _off(case)
    elif "gone" in case.state:
        yield found("gone")
    elif "held" in case.state and case.hold:
        yield _held(case)
    elif kind == "parked" or _is_closed(view):
        since = case.count("parked")  # 1: it was parked by a version that did not write down when
        yield found("window", since=since if since > 1 else 0)
    elif until := max(case.until("speak"), case.until("pause"), case.paused):
        yield _speaks_later(case, kind, until)
    else:
        yield _for_worker(case)


def _speaks_later(case: Case, kind: str, until: int) -> Finding:
    """Why the next bubble waits for a time."""
    if kind in {"unknown", "sending"}:
        return found("in-doubt", until=until)
    if pause := max(case.until("pause"), case.paused):
        return found("platform-pause", until=pause)
    if case.count("permit") > case.now:
        return found("own-limit", until=until)
    times = case.count("speak_tries")
    return found("speak-again", times=times, until=until) if times else found("speak-later", until=until)


def _off(case: Case) -> Finding:
    where = Conversation.parse(case.conversation)
    return found("channel-off", channel=where.channel, account=where.account)


def _thinking(view: View) -> Iterator[Finding]:
    """Why the batch, or what waits behind it, is not thought."""
    case = view.case
    if case.thinking:
        yield from _deferred(view)
    elif case.waiting and not case.out:
        first, last = case.waiting[0].at, case.waiting[-1].at
        quiet, cap = view.settings.debounce_seconds * 1000, view.settings.debounce_max_seconds * 1000
        until = int(min(last + quiet, first + cap))
        yield found("listening", until=until) if until > case.now else _for_worker(case)


def _deferred(view: View) -> Iterator[Finding]:
    case, until = view.case, view.case.until("think")
    for server, (rest, times) in case.servers.items():
        if rest > case.now:
            yield found("server-away", server=server, times=times, until=rest)
    if case.suspects is not None:
        yield found("suspect", before=case.suspects)
    elif case.line is not None:
        yield found("in-line", before=case.line)
        if why := case.state.get("why"):
            yield found("last-try", why=why)
    elif view.channel is None and not case.out:
        yield _off(case)
    elif case.count("tries") and until:
        yield found("tried", times=case.count("tries"), why=case.state.get("why", ""), until=until)
    elif case.count("waits") and until:
        yield found("model-away", why=case.state.get("why", ""), until=until)
    elif not case.out:
        yield _for_worker(case)


def _for_worker(case: Case) -> Finding:
    if not case.workers:
        return found("no-worker")
    if case.rung.before is not None:
        return found("worker-busy", before=case.rung.before, workers=case.workers)
    return found("rung-again", until=case.due)


def _also(view: View) -> Iterator[Finding]:
    """What is so whether anything waits or not."""
    case = view.case
    if case.erasing:
        yield found("erasing")
    if case.hold and not (case.out and "held" in case.state and not case.lease):
        yield _held(case)
    if case.dead:
        why = case.state.get("dead_reason", "")
        yield found("dead", count=len(case.dead), why=why, since=case.died, conversation=case.conversation)
    if paused := case.state.get("paused"):
        yield _silence(case, paused)
    elif quota.exhausted(view.settings, case.state, [""], _today()):
        yield found("quota")
    if not case.waiting and not case.thinking:
        yield from _last(case, silent=bool(paused))


def _last(case: Case, *, silent: bool) -> Iterator[Finding]:
    """What became of what was said last, if that is not an answer."""
    turn, at, code, why = [*case.state.get("failed", "").split("|"), "", "", ""][:4]
    newest = max((abs(one) for one in case.spoken), default=case.count("committed"))
    if turn and abs(int(turn)) >= newest and not case.out:
        known = {"Blocked": "blocked", "Parked": "not-written"}.get(why)
        yield found(known, since=int(at)) if known else found("refused", since=int(at), why=why, code=code)
    elif any(case.told[bubble].failed for bubble in _last_bubbles(case) if bubble in case.told):
        yield found("undelivered")
    said = case.history[-1] if case.history else None
    if said and said.heard and not silent:
        yield _silence(case, said.heard)


def _last_bubbles(case: Case) -> tuple[str, ...]:
    turn = max(case.spoken, key=abs, default=None)
    return case.spoken[turn].bubbles if turn is not None else ()


def _silence(case: Case, why: str) -> Finding:
    """Why nothing is answered here, or was not."""
    text = words.HEARD_FOR.get(why)
    if text is None:
        return found("paused", why=why) if case.state.get("paused") == why else found("heard", why=why)
    who = ":".join(case.conversation.split(":")[::2][:2])
    values = {"until": case.count("paused_until"), "conversation": case.conversation, "who": who}
    return Finding(why.replace(" ", "-"), text, {name: values[name] for name in values if f"{{{name}}}" in text.en})


def _rest(case: Case) -> Iterator[Finding]:
    answers = [turn for turn in case.history if turn.role == "assistant"]
    last = max([turn.at for turn in answers] + [said.at for said in case.spoken.values()], default=0)
    if last:
        yield found("answered", since=last)
    else:
        yield found("answered-once" if answers else "quiet")


def _held(case: Case) -> Finding:
    assert case.hold
    since, until = (int(at * 1000) for at in (case.hold.since, case.hold.until))
    until = until if until > case.now else 0
    return found("held", account=case.hold.account, since=since, reason=case.hold.reason.rstrip(".\n "), until=until)


def _next_bubble(case: Case) -> str:
    """The state of the first bubble of the first reply that is not settled."""
    reply = case.out[0]
    states = (piece_state(case.state, reply.turn, index)[0] for index in range(len(reply.pieces)))
    return next((kind for kind in states if kind not in {"sent", "failed"}), "staged")


def _is_closed(view: View) -> bool:
    """Whether the person must write before anything may be said to them (bubbles.lua: is_closed)."""
    case, window = view.case, view.channel.window_seconds * 1000 if view.channel else 0
    if not window:
        return False
    closed = case.state.get("closed")
    return (closed or "") == case.state.get("number", "0") or 0 < case.count("heard_at") <= case.now - window


def clock(ms: int) -> str:
    """A time as the operator's clock shows it; empty for 0."""
    return "" if not ms else f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def iso(ms: int) -> str | None:
    """A time for machines; None for 0."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds") if ms else None


def _today() -> str:
    return date.today().isoformat()  # noqa: DTZ011 - as the workers' calendar has it

"""Faults at the k-th call that a fake platform gets, before it takes the call or before it answers."""

from __future__ import annotations

import threading
from typing import Any

from simulator.faults.plan import SWALLOW, Break, Delay, Plan, Planned
from simulator.platforms import Platform
from simulator.server import Cut


class CallPoints(Plan):
    """Points in the calls to ``platform``, by the method's name in lower case, as in ``Point("sendmessage", 3)``.

    before: the platform has not taken the call and never will. after: it has taken it, and its answer is
    lost. From construction on, all calls are counted here.
    """

    def __init__(self, platform: Platform) -> None:
        super().__init__()
        self._platform = platform
        self._mine = threading.local()  # a call is taken and answered in one thread
        platform.before, platform.after = self._before, self._after

    def _before(self, method: str, chat_id: str, params: dict[str, Any]) -> None:
        _, faults = self.count(method.lower())
        self._mine.later = [fault for fault in faults if fault.point.when == "after"]
        for fault in faults:
            if fault.point.when == "before":
                self._suffer(fault)

    def _after(self, method: str, chat_id: str, params: dict[str, Any]) -> None:
        for fault in getattr(self._mine, "later", ()):  # none in a call that was there before us
            self._suffer(fault)

    def _suffer(self, fault: Planned) -> None:
        action = fault.action
        if not isinstance(action, Break | Delay):
            self.attempt(fault, action)
            raise Cut
        self.happened(fault)
        if isinstance(action, Delay):
            self._platform.closing.wait(action.seconds)
            return
        if action is SWALLOW:
            self._platform.closing.wait()
        raise Cut

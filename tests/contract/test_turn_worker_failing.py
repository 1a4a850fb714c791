"""A turn that cannot even begin, or whose end nobody can note, is in nobody's hands and on nobody's books."""

from __future__ import annotations

import threading

import pytest

from bot.stores.connection import Store
from bot.stores.mailbox import Mailbox
from bot.stores.wakeups import WIP
from tests.contract.recorder import Recorder, failed, ring
from tests.contract.stepwise import LONGEST, Stepwise, stop

ANA = "telegram:7:1"


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def worker(store: Store, recorder: Recorder) -> Stepwise:
    return Stepwise(store, recorder)


def test_a_turn_for_which_there_is_no_thread_is_in_nobodys_hands(
    worker: Stepwise, recorder: Recorder, store: Store, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that gives no more threads for a moment costs neither a slot nor an entry that would beat for ever."""
    start, refused = threading.Thread.start, list[str]()

    def refuse_once(thread: threading.Thread) -> None:
        if thread.name.startswith("ring-") and not refused:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse_once)
    recorder.during = stop(worker)
    ring(mailbox, ANA, "telegram:7:2")
    assert worker.work_for_a_while() < LONGEST
    assert (len(refused), recorder.answered) == (1, ["telegram:7:2"])
    assert not worker.executions
    assert store.client.zcard(WIP) == 0


def test_what_fails_while_its_person_is_erased_leaves_nothing(
    worker: Stepwise, recorder: Recorder, store: Store, mailbox: Mailbox
) -> None:
    """The erasure takes the wake-up itself; its failure ends there, too."""

    def is_erased(_: str) -> None:
        worker._stop()
        store.client.delete(*store.client.keys("rq:job:*"))
        raise ValueError("broken")

    recorder.during = is_erased
    ring(mailbox, ANA)
    assert worker.work_for_a_while() < LONGEST
    assert (failed(store), store.client.zcard(WIP), store.client.keys("rq:execution*")) == ([], 0, [])

"""What the model says, piece by piece, until it ends or is to end."""

from __future__ import annotations

import math
import time

from bot.errors import Unavailable
from workers.backends import Backend, Prompt
from workers.grow import Show
from workers.held import Held
from workers.thought import whole


def streamed(backend: Backend, held: Held, prompt: Prompt, show: Show, seconds: float) -> str:
    """The whole answer. One that trickles for longer than ``seconds`` (TURN_SECONDS) ends with what came until then.

    Raises Unavailable, Rejected, LeaseLost, Revised, Stopped, StoreUnavailable, and what ``show`` raises.
    """
    held.check()
    pieces: list[str] = []
    held.figures.ask(backend.name)
    held.stream = stream = backend.stream(prompt)
    until, held.asked = math.inf, time.monotonic()
    try:
        for piece in stream:
            held.asked = math.inf
            held.figures.hear()
            until = min(until, time.monotonic() + seconds)
            pieces.append(piece)
            if held.ended or time.monotonic() > until:
                held.figures.cut = True
                break
            show(lambda: whole(pieces))
        held.figures.cut = held.figures.cut or stream.limited
    except Unavailable:
        if not held.ended:
            raise
        held.figures.cut = True
    finally:
        held.stream, held.asked = None, math.inf
        stream.close()
    held.figures.listened()
    answer = whole(pieces)
    held.check(answer)
    if not answer:
        raise Unavailable("the model answered without a word")
    return answer

"""Webhook bodies that hold what several people wrote, as Meta packs them when much comes at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from simulator.delivery import Parcel, Said
from simulator.graph import SHAPES, encode, webhook
from simulator.platforms import Platform

BATCH_SECONDS: Final = 0.05
"""What is written within so much time may come in one body."""


@dataclass(slots=True)
class _Batch:
    """A body that may still grow: the values in it, for how many there is room, and how it is laid out."""

    room: int = 0
    shape: str = ""
    values: list[dict[str, Any]] = field(default_factory=list)
    parcel: Parcel | None = None


class Packer:
    """Packs a platform's messages; the platform's dice say how many into each body, and how."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._batch = _Batch()

    def pack(self, new: dict[str, Any], said: tuple[Said, ...], sizes: tuple[int, int]) -> None:
        """Send a message of one person (``new`` is its webhook value), perhaps with those of others.

        It joins the body that is being packed while that has room, is not yet on its way, and nothing
        else of the same person comes behind it.
        """
        platform, batch, chat_id = self._platform, self._batch, said[0].chat_id
        if batch.parcel and len(batch.values) < batch.room:
            body = encode(webhook([*batch.values, new], batch.shape))
            if platform.delivery.join(batch.parcel, chat_id, body, batch.parcel.said + said):
                platform.hear(said)
                batch.values.append(new)
                return
        self._batch = batch = _Batch(platform.dice.randint(*sizes), platform.dice.choice(SHAPES), [new])
        batch.parcel = platform.carry(chat_id, encode(webhook([new])), said, wait=BATCH_SECONDS)

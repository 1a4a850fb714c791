"""The scenarios of models, platforms, hosts and people; those of killed and stopped processes stand in the command."""

from __future__ import annotations

from typing import Final

from simulator.chaos import (
    codes,
    flood,
    host,
    late,
    model_faults,
    models,
    poison,
    rolling,
    soak,
    storm,
    strangers,
    streams,
)

MORE: Final = (
    models.DOWNS,
    models.SERIAL,
    model_faults.WEATHER,
    storm.STORM,
    storm.AWAY_WORKERS,
    flood.FLOODS,
    rolling.RESTARTS,
    host.CLOCK,
    host.DISK,
    poison.DEADLY,
    poison.FAULTY,
    strangers.FUZZ,
    strangers.FORGED,
    soak.SOAK,
    streams.STREAMS,
    late.LATE,
    codes.CODES,
)
"""In the order of the table."""

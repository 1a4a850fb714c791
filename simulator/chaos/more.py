"""The scenarios of models, platforms, hosts and people; those of killed and stopped processes stand in the command."""

from __future__ import annotations

from typing import Final

from simulator.chaos import flood, host, models, poison, rolling, soak, storm, strangers

MORE: Final = (
    models.DOWNS,
    models.SERIAL,
    storm.STORM,
    flood.FLOODS,
    rolling.RESTARTS,
    host.CLOCK,
    host.DISK,
    poison.DEADLY,
    poison.FAULTY,
    strangers.FUZZ,
    strangers.FORGED,
    soak.SOAK,
)
"""In the order of the table."""

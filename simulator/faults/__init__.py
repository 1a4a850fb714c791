"""Faults for whoever tests the promises: broken connections, killed processes, wrong clocks, full disks.

All of it stands outside the product, which has no switches for it.
"""

from simulator.faults.calls import CallPoints
from simulator.faults.plan import CUT, SWALLOW, Action, Delay, Point
from simulator.faults.processes import kill, pause, resume
from simulator.faults.proxy import Passed, RedisProxy
from simulator.faults.shim import Shim

__all__ = [
    "CUT",
    "SWALLOW",
    "Action",
    "CallPoints",
    "Delay",
    "Passed",
    "Point",
    "RedisProxy",
    "Shim",
    "kill",
    "pause",
    "resume",
]

"""Which engine runs: the one that has the run done first in this process."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Literal

from waterfalls.errors import refuse_unknown

if TYPE_CHECKING:
    from waterfalls.plan import Plan

Engine = Literal["auto", "reference", "fast", "native"]
Chosen = Literal["reference", "fast", "native"]
LOADING = 1.0  # seconds to load the kernel, once a process
STEP = 2.5e-6  # seconds of the reference for an output, a date and a scenario
COMPILING = 4_000_000  # dates of scenarios from which on native code has earned the time to compile it
spent = 0.0  # seconds that the reference took so far


def chosen(engine: Engine, plan: Plan, scenarios: int) -> Chosen:
    """The engine of a run; they agree to the bit.

    Native code takes a third of the kernel's time, once it is compiled: in a time that grows with the instructions, as
    what it saves on a date of a scenario does, so that dates times scenarios say whether it pays. The kernel is quicker
    than the reference once it is loaded. Until then runs go to the reference, which has nothing to load, as long as all
    of them together would not have paid for loading it.
    """
    global spent
    refuse_unknown("engine", engine, ("auto", "reference", "fast", "native"))
    if engine != "auto":
        return engine
    dates = scenarios * plan.schedule.periods
    if "waterfalls.engines.kernel" not in sys.modules:
        spent += STEP * dates * len(plan.outputs)
        if spent <= LOADING or not importlib.util.find_spec("numba"):
            return "reference"
    return "native" if dates >= COMPILING else "fast"

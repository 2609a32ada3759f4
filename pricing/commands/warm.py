"""The command `firstloss warm`: compiles the fast engine."""

from __future__ import annotations

from pricing.commands.shared.output import say, stoppable
from pricing.commands.shared.progress import progress


def warm() -> None:
    """Compile the fast engine now, so that no run waits for it.

    Its kernel is kept in a cache; runs of many scenarios need it, and a first one would wait for it.

    \b
    Examples:
      firstloss warm
    """
    from waterfalls.distribute import warm as compile_kernel

    with stoppable(), progress("compiling the kernel"):
        compile_kernel()
    say("the kernel is compiled")

"""A portfolio of obligors that are all alike."""

from structuring.simulation.credit_losses import Obligor


def alike(count, hazard=0.03, recovery=0.4):
    return [Obligor(f"{k}", 1.0 / count, hazard=hazard, recovery=recovery) for k in range(count)]

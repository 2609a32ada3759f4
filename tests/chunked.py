"""Collateral on paths, whole and in chunks."""

import numpy as np

from structuring.scenarios.scenario import Drivers


def chunked(owned, dates, paths, *parts):
    """What the collateral delivers on all paths, after seeing that it delivers the same to the bit on parts of them."""
    whole = owned.deliver(dates, Drivers.of(paths))
    for part in parts:
        cut = owned.deliver(dates, Drivers.of(paths.rows(part)))
        assert cut.scenarios == whole.scenarios[part]
        for field, array in cut.fields.items():
            assert np.array_equal(array, whole[field][part]), field
    return whole

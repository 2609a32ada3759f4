"""Quotients and percentages that are NaN where the whole is nothing or not known."""

from __future__ import annotations

from typing import Any

import numpy as np


def quotient(top: Any, bottom: Any) -> Any:
    """top / bottom, of numbers or arrays, NaN where the bottom is not above 0 or not known."""
    a, b = np.broadcast_arrays(np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64))
    made = np.divide(a, b, out=np.full(b.shape, np.nan), where=b > 0.0)
    return float(made) if made.ndim == 0 else made


def per_cent(part: Any, whole: Any) -> Any:
    """100 x part / whole, NaN as in `quotient`."""
    return quotient(100.0 * np.asarray(part, dtype=np.float64), whole)

"""How a bond or loan reckons its interest: fixed or floating, the resets of its index, its day count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from waterfalls.clock.conventions import FREQUENCIES
from waterfalls.errors import Fault, unknown
from waterfalls.terms.coupons import Floating


class Accrual(NamedTuple):
    """How interest is reckoned: fixed or floating, months from one reset to the next and to the first, and day count."""

    coupon: Floating | None = None
    reset: int = 1
    first: int = 0
    day_count: str = "30/360"


def faults_of_resets(fields: Mapping[str, Any], coupon: Any) -> Iterator[Fault]:
    """A reset that no coupon period begins with, and terms of a floating coupon where it is fixed."""
    frequency, reset = fields.get("frequency", "monthly"), fields.get("reset")
    if coupon is not None and not isinstance(coupon, Floating):
        for name in ("reset", "first_rate"):
            if fields.get(name) is not None:
                yield Fault(name, f"belongs to a floating coupon, and this one is fixed at {coupon:g}")
    elif reset is not None and reset not in FREQUENCIES:
        yield Fault("reset", unknown("frequency", reset, FREQUENCIES))
    elif reset is not None and frequency in FREQUENCIES and FREQUENCIES[frequency] % FREQUENCIES[reset]:
        yield Fault("reset", f"must not come more often than interest is paid, {frequency}, got {reset!r}")

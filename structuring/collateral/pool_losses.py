"""What a group of loans pays as some prepay and some default: from its scheduled curves to the fields of receipts."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from structuring.collateral.pool_cash_flows import Curves

MANY_PATHS = 64  # from which on the kernel is worth loading; it gives the same bits


class Speeds(NamedTuple):
    """The drivers of a group by month, (S or 1, M or 1), monthly rates and shares; the lag is (S or 1, 1), months."""

    prepaid: np.ndarray
    default: np.ndarray
    balloon_default: np.ndarray
    severity: np.ndarray
    lag: np.ndarray


def flows(
    curves: Curves, speeds: Speeds, *, sifma: bool, advances: bool, timing: tuple[float, ...]
) -> dict[str, np.ndarray]:
    """The fields of the receipts by month, (S or 1, M), of a group of loans; see `LoanPool` for the formulas."""
    prepaid, default, balloon_default, severity, lag = speeds
    balance, interest, balloon = curves
    opening, closing, months = balance[:, :-1], balance[:, 1:], interest.shape[1]
    contracted = interest + opening - closing
    paths = max(len(rates) for rates in (balance, *speeds))
    late = functools.partial(spread, lag=lag, timing=timing)
    bullets = bool(balloon_default.any())
    if paths >= MANY_PATHS and len(balance) == 1 and not (advances or timing or bullets) and (fast := kernel()):
        out = np.zeros((len(fast.FIELDS), paths, months))
        given = (balance[0], interest[0], prepaid, default, severity, lag)
        fast.fill(sifma, *map(writable, given), out)
        out.setflags(write=False)  # so that receipts take it as it is
        return {**dict(zip(fast.FIELDS, out, strict=True)), "contracted": contracted}
    if sifma:
        prepaid = np.minimum(prepaid, 1.0 - default)  # no more than there is
        kept, paying, prepayable = 1.0 - default - prepaid, 1.0 - default, prepaid * closing
    else:
        kept = paying = (1.0 - default) * (1.0 - prepaid)
        prepayable = (1.0 - default) * prepaid * opening
    after = np.cumprod(np.broadcast_to(kept, (kept.shape[0], months)), axis=1)
    alive = np.concatenate([np.ones((len(after), 1)), after[:, :-1]], axis=1)
    defaults, repaid = alive * default * opening, alive * paying * (opening - closing)
    if advances:
        recoveries = np.maximum(later(alive * default, lag) * opening - late(defaults * severity), 0.0)
    else:
        recoveries = late(defaults * (1.0 - severity))
    if bullets:
        failed = alive * paying * balloon * balloon_default
        defaults, repaid = defaults + failed, repaid - failed
        recoveries = recoveries + late(failed * (1.0 - severity))
    lost = late(defaults * severity)
    return {
        "interest": alive * paying * interest,
        "principal": repaid,
        "prepayments": alive * prepayable,
        "recoveries": recoveries,
        "pool_balance": after * closing,
        "defaulted_balance": np.cumsum(defaults, axis=1) - late(np.cumsum(defaults, axis=1)),
        "defaults": defaults,
        "losses": lost,
        "contracted": contracted,
    }


@functools.cache
def kernel() -> Any:
    """The kernel of pools, or nothing where there is no Numba."""
    try:
        from structuring.collateral import pool_cash_flows_kernel
    except ImportError:
        return None
    return pool_cash_flows_kernel


def writable(array: np.ndarray) -> np.ndarray:
    """An array as the kernel takes it: contiguous, and of the one type that it is compiled for."""
    array = np.ascontiguousarray(array, dtype=np.float64)
    return array if array.flags.writeable else array.copy()


def later(amounts: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """Amounts by month (S or 1, M) as many whole months later as `lag` (S or 1, 1) says, zeros before."""
    if lag.shape[0] == 1:
        return shifted(amounts, int(lag[0, 0]))
    amounts = np.broadcast_to(amounts, (len(lag), amounts.shape[1]))
    result = np.zeros(amounts.shape)
    for months in np.unique(lag):
        rows = lag[:, 0] == months
        result[rows] = shifted(amounts[rows], int(months))
    return result


def spread(amounts: np.ndarray, lag: np.ndarray, timing: tuple[float, ...]) -> np.ndarray:
    """Amounts by month (S or 1, M) `lag` months later, the shares of `timing` month by month from then on, if any."""
    if not timing:
        return later(amounts, lag)
    parts = [share * later(amounts, lag + k) for k, share in enumerate(timing)]
    return np.sum(np.broadcast_arrays(*parts), axis=0)


def compounded(rates: np.ndarray, every: int, months: int) -> np.ndarray:
    """Monthly rates (S or 1, M or 1) as those of every so many months, 1 - product of (1 - rate), 0 in between."""
    if every == 1:
        return rates
    whole = months // every
    monthly = np.broadcast_to(rates, (len(rates), months))[:, : whole * every].reshape(len(rates), whole, every)
    result = np.zeros((len(rates), months))
    result[:, every - 1 : whole * every : every] = 1.0 - np.prod(1.0 - monthly, axis=2)
    return result


def shifted(amounts: np.ndarray, months: int) -> np.ndarray:
    """Amounts by month (S, M), `months` later."""
    if months == 0:
        return amounts
    result = np.zeros(amounts.shape)
    result[:, months:] = amounts[:, :-months]
    return result

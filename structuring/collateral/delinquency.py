"""Loans that pay late, and defaults by a total and a shape: what a pool says of them, and its cash month by month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from waterfalls.errors import Fault, InvalidTerms
from waterfalls.terms.bounded_numbers import Share
from waterfalls.terms.field_types import Listed
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np

    from structuring.collateral.pool_cash_flows import Curves
    from structuring.collateral.pool_losses import Speeds

Three = tuple[Share, Share, Share]
BUCKETS = ("delinquent_30", "delinquent_60", "delinquent_90")


@term
class Delinquency:
    """Loans 30, 60 and 90 days late, by rates a month.

    `late` is the share of paying loans that miss a payment. Of those 30, 60 and 90 days late, `roll` is the share that
    is later still a month on (from 90 days: defaults) and `cure` the share that pays all it owes and goes on; the rest
    stays where it is. `at_start` is the share of the pool that is late already.
    """

    late: Share = 0.0
    _: KW_ONLY
    roll: Three
    cure: Three
    at_start: Three = (0.0, 0.0, 0.0)

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        if "roll" in fields and "cure" in fields:
            for days, roll, cure in zip((30, 60, 90), fields["roll"], fields["cure"], strict=True):
                if roll + cure > 1.0 + 1e-12:
                    yield Fault(
                        "cure", f"and roll of loans {days} days late must not exceed 1 together, got {roll + cure:g}"
                    )
        if sum(fields.get("at_start", ())) > 1.0 + 1e-12:
            yield Fault("at_start", f"must not exceed 1 together, got {sum(fields['at_start']):g}")


@term
class DefaultCurve:
    """Defaults by a total, as a share of the starting balance, and a shape: `shares` of it in each `months`, evenly.

    Of "losses" the total is what is lost in the end, and defaults are that over the severity of their month.
    """

    total: Share
    shares: Listed[Share]
    _: KW_ONLY
    months: Annotated[int, Field(gt=0)] = 12
    of: Literal["defaults", "losses"] = "defaults"

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        shares = fields.get("shares")
        if shares is not None and abs(sum(shares) - 1.0) > 1e-9:
            yield Fault("shares", f"must sum to 1, got {sum(shares):.10g}")

    def amounts(self, total: np.ndarray, start: float, severity: np.ndarray, months: int, every: int) -> np.ndarray:
        """Balance that defaults by month (S or 1, M): total (S or 1, 1) x share x starting balance, in paying months."""
        import numpy as np

        shares = np.repeat(np.array(self.shares) / self.months, self.months)
        shares = np.concatenate([shares, np.zeros(max(months - len(shares), 0))])[:months]
        lost = np.broadcast_to(severity, (len(severity), months))
        if self.of == "losses":
            if (lost[:, shares > 0.0] <= 0.0).any():
                raise InvalidTerms("default_curve: a total of losses needs a severity above 0 in every month of it")
            amounts = total * start * shares / np.where(lost > 0.0, lost, 1.0)
        else:
            amounts = total * start * shares[None, :]
        if every > 1:
            whole = months // every * every
            sums = amounts[:, :whole].reshape(len(amounts), -1, every).sum(axis=2)
            amounts = np.zeros(amounts.shape)
            amounts[:, every - 1 : whole : every] = sums
        return amounts


def month_by_month(
    curves: Curves,
    speeds: Speeds,
    *,
    sifma: bool,
    timing: tuple[float, ...],
    wanted: np.ndarray | None = None,
    late: np.ndarray | None = None,
    states: Delinquency | None = None,
    pooled: Curves | None = None,
) -> dict[str, np.ndarray]:
    """The fields of the receipts by month, (S, M), of a group of loans, where a month follows from the one before.

    Of the share A of loans that pay, d defaults (or `wanted` amounts (S or 1, M) over A B(m-1), at most 1), then l of the
    rest misses its payment; the others pay and prepay as in `LoanPool`. A late loan owes the balance of its last payment
    and interest on it at the pool's rate: curing, it pays both down to the schedule; defaulting, its balance is lost or
    recovered as any other's, and its arrears of interest with it. The pool's balance holds late loans. `pooled` are the
    curves of the whole group where `curves` are those of its lines.
    """
    import numpy as np

    from structuring.collateral.pool_losses import spread

    balance, interest, balloon = curves
    whole = curves if pooled is None else pooled
    months = interest.shape[1]
    S = max(len(rows) for rows in (*curves, *speeds, *(x for x in (wanted, late) if x is not None)))
    wide = {
        name: np.broadcast_to(rows, (len(rows), months)) for name, rows in speeds._asdict().items() if name != "lag"
    }
    misses = np.zeros((1, months)) if late is None else np.broadcast_to(late, (len(late), months))
    roll, cure = (np.array(rates) for rates in ((states.roll, states.cure) if states else ((0.0,) * 3, (0.0,) * 3)))
    start = np.array(states.at_start if states else (0.0, 0.0, 0.0))
    paying = np.full(S, 1.0 - start.sum())  # share of the loans
    count = np.repeat(start[None, :], S, axis=0)  # of the loans, by bucket
    unpaid, arrears = count * balance[:, :1], np.zeros((S, 3))
    names = ("interest", "principal", "prepayments", "defaults", "pool_balance", *BUCKETS)
    out = {name: np.zeros((S, months)) for name in names}
    for m in range(months):
        before, after, due, bullet = balance[:, m], balance[:, m + 1], interest[:, m], balloon[:, m]
        v, d = wide["prepaid"][:, m], wide["default"][:, m]
        if wanted is not None:
            owed = paying * whole.balance[:, m]
            d = np.minimum(np.divide(wanted[:, m], owed, out=np.zeros(S), where=owed > 0.0), 1.0)
        sound = paying * (1.0 - misses[:, m])
        if sifma:
            v = np.minimum(v, 1.0 - d)
            paid, stays, prepaid = sound * (1.0 - d), sound * (1.0 - d - v), sound * v * after
        else:
            paid = stays = sound * (1.0 - d) * (1.0 - v)
            prepaid = sound * (1.0 - d) * v * before
        failed = paid * bullet * wide["balloon_default"][:, m]
        base = whole.balance[:, m]
        rate = np.divide(whole.interest[:, m], base, out=np.zeros(len(base)), where=base > 0.0)
        arrears = arrears + unpaid * rate[:, None]
        cured = count * cure
        out["interest"][:, m] = paid * due + (arrears * cure).sum(axis=1)
        out["principal"][:, m] = (
            paid * (before - after) - failed + (unpaid * cure).sum(axis=1) - cured.sum(axis=1) * after
        )
        out["prepayments"][:, m] = prepaid
        out["defaults"][:, m] = paying * d * before + failed + unpaid[:, 2] * roll[2]
        new = paying * (1.0 - d) * misses[:, m]
        count = moved(count, cure, roll, new)
        arrears = moved(arrears, cure, roll, new * due)
        unpaid = moved(unpaid, cure, roll, new * before)
        paying = stays + cured.sum(axis=1)
        out["pool_balance"][:, m] = paying * after + unpaid.sum(axis=1)
        for k, name in enumerate(BUCKETS):
            out[name][:, m] = unpaid[:, k:].sum(axis=1)
    if states is None:
        for name in BUCKETS:
            del out[name]
    defaults = out["defaults"]
    gone = np.cumsum(defaults, axis=1)
    return out | {
        "recoveries": spread(defaults * (1.0 - speeds.severity), speeds.lag, timing),
        "losses": spread(defaults * speeds.severity, speeds.lag, timing),
        "defaulted_balance": gone - spread(gone, speeds.lag, timing),
        "contracted": interest + balance[:, :-1] - balance[:, 1:],
    }


def moved(held: np.ndarray, cure: np.ndarray, roll: np.ndarray, new: np.ndarray) -> np.ndarray:
    """What the buckets (S, 3) hold a month on: what stays, what rolled in from the one before, and in the first what is new."""
    import numpy as np

    stays, rolled = held * (1.0 - cure - roll), held * roll
    return stays + np.concatenate([new[:, None], rolled[:, :2]], axis=1)

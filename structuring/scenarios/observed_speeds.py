"""Observed speeds: factors of a pool, or a servicer's monthly reports, as SMM, CPR, PSA, ABS, MDR, CDR and severity."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from structuring.scenarios.monthly_rates import psa_curve
from structuring.scenarios.months import a_year
from waterfalls.errors import Fault, InvalidTerms

if TYPE_CHECKING:
    import pandas as pd

STATES = ("factor", "balance")
FLOWS = ("principal", "prepayments", "defaults", "recoveries", "losses")


def read_report(source: pd.DataFrame | Path | str, sheet: str | None) -> pd.DataFrame:
    """A report as numbers, a row a month of its own; refused where it is none, with its row."""
    from structuring.documents.tables import faults_of_headings, frame_of

    frame, where = frame_of(source, sheet=sheet, wanted=("month", *STATES, *FLOWS))
    place = where.rstrip(", ") or "report"
    if found := faults_of_headings(place, list(frame.columns), (), ("month", *STATES, *FLOWS), ()):
        raise InvalidTerms(found)
    if len([name for name in STATES if name in frame.columns]) != 1:
        raise InvalidTerms([Fault(place, "needs a column factor or a column balance, one of the two")])
    if "month" not in frame.columns:
        frame = frame.assign(month=range(len(frame)))
    for name in frame.columns:
        try:
            frame[name] = frame[name].astype("float64")
        except (TypeError, ValueError):
            raise InvalidTerms([Fault(f"{place}, {name}", "must be numbers")]) from None
        wrong = np.flatnonzero(~(frame[name].to_numpy() >= 0.0) & ~(frame[name].isna().to_numpy() & (name in FLOWS)))
        if len(wrong):
            row, given = wrong[0], frame[name].iloc[wrong[0]]
            raise InvalidTerms(
                [Fault(f"{place}, row {frame.index[row]}, {name}", f"must be at least 0, got {given:g}")]
            )
    months = frame["month"].to_numpy()
    if len(months) < 2 or (np.diff(months) <= 0.0).any() or (months % 1.0 != 0.0).any():
        raise InvalidTerms(
            [Fault(f"{place}, month", "must be two or more whole months that rise, the first of them of the start")]
        )
    return frame


def observed(report: pd.DataFrame, scheduled: np.ndarray | None, age: float, *, sifma: bool) -> pd.DataFrame:
    """Speeds by row of a report but the first, of which only the balance counts; yearly rates beside monthly ones.

        SMM = 1 - ((F2 / F1) / (B2 / B1))^(1 / months), of factors F and scheduled balances B: defaults are in it
        MDR = defaults / F1      SMM = prepayments / (F1 x B2 / B1), where the report tells both; "sequential": / (F1 - defaults)
        CPR, CDR = 1 - (1 - SMM or MDR)^12      severity = losses / (losses + recoveries)
        PSA: the multiple of the curve that gives the same survival over the months of age
        ABS = (F2/F1 - B2/B1) / (a1 F2/F1 - a2 B2/B1), a the ages

    `scheduled` (M + 1,) is the pool's balance without defaults or prepayments; None takes it from principal as reported,
    which survivors paid. Source: SIFMA, Uniform Practices, chapter SF, sections B and C.
    """
    import pandas as pd

    month = report["month"].to_numpy().astype(int)
    state = report["factor" if "factor" in report.columns else "balance"].to_numpy()
    flow: dict[str, Any] = {name: report[name].to_numpy()[1:] for name in FLOWS if name in report.columns}
    before, after, gap = state[:-1], state[1:], np.diff(month)
    defaults = flow.get("defaults", np.zeros(len(gap)))
    with np.errstate(divide="ignore", invalid="ignore"):
        if scheduled is not None:
            kept = scheduled[month[1:]] / scheduled[month[:-1]]
        else:
            kept = 1.0 - flow["principal"] / (before - defaults)
        left = after / before
        whole = 1.0 - np.power(left / kept, 1.0 / gap)
        voluntary, default = whole, np.full(len(gap), np.nan)
        if "prepayments" in flow:
            voluntary = flow["prepayments"] / (before * kept if sifma else before - defaults)
        if "defaults" in flow:
            default = defaults / before
        if (gap > 1).any() and ({"prepayments", "defaults"} & flow.keys()):
            raise InvalidTerms("report: amounts of prepayments and defaults are of one month a row")
        first, last = age + month[:-1], age + month[1:]
        absolute = (left - kept) / (first * left - last * kept)
        severity = (
            flow["losses"] / (flow["losses"] + flow["recoveries"])
            if {"losses", "recoveries"} <= flow.keys()
            else np.nan
        )
    ages = [np.arange(a + 1.0, b + 1.0) for a, b in zip(first, last, strict=True)]
    return pd.DataFrame({
        "month": month[1:], "age": last, "smm": voluntary, "cpr": a_year(voluntary),
        "psa": [multiple(np.power(1.0 - v, n), a, psa_curve) for v, n, a in zip(voluntary, gap, ages, strict=True)],
        "abs": absolute if "prepayments" not in flow else np.nan, "mdr": default, "cdr": a_year(default),
        "severity": severity,
    })  # fmt: skip


def multiple(survival: float, ages: np.ndarray, curve: Callable[[float, np.ndarray], np.ndarray]) -> float:
    """The multiple of a curve under which as much survives some months of age, by bisection; NaN where none does."""
    low, high = 0.0, 500.0
    if not 0.0 < survival <= 1.0:
        return float("nan")
    for _ in range(80):
        mid = 0.5 * (low + high)
        low, high = (mid, high) if np.prod(1.0 - curve(mid, ages)) > survival else (low, mid)
    return 0.5 * (low + high)

"""Capital that a tranche ties up: Basel's securitisation formulas where it tranches a pool, corporate rules otherwise.

Tables carry their date and source. They are outlines for comparison: no national rule, no transition, no due diligence. Only
the Solvency II securitisation row was checked in full against the published text; check any other figure before it is used.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from waterfalls.errors import CannotPrice, Fault, InvalidTerms, UnknownName

if TYPE_CHECKING:
    import pandas as pd

FULL = 12.5  # risk weight of 1250 %: capital of 8 % of 1250 % is all of it
FLOOR = 0.15
# Basel framework CRE42.3, long-term ratings, in force from 1 January 2023: risk weights in per cent,
# (senior 1 year, senior 5 years, non-senior thin 1 year, non-senior thin 5 years)
ERBA: dict[str, tuple[int, int, int, int]] = {
    "AAA": (15, 20, 15, 70), "AA+": (15, 30, 15, 90), "AA": (25, 40, 30, 120), "AA-": (30, 45, 40, 140),
    "A+": (40, 50, 60, 160), "A": (50, 65, 80, 180), "A-": (60, 70, 120, 210), "BBB+": (75, 90, 170, 260),
    "BBB": (90, 105, 220, 310), "BBB-": (120, 140, 330, 420), "BB+": (140, 160, 470, 580), "BB": (160, 180, 620, 760),
    "BB-": (200, 225, 750, 860), "B+": (250, 280, 900, 950), "B": (310, 340, 1000, 1050), "B-": (380, 420, 1130, 1130),
    "CCC": (460, 505, 1250, 1250),
}  # fmt: skip
# Basel framework CRE20.42, corporates by external rating, in force from 1 January 2023
CORPORATE = {"AAA": 0.2, "AA": 0.2, "A": 0.5, "BBB": 0.75, "BB": 1.0, "B": 1.5, "CCC": 1.5, None: 1.0}
# Basel framework CRE20.51, unrated project finance: before operation, in operation, in operation and of high quality
PROJECT = {"pre-operational": 1.3, "operational": 1.0, "high quality": 0.8}
STEPS = {"AAA": 0, "AA": 1, "A": 2, "BBB": 3, "BB": 4, "B": 5, "CCC": 6}
# Delegated Regulation (EU) 2015/35, article 178(2) as adopted: securitisations that are not simple and transparent, by credit quality step
SECURITISATION = (0.125, 0.134, 0.166, 0.197, 0.82, 1.0, 1.0)
# the same, article 176(3): bonds and loans, stress b x duration up to 5 years, a + b x (duration - 5) up to 10
BONDS = (
    (0.009, 0.045, 0.005), (0.011, 0.055, 0.006), (0.014, 0.07, 0.007), (0.025, 0.125, 0.015),
    (0.045, 0.225, 0.025), (0.075, 0.375, 0.042), (0.075, 0.375, 0.042),
)  # fmt: skip
UNRATED_BONDS = (0.03, 0.15, 0.017)
LONGEST = 10.0


def sec_sa(
    attachment: float, detachment: float, *, pool_capital: float, delinquent: float = 0.0, p: float = 1.0
) -> float:
    """The risk weight of a tranche by the standardised approach (1.0 is 100 %).

        K_A = (1 - W) K_SA + 0.5 W        a = -1 / (p K_A)    u = D - K_A    l = max(A - K_A, 0)
        K   = (exp(a u) - exp(a l)) / (a (u - l))
        RW  = 12.5                                                          D <= K_A
              12.5 K                                                        A >= K_A
              12.5 ((K_A - A) + (D - K_A) K) / (D - A)                      between;   at least 15 %

    K_SA is the pool's capital under the standardised approach (8 % of its risk-weighted assets over its amount), W the
    share of it that is delinquent, p 1, or 0.5 for simple, transparent and comparable deals. Source: Basel CRE41.
    """
    faults = [
        Fault(what, f"must be between 0 and 1, got {share:g}")
        for what, share in (("attachment", attachment), ("detachment", detachment), ("pool_capital", pool_capital), ("delinquent", delinquent))
        if not 0.0 <= share <= 1.0
    ]  # fmt: skip
    if not detachment > attachment:
        faults.append(Fault("detachment", f"must be above the attachment {attachment:g}, got {detachment:g}"))
    if not p > 0.0:
        faults.append(Fault("p", f"must be above 0, got {p:g}"))
    if faults:
        raise InvalidTerms(faults)
    k_a = (1.0 - delinquent) * pool_capital + 0.5 * delinquent
    if detachment <= k_a:
        return FULL
    if k_a == 0.0:
        return FLOOR
    a, upper, lower = -1.0 / (p * k_a), detachment - k_a, max(attachment - k_a, 0.0)
    k = (math.exp(a * upper) - math.exp(a * lower)) / (a * (upper - lower))
    if attachment >= k_a:
        return max(FULL * k, FLOOR)
    return max(FULL * ((k_a - attachment) + (detachment - k_a) * k) / (detachment - attachment), FLOOR)


def sec_erba(rating: str, *, maturity: float, senior: bool, thickness: float = 0.0) -> float:
    """The risk weight of a tranche by its rating (1.0 is 100 %).

    Linear between 1 and 5 years; that of a tranche which is not senior x (1 - min(thickness, 50 %)), thickness D - A; at
    least 15 %. Below CCC- it is 1250 %. Source: Basel CRE42.
    """
    if rating in ("CCC+", "CCC-"):
        rating = "CCC"
    if rating in ("CC", "C", "D"):
        return FULL
    if rating not in ERBA:
        raise UnknownName("rating", rating, ERBA)
    if not 0.0 <= thickness <= 1.0:
        raise InvalidTerms(f"thickness: must be between 0 and 1, got {thickness:g}")
    one, five = ERBA[rating][:2] if senior else ERBA[rating][2:]
    years = min(max(maturity, 1.0), 5.0)
    weight = (one + (five - one) * (years - 1.0) / 4.0) / 100.0
    return max(weight if senior else weight * (1.0 - min(thickness, 0.5)), FLOOR)


def corporate(rating: str | None = None, *, project: str | None = None) -> float:
    """The risk weight of a loan or bond that tranches no pool: by rating, or of unrated project finance by its phase."""
    if project is not None and rating is None:
        if project not in PROJECT:
            raise UnknownName("phase of a project", project, PROJECT)
        return PROJECT[project]
    return CORPORATE[None if rating is None else letters(rating)]


def solvency_ii(rating: str | None, *, duration: float, securitisation: bool) -> float:
    """The stress of value for spread risk under Solvency II's standard formula (0.1 is a tenth), duration at least 1 year.

    Securitisations: min(b x duration, 1). Bonds and loans: b x duration to 5 years, a + b x (duration - 5) to 10; the rows
    beyond are not carried here, and a longer duration is refused. Source: Delegated Regulation (EU) 2015/35, articles 176, 178.
    """
    years = max(duration, 1.0)
    if securitisation:
        return 1.0 if rating is None else min(SECURITISATION[STEPS[letters(rating)]] * years, 1.0)
    slope, start, more = UNRATED_BONDS if rating is None else BONDS[STEPS[letters(rating)]]
    if years > LONGEST:
        raise CannotPrice(f"the spread stress of bonds is carried for durations up to {LONGEST:g} years, got {years:g}")
    return slope * years if years <= 5.0 else start + more * (years - 5.0)


def letters(rating: str) -> str:
    """A rating without its modifier."""
    plain = rating.rstrip("+-")
    if plain not in STEPS:
        raise UnknownName("rating", rating, STEPS)
    return plain


def before_and_after(
    balance: float, before: float, after: float, *, ratio: float = 0.08, loss: float = 0.0
) -> pd.DataFrame:
    """Two rows: risk weight, capital required (balance x weight x ratio), and the capital left of a unit that met it exactly.

    The change is what a downgrade or an eaten attachment asks for, beside the `loss` itself.
    """
    import pandas as pd

    if balance < 0.0 or ratio <= 0.0:
        raise InvalidTerms(f"balance must not be negative and ratio above 0, got {balance:g} and {ratio:g}")
    needed = np.array([before, after]) * ratio * np.array([balance, max(balance - loss, 0.0)])
    return pd.DataFrame({
        "when": ["before", "after"],
        "risk_weight": [before, after],
        "required": needed,
        "shortfall": [0.0, max(needed[1] - needed[0] + loss, 0.0)],
    })  # fmt: skip

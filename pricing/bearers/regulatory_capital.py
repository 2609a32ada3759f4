"""Capital that a tranche ties up: the formulas for securitisations where it tranches a pool, corporate rules otherwise.

Banks by the European Union's Capital Requirements Regulation, which follows the Basel framework; insurers by the standard
formula of Solvency II. The figures stand in `pricing.bearers.capital_tables` with their articles, dates and how they were
checked. They are for comparison: no national option, no transition, no look-through cap of senior positions, no due diligence.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from pricing.bearers import capital_tables as published
from waterfalls.errors import CannotPrice, Fault, InvalidTerms, UnknownName, refuse, refuse_unknown

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["securitisation", "sts", "re-securitisation"]  # sts: simple, transparent and standardised


def sec_sa(
    attachment: float,
    detachment: float,
    *,
    pool_capital: float,
    delinquent: float = 0.0,
    unknown: float = 0.0,
    senior: bool = False,
    kind: Kind = "securitisation",
) -> float:
    """The risk weight of a tranche by the standardised approach (1.0 is 100 %).

        K_A = (1 - u) ((1 - W) K_SA + 0.5 W) + u
        RW  = `tranche_weight` of K_A and p;   at least 15 %, senior STS 10 %, re-securitisations 100 %
        p   = 1;   0.5 for STS;   1.5 for re-securitisations, whose W is 0

    K_SA is the pool's capital under the standardised approach (8 % of its risk-weighted assets over its amount), u the
    share of the pool whose delinquency is not known, W what of the rest is delinquent. Above u = 5 % it is 1250 %.
    Source: CRR, articles 261, 262 and 269; Basel CRE41.
    """
    known_kind(kind)
    shares(attachment, detachment, pool_capital=pool_capital, delinquent=delinquent, unknown=unknown)
    if unknown > published.MOST_UNKNOWN:
        return published.FULL
    known = (1.0 - delinquent) * pool_capital + published.IN_DEFAULT * delinquent
    weight = tranche_weight(attachment, detachment, capital=(1.0 - unknown) * known + unknown, p=published.P[kind])
    return max(weight, published.FLOOR_RESECURITISATION if kind == "re-securitisation" else floor(kind, senior))


def sec_irba(
    attachment: float,
    detachment: float,
    *,
    pool_capital: float,
    lgd: float,
    exposures: float,
    maturity: float,
    senior: bool,
    retail: bool = False,
    kind: Kind = "securitisation",
) -> float:
    """The risk weight of a tranche by the internal ratings-based approach (1.0 is 100 %).

        p  = max(0.3, A + B / N + C K_IRB + D LGD + E M)       A to E by the kind of pool, seniority and N >= 25
        RW = `tranche_weight` of K_IRB and p, at least 15 %

    K_IRB is the pool's capital with expected losses, N the effective number of exposures, LGD their average loss given
    default, M the tranche's maturity, 1 to 5 years. Source: CRR, article 259; Basel CRE44. For STS positions (article 260)
    p could not be checked against the text, so they are refused, as are re-securitisations (article 269).
    """
    known_kind(kind)
    if kind != "securitisation":
        raise CannotPrice(f"sec_irba carries kind 'securitisation', not {kind!r}: use sec_sa")
    shares(attachment, detachment, pool_capital=pool_capital, lgd=lgd)
    if not exposures >= 1.0:
        raise InvalidTerms(f"exposures: must be at least 1, got {exposures:g}")
    a, b, c, d, e = published.IRBA[retail, senior, exposures >= published.GRANULAR]
    p = max(published.P_FLOOR, a + b / exposures + c * pool_capital + d * lgd + e * years_of(maturity))
    return max(tranche_weight(attachment, detachment, capital=pool_capital, p=p), published.FLOOR)


def tranche_weight(attachment: float, detachment: float, *, capital: float, p: float) -> float:
    """The supervisory formula, before any floor:

        a  = -1 / (p K)    u = D - K    l = max(A - K, 0)    S = (exp(a u) - exp(a l)) / (a (u - l))
        RW = 12.5                                                      D <= K
             12.5 S                                                    A >= K
             12.5 ((K - A) + (D - K) S) / (D - A)                      between

    K is the pool's capital. Source: CRR, articles 259(1) and 261(1).
    """
    if detachment <= capital:
        return published.FULL
    if capital == 0.0:
        return 0.0
    a, upper, lower = -1.0 / (p * capital), detachment - capital, max(attachment - capital, 0.0)
    mean = (math.exp(a * upper) - math.exp(a * lower)) / (a * (upper - lower))
    if attachment >= capital:
        return published.FULL * mean
    return published.FULL * ((capital - attachment) + (detachment - capital) * mean) / (detachment - attachment)


def sec_erba(
    rating: str, *, maturity: float, senior: bool, thickness: float = 0.0, kind: Kind = "securitisation"
) -> float:
    """The risk weight of a tranche by its rating (1.0 is 100 %).

    Linear between 1 and 5 years; that of a tranche which is not senior x (1 - min(thickness, 50 %)), thickness D - A, and
    no lower than a senior one of the same rating and maturity; at least 15 %, senior STS 10 %. Below CCC- it is 1250 %.
    Short-term ratings (A-1, A-2, A-3) have one weight each. Source: CRR, articles 263 and 264; Basel CRE42.
    """
    known_kind(kind)
    if kind == "re-securitisation":
        raise CannotPrice("a re-securitisation has no weight by rating (article 269): use sec_sa")
    if not 0.0 <= thickness <= 1.0:
        raise InvalidTerms(f"thickness: must be between 0 and 1, got {thickness:g}")
    if rating in published.SHORT_TERM:
        return (published.ERBA_SHORT_STS if kind == "sts" else published.ERBA_SHORT)[
            published.SHORT_TERM.index(rating)
        ] / 100.0
    if rating in ("CC", "C", "D"):
        return published.FULL
    step = "CCC" if rating in ("CCC+", "CCC-") else rating
    if step not in published.LONG_TERM:
        raise UnknownName("rating", rating, [*published.LONG_TERM, *published.SHORT_TERM])
    table = (published.ERBA_STS if kind == "sts" else published.ERBA)[published.LONG_TERM.index(step)]
    weight = between_years(table[:2], maturity)
    if not senior:
        weight = max(between_years(table[2:], maturity) * (1.0 - min(thickness, published.THICKEST)), weight)
    return max(weight, floor(kind, senior))


def corporate(rating: str | None = None, *, project: str | None = None) -> float:
    """The risk weight of a loan or bond that tranches no pool: by rating, or of unrated project finance by its phase.

    Source: CRR, articles 122 and 122a; Basel CRE20.42 and CRE20.51.
    """
    if project is not None and rating is None:
        refuse_unknown("phase of a project", project, published.PROJECT)
        return published.PROJECT[project] / 100.0
    return (
        published.UNRATED_CORPORATE
        if rating is None
        else published.CORPORATE[max(published.STEPS[letters(rating)] - 1, 0)]
    ) / 100.0


def solvency_ii(
    rating: str | None,
    *,
    duration: float,
    on: datetime.date,
    securitisation: Kind | None = None,
    senior: bool = False,
) -> float:
    """The stress of value for spread risk under Solvency II's standard formula on a date (0.1 is a tenth), at most 1.

    Bonds and loans, and STS positions: a + b x (duration - start) in the band of the duration; other securitisations:
    b x duration. Durations are modified, in years, at least 1. Securitisations are carried for dates from 1 January 2019
    to 29 January 2027. Source: Delegated Regulation (EU) 2015/35, articles 176 and 178.
    """
    years = max(duration, 1.0)
    step = None if rating is None else published.STEPS[letters(rating)]
    if securitisation is None:
        return (
            banded(published.UNRATED_BONDS, 0, years) if step is None else banded(published.BONDS, min(step, 5), years)
        )
    known_kind(securitisation)
    begin, end = published.ARTICLE_178
    if not begin <= on <= end:
        raise CannotPrice(
            f"the spread stress of securitisations is carried for dates from {begin} to {end}, got {on}: Delegated "
            "Regulation (EU) 2026/269 changes it after that"
        )
    if securitisation == "sts":
        if step is None:
            return banded(published.STS_SENIOR_UNRATED, 0, years) if senior else banded(published.STS_SENIOR, 5, years)
        return banded(published.STS_SENIOR if senior else published.STS_NON_SENIOR, min(step, 5), years)
    if step is None:
        return published.UNRATED_SECURITISATION / 100.0
    slopes = published.RESECURITISATION if securitisation == "re-securitisation" else published.SECURITISATION
    return min(slopes[step] * years / 100.0, 1.0)


def banded(bands: Sequence[published.Band], step: int, years: float) -> float:
    """a + b x (duration - start) of the last band that starts before the duration, at most 1."""
    start, a, b = [band for band in bands if band[0] < years][-1]
    return min((a[step] + b[step] * (years - start)) / 100.0, 1.0)


def between_years(weights: Sequence[float], maturity: float) -> float:
    """A weight between those of 1 and of 5 years, per cent, linear in the maturity."""
    one, five = weights
    return (one + (five - one) * (years_of(maturity) - 1.0) / 4.0) / 100.0


def years_of(maturity: float) -> float:
    """The maturity of a tranche as the rules take it: at least 1 year, at most 5."""
    return min(max(maturity, 1.0), 5.0)


def floor(kind: Kind, senior: bool) -> float:
    """The least risk weight of a position that is no re-securitisation."""
    return published.FLOOR_STS_SENIOR if kind == "sts" and senior else published.FLOOR


def known_kind(kind: str) -> None:
    """Refuses what is no kind of securitisation."""
    refuse_unknown("kind of securitisation", kind, get_args(Kind))


def shares(attachment: float, detachment: float, **others: float) -> None:
    """Refuses what is no share, and a tranche without thickness."""
    given = {"attachment": attachment, "detachment": detachment, **others}
    faults = [
        Fault(what, f"must be between 0 and 1, got {share:g}")
        for what, share in given.items()
        if not 0.0 <= share <= 1.0
    ]
    if not detachment > attachment:
        faults.append(Fault("detachment", f"must be above the attachment {attachment:g}, got {detachment:g}"))
    refuse(faults)


def letters(rating: str) -> str:
    """A rating without its modifier."""
    plain = rating.rstrip("+-")
    if plain not in published.STEPS:
        raise UnknownName("rating", rating, published.STEPS)
    return plain


def before_and_after(
    balance: float, before: float, after: float, *, ratio: float = 0.08, loss: float = 0.0
) -> pd.DataFrame:
    """Two rows: risk weight, capital required (what is left of the balance x weight x ratio), and the shortfall of a bank
    that met it exactly before: what a downgrade or an eaten attachment asks for more, and the `loss` itself; not below 0.
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

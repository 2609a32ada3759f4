"""The value of the collateral on the valuation date, as the loan-to-value ratio uses it."""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING

from structuring.deals.deal import assets, clock
from structuring.runs.run import project
from structuring.scenarios.scenario import Scenario

if TYPE_CHECKING:
    from structuring.deals.deal import Deal
    from waterfalls.cashflows import Cashflows

WEEK = datetime.timedelta(days=7)


def appraised(
    flows: Cashflows, s: int, valuation: datetime.date, deal: Deal | None = None
) -> tuple[datetime.date, float]:
    """The value of the collateral in scenario s, and the date it is of: the last that is known on the valuation date.

    That is the last determination on or before it; ahead of the first, the start of the deal, where the collateral says
    what it is worth then by its own terms and is worth anything, and else the first determination, which is later.
    """
    ends = flows.plan.schedule.ends
    passed = sum(end <= valuation for end in ends)
    start = flows.plan.schedule.collection[0]
    if not passed and deal is not None and (value := at_the_start(deal)):
        return start, value
    t = max(passed - 1, 0)
    return ends[t], float(flows.receipt("value")[s, t])


def at_the_start(deal: Deal) -> float | None:
    """The value where the first collection period begins: at the end of a week before it, by terms that give any day's."""
    if not all(asset.valued_any_day for asset in assets(deal)):
        return None
    whole = clock(deal)
    start = whole.collection[0]
    before = (start - WEEK, start)
    week = dataclasses.replace(whole, unadjusted=before, payment=before, collection=before)
    return float(project(deal, Scenario("start"), week).fields["value"][0, 0])

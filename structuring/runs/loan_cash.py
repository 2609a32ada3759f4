"""What each loan paid in one scenario, as a frame: the first step where a servicer's tape is held against the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from structuring.deals.deal import Deal, assets, clock, drivers_of, named_in, place_of
from structuring.runs.run import BASE, indices_of
from structuring.scenarios.scenario import Drivers, Scenario
from waterfalls.arguments import instance, mapping, takes
from waterfalls.errors import InvalidTerms

if TYPE_CHECKING:
    import pandas as pd


@takes(deal=instance(Deal), scenario=instance(Scenario), rates=mapping)
def loan_cash(deal: Deal, scenario: Scenario = BASE, *, rates: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """One row a loan and collection period: interest, principal and all else that receipts report, in currency units.

    By period the rows of a pool sum to its receipts, to rounding. Rows are of the loans of a tape by their names, of lines
    and of bonds; collateral that is not made of loans has none.
    """
    import numpy as np
    import pandas as pd

    schedule = clock(deal)
    drivers = Drivers.of(scenario, indices_of(deal, rates, 1))
    drivers.refuse_unread(drivers_of(deal), named_in(deal))
    frames = []
    for i, asset in enumerate(assets(deal)):
        names, fields = asset.loans(schedule, drivers)
        if not names:
            continue
        count, periods = len(names), schedule.periods
        columns = {
            "collateral": place_of(deal, i), "loan": np.repeat(np.array(names, dtype=object), periods),
            "date": pd.to_datetime(np.tile(np.array(schedule.ends, dtype="datetime64[D]"), count)),
        }  # fmt: skip
        frames.append(pd.DataFrame(columns | {field: amounts.reshape(-1) for field, amounts in fields.items()}))
    if not frames:
        raise InvalidTerms(f"the deal {deal.name!r} owns no loans or bonds, so none has cash of its own")
    return pd.concat(frames, ignore_index=True)

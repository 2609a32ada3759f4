"""Given: receipts worked out elsewhere, as an asset that reads no scenario."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from structuring.collateral.asset import Asset
from waterfalls.errors import InvalidTerms

if TYPE_CHECKING:
    from structuring.scenarios.scenario import Drivers
    from waterfalls.clock.schedule import Schedule
    from waterfalls.receipts import Receipts


@dataclasses.dataclass(frozen=True, eq=False)
class Given(Asset):
    """Receipts given from outside, which are all the collateral there is."""

    receipts: Receipts

    def deliver(self, schedule: Schedule, scenarios: Drivers) -> Receipts:
        """The receipts as they were given, of as many scenarios as they have."""
        rows = len(self.receipts.scenarios)
        if scenarios.count not in (1, rows):
            raise InvalidTerms(
                f"scenarios: the Receipts given from outside have {rows}, got {scenarios.count}: leave them at one"
            )
        return self.receipts

    def raises(self) -> tuple[str, ...]:
        """The flags of the receipts."""
        return tuple(self.receipts.events)

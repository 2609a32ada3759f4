"""An asset class of another package: a solar farm whose panels tire."""

import datetime
from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from structuring import Asset
from structuring.scenarios.drivers import Driver
from waterfalls import term

if TYPE_CHECKING:
    from structuring import Drivers
    from waterfalls import Receipts
    from waterfalls.clock.schedule import Schedule

Positive = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


@term
class SolarFarm(Asset):
    """A solar farm that sells all it makes at one price.

    revenue = megawatts x 8,760 x utilisation x price x (1 - degradation)^(whole years since `begins`), accrued by 30/360.
    """

    megawatts: Positive
    price: Positive
    _: KW_ONLY
    begins: datetime.date
    utilisation: Share = 0.25
    degradation: Share = 0.005
    operating_cost: Annotated[float, Field(ge=0.0)] = 0.0

    meanings: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "SolarFarm": {
            "megawatts": "megawatts | peak power",
            "price": "amount a megawatt-hour | what power sells at",
            "begins": "the day from which it runs and its panels tire",
            "utilisation": "share | of all hours at peak power, by the sun of the place",
            "degradation": "share a year | what the panels lose",
            "operating_cost": "amount a year | cost, reported gross",
        }
    }

    brings: ClassVar[Mapping[str, Driver]] = {"sunshine": Driver("hours of sun", "multiple", "period", most=10.0)}

    def drivers(self) -> frozenset[str]:
        return frozenset({"utilisation", "operating_cost", "sunshine"})

    def own(self, driver: str) -> float:
        return self.utilisation if driver == "utilisation" else 1.0

    def deliver(self, schedule: "Schedule", scenarios: "Drivers") -> "Receipts":
        from structuring import Clock  # here, so that a deal file loads without NumPy
        from waterfalls import Receipts

        clock = Clock(schedule)
        begins = clock.at(self.begins)
        hours = 8760.0 * clock.grown(begins, float("inf"), -self.degradation, begins, begins)
        sun = scenarios.read("utilisation", schedule, self.utilisation) * scenarios.read("sunshine", schedule, 1.0)
        cost = scenarios.read("operating_cost", schedule, 1.0) * self.operating_cost
        return Receipts(
            schedule.ends,
            revenue=self.megawatts * self.price * hours * sun,
            operating_cost=cost * clock.overlap(begins, float("inf")),
            contracted=self.megawatts * self.price * hours * self.utilisation,
            scenarios=scenarios.names,
        )

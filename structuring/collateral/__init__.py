"""What a vehicle may own: one file an asset class, each with what it reads from a scenario and what it delivers."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from structuring.collateral.compute import ComputeContract
from structuring.collateral.leases import LeasePortfolio
from structuring.collateral.project import Project


def receipts(given: Any) -> Any:
    """Receipts themselves, which stand for cash given from outside; without them numpy need not be loaded."""
    loaded = sys.modules.get("waterfalls.receipts")
    if loaded is None or not isinstance(given, loaded.Receipts):
        raise PydanticCustomError("receipts", "must be collateral, several of them, or Receipts")
    return given


Kind = LeasePortfolio | ComputeContract | Project
Asset = Kind | tuple[Kind, ...] | Annotated[Any, AfterValidator(receipts)]

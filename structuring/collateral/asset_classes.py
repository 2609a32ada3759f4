"""The asset classes that a deal may own, and the check that it owns one or several of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

from structuring.collateral.bonds import BondPortfolio
from structuring.collateral.compute import ComputeContract
from structuring.collateral.leases import LeasePortfolio
from structuring.collateral.loans import LoanPool
from structuring.collateral.project import Project


def owned(given: Any, handler: Callable[[Any], Any]) -> Any:
    """One collateral, several, or Receipts, which stand for cash given from outside; without them numpy is not loaded."""
    loaded = sys.modules.get("waterfalls.receipts")
    if loaded is not None and isinstance(given, loaded.Receipts):
        return given
    try:
        return handler(given)
    except ValidationError:
        kinds = ", ".join(kind.__name__ for kind in KINDS)
        raise PydanticCustomError("owned", "must be one or several of {kinds}, or Receipts", {"kinds": kinds}) from None


KINDS = (BondPortfolio, ComputeContract, LeasePortfolio, LoanPool, Project)
Kind = BondPortfolio | ComputeContract | LeasePortfolio | LoanPool | Project
Asset = Annotated[Kind | tuple[Kind, ...], WrapValidator(owned)]

"""The asset classes that a deal may own: those built in, and those that installed packages bring.

A package offers an asset class by an entry point of the group `firstloss.assets`; how-to: docs/howto/own-asset.md.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

from structuring.collateral.asset import Asset
from structuring.collateral.bonds import BondPortfolio
from structuring.collateral.compute import ComputeContract
from structuring.collateral.leases import LeasePortfolio
from structuring.collateral.loans import LoanPool
from structuring.collateral.project import Project
from structuring.collateral.property_loan import PropertyLoan
from structuring.documents.plain_data import load
from structuring.documents.yaml_and_json import MEANINGS
from waterfalls.doors import offered
from waterfalls.errors import InvalidTerms
from waterfalls.terms.term import is_term, kind_of


def brought() -> tuple[type[Asset], ...]:
    """The asset classes of other packages that are installed; refused where one cannot stand beside the others."""
    taken = {kind_of(kind): "firstloss" for kind in BUILT_IN}
    found: list[type[Asset]] = []
    for package, place, kind in offered("firstloss.assets"):
        if not (isinstance(kind, type) and issubclass(kind, Asset) and is_term(kind)):
            raise InvalidTerms(f"{place} of the package {package!r} must be a @term that derives from Asset")
        name = kind_of(kind)
        if name in taken:
            raise InvalidTerms(f"{name!r} of the package {package!r} is an asset class of {taken[name]!r} already")
        taken[name] = package
        found.append(kind)
    return tuple(found)


def owned(given: Any, handler: Callable[[Any], Any]) -> Any:
    """One asset, several, or Receipts, which stand for cash given from outside; without them numpy is not loaded.

    An asset made in Python may be of any class.
    """
    if isinstance(given, Asset) or (
        isinstance(given, tuple) and given and all(isinstance(part, Asset) for part in given)
    ):
        return given
    loaded = sys.modules.get("waterfalls.receipts")
    if loaded is not None and isinstance(given, loaded.Receipts):
        return given
    try:
        return handler(given)
    except ValidationError:
        kinds = ", ".join(kind.__name__ for kind in KINDS)
        raise PydanticCustomError("owned", "must be one or several of {kinds}, or Receipts", {"kinds": kinds}) from None


BUILT_IN = (BondPortfolio, ComputeContract, LeasePortfolio, LoanPool, Project, PropertyLoan)
KINDS: tuple[type[Asset], ...] = (*BUILT_IN, *brought())
if TYPE_CHECKING:
    from waterfalls.receipts import Receipts

    Owned = Asset | tuple[Asset, ...] | Receipts
else:
    Owned = Annotated[Union[(*KINDS, tuple[Union[KINDS], ...])], WrapValidator(owned)]  # noqa: UP007  (made of a tuple)


@functools.cache
def meanings() -> dict[str, Mapping[str, str]]:
    """What every field of a document means, by term: of ours, and of the asset classes of other packages."""
    return load(MEANINGS) | {term: fields for kind in KINDS for term, fields in kind.meanings.items()}

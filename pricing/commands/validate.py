"""The command `firstloss validate`: every fault of a deal's files, each with its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pricing.commands.shared.output import Answer, answers
from waterfalls.errors import Fault

if TYPE_CHECKING:
    import pandas as pd

    from pricing.market.market import Market
    from pricing.structure.terms.structure_terms import Structure
    from structuring.deals.deal import Deal
    from structuring.scenarios.scenario import Scenario
    from waterfalls.cashflows import Cashflows


@answers
def validate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="a deal file, its folder, or a shipped deal")],
) -> Answer:
    """Check a deal file: every fault at once, with its place.

    Each fault with its line, its path, what is allowed and the nearest valid name; then what makes sense and is seldom
    meant, and notes that no scenario repays. Where market.yaml, scenarios.yaml and structure.yaml stand beside the deal they are
    checked too. The deal is run once.

    \b
    Examples:
      firstloss validate my-deal
      firstloss validate my-deal/deal.yaml --csv

    \b
    Tables: findings.
    """
    from pricing.market.market_files import load_market
    from pricing.structure.terms.checks import odd_levels
    from pricing.structure.terms.structure_terms import load_structure
    from structuring.deals.deal_files import find_deal, load_deal, load_scenarios
    from structuring.deals.unusual_terms import doubts, left_over, left_unpaid, too_late
    from structuring.documents.yaml_and_json import lined
    from waterfalls.errors import FirstLossError, InvalidTerms

    path = find_deal(file)
    rows: list[dict[str, Any]] = []
    refused: list[FirstLossError] = []

    def tried(name: str, load: Callable[[], Any]) -> Any:
        try:
            return load()
        except FirstLossError as error:
            refused.append(error)
            faults = error.faults if isinstance(error, InvalidTerms) else [Fault("", str(error))]
            rows.extend(finding("fault", name, fault) for fault in faults)

    deal = tried(path.name, lambda: load_deal(path))
    said = lined((*doubts(deal), *strange_holders(deal)), path) if deal is not None else []
    rows += [finding("doubt", path.name, doubt) for doubt in said]
    places = {name: path.with_name(name) for name in ("scenarios.yaml", "market.yaml")}
    load = {"scenarios.yaml": load_scenarios, "market.yaml": load_market}
    found = {name: tried(name, partial(load[name], place)) for name, place in places.items() if place.is_file()}
    paths, quotes = (found.get(name) for name in places)
    if "market.yaml" in found:
        tried("market.yaml", lambda: quoted(path, places["market.yaml"]))
    sizing = path.with_name("structure.yaml")
    if sizing.is_file():
        terms = found[sizing.name] = tried(sizing.name, lambda: load_structure(sizing))
        if terms is not None and deal is not None and (paths is not None or "scenarios.yaml" not in found):
            tried(sizing.name, lambda: sizable(deal, terms, paths or (), sizing))
            odd = lined(odd_levels(terms), sizing)
            said += odd
            rows += [finding("doubt", sizing.name, doubt) for doubt in odd]
    rates = tried(path.name, lambda: projected(deal, quotes, path)) if deal is not None and quotes is not None else None
    if deal is not None and paths is not None:  # drivers that nothing reads, and the like
        late = lined(too_late(deal, paths), places["scenarios.yaml"])
        said += late
        rows += [finding("doubt", "scenarios.yaml", doubt) for doubt in late]
    if deal is not None and (paths is not None or "scenarios.yaml" not in found):
        name = "scenarios.yaml" if paths else path.name
        flows = tried(
            name, lambda: run_once(deal, paths, rates, (path.with_name(name), path), priced="market.yaml" in found)
        )
        left = lined((*left_unpaid(flows), *left_over(flows)), path) if flows is not None else []
        said += left
        rows += [finding("doubt", path.name, doubt) for doubt in left]

    lines = [f"doubtful: {doubt}" for doubt in said]
    if deal is not None:
        beside = f", with {' and '.join(found)}" if found else ""
        span = f"{len(deal.tranches)} tranches, {deal.closing} to {deal.maturity}"
        count = f", {len(said)} doubts above" if len(said) > 1 else ", 1 doubt above" if said else ""
        lines.append(f"{path} is sound{count}: {deal.name}, {span}{beside}")
    told = [*map(str, refused), *(f"doubtful: {doubt}" for doubt in said)]
    error = FirstLossError("\n".join(told)) if refused and len(told) > 1 else next(iter(refused), None)
    return Answer({"findings": lambda: as_table(rows)}, lines, {"file": str(path), "sound": not refused}, refused=error)


def strange_holders(deal: Deal) -> list[Fault]:
    """Classes that hold a tranche and are no institution of `firstloss stress`, which refuses them."""
    from pricing.bearers.institutions import load_institutions
    from waterfalls.errors import unknown

    known = [institution.name for institution in load_institutions().institutions]
    first: dict[str, str] = {}
    for tranche, held in deal.holdings.shares.items() if deal.holdings is not None else ():
        for name in held:
            if name not in known:
                first.setdefault(name, tranche)
    said = "The deal runs, and firstloss stress refuses it"
    return [
        Fault(f"holdings.shares[{tranche!r}]", f"{unknown('institution', name, known)} {said}")
        for name, tranche in first.items()
    ]


def projected(deal: Deal, market: Market, file: Path) -> dict[str, Any]:
    """The rate of every floating index; an index without a curve is refused where the first note names it."""
    from structuring.documents.yaml_and_json import lined
    from waterfalls.errors import CannotPrice, InvalidTerms

    try:
        return market.rates(deal)
    except CannotPrice as error:
        for i, tranche in enumerate(deal.tranches):
            index = getattr(getattr(tranche, "coupon", None), "index", None)
            if index is not None and index not in market.projections:
                fault = Fault(f"tranches[{i}].note.coupon.floating.index", str(error))
                raise InvalidTerms(lined([fault], file), title=str(file)) from error
        raise


def sizable(deal: Deal, terms: Structure, scenarios: Sequence[Scenario], file: Path) -> None:
    """Refuses a structure that names what the deal or its scenarios do not have, or whose tests contradict each other."""
    from pricing.structure.terms.checks import faults_of
    from structuring.documents.yaml_and_json import lined
    from structuring.runs.run import BASE
    from waterfalls.errors import InvalidTerms

    if faults := faults_of(deal, terms, scenarios or (BASE,)):
        raise InvalidTerms(lined(faults, file), title=str(file))


def quoted(deal: Path, market: Path) -> None:
    """Refuses quotes of tranches that the deal does not have, a deal not all quoted, and a market in another currency.

    Both are read as they are written, so that this is told beside whatever else is wrong with either.
    """
    from structuring.documents.plain_data import parsed
    from structuring.documents.yaml_and_json import lined
    from waterfalls.clock.conventions import CURRENCIES
    from waterfalls.errors import FirstLossError, InvalidTerms, unknown
    from waterfalls.terms.term import Unsound

    try:
        owes, data = (parsed(file)[0] for file in (deal, market))
    except FirstLossError:
        return  # one of them is no document, as told already
    if not isinstance(owes, Mapping) or not isinstance(data, Mapping):
        return
    tranches, quotes = owes.get("tranches"), data.get("quotes", {})
    names = [Unsound.of(tranche).name for tranche in tranches] if isinstance(tranches, list) else []
    found: list[Fault] = []
    if isinstance(quotes, Mapping) and names and None not in names:
        wrong = [name for name in quotes if name not in names]
        found += [Fault(f"quotes[{name!r}]", unknown("tranche", name, names)) for name in wrong]
        missing = [name for name in names if name not in quotes] if data.get("otherwise") is None and not wrong else []
        found += [Fault("quotes", f"says nothing of {name!r}, which then has no price") for name in missing]
    pays, discounts = owes.get("currency", "USD"), data.get("currency")
    if pays in CURRENCIES and discounts in CURRENCIES and pays != discounts:
        found.append(Fault("currency", f"the deal pays {pays} and the market discounts {discounts}: they must agree"))
    if found:
        raise InvalidTerms(lined(found, market), title=f"{market}, beside {deal.name}")


def run_once(
    deal: Deal,
    paths: Sequence[Scenario] | None,
    rates: Mapping[str, Any] | None,
    files: Sequence[Path],
    *,
    priced: bool,
) -> Cashflows | None:
    """The flows, where rates are known or not needed; refused, with the line in one of the files, is what only a run finds.

    Without scenarios the base case is run. Where no market stands beside the deal floating rates are 0, so that what is
    then unpaid is unpaid at any; where one is refused only the collateral is run.
    """
    from structuring.deals.deal import plan, resets_of
    from structuring.documents.yaml_and_json import with_lines
    from structuring.runs.run import project, run
    from structuring.scenarios.scenario import Scenario
    from waterfalls.errors import InvalidTerms, UnknownName
    from waterfalls.terms.coupons import Floating

    paths = paths or [Scenario("base")]
    try:
        if rates is None and priced:
            project(deal, paths, rates=dict.fromkeys((each.coupon.index for each in resets_of(deal)), 0.0))
            return None
        floating = [coupon for coupon, _ in plan(deal).coupons if isinstance(coupon, Floating)]
        floating += [each.coupon for each in resets_of(deal)]
        return run(deal, paths, rates=rates or dict.fromkeys((coupon.index for coupon in floating), 0.0))
    except (InvalidTerms, UnknownName) as error:
        for file in files:
            if (told := with_lines(error, file)) is not error:
                raise told from error
        raise


def finding(kind: str, file: str, fault: Fault) -> dict[str, Any]:
    return {"kind": kind, "file": file, "line": fault.line, "place": fault.place, "what": fault.what}


def as_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=["kind", "file", "line", "place", "what"], dtype=object)

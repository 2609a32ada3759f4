"""The command `firstloss compare`: two deals, or two versions of one, side by side."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pricing.commands.shared.options import MarketFile, ScenarioFile, Shocks, beside, case, parallel
from pricing.commands.shared.output import Answer, answers, columns
from pricing.commands.shared.progress import progress

if TYPE_CHECKING:
    import pandas as pd


WIDE = 60  # characters of a term that are shown
UNITS = {
    "clean": ("clean", 1.0),
    "wal": ("wal", 1.0),
    "z_spread": ("spread bp", 1e4),
    "yield_to_maturity": ("yield %", 100.0),
}


@dataclasses.dataclass(frozen=True)
class Side:
    """One of the two that are compared: its tables, and what it was made of where it is a deal."""

    name: str
    prices: pd.DataFrame
    losses: pd.DataFrame
    events: pd.DataFrame | None = None
    documents: dict[str, Any] = dataclasses.field(default_factory=dict)


@answers
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="a deal, or a folder that firstloss run --out wrote")],
    b: Annotated[
        str | None, typer.Argument(metavar="[B]", help="the same of the other; A with --set changes unless said")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="compare with a term of the deal changed; may be repeated"),
    ] = None,
    shock: Shocks = None,
    market: MarketFile = None,
    scenarios: ScenarioFile = None,
) -> Answer:
    """Compare two deals, two versions of one, or two results.

    What differs in their terms, path by path; and side by side prices by tranche and scenario (clean, wal, spread,
    yield), losses by investor class, and when triggers trip. Two versions of a file may stand in one folder: both are
    run in the scenarios and at the market that stand beside them.

    \b
    Examples:
      firstloss compare my-deal --set "definitions['reserve months']=12"
      firstloss compare vantage-jersey --set "tranches['B'].notional=80e6"
      firstloss compare vantage-jersey stack-master-trust --csv --table prices
      firstloss run my-deal --out before
      firstloss compare before my-deal

    \b
    Tables: terms, prices, losses, events.
    """
    from pricing.comparison.comparison import CELL, LOSSES, MEASURES, by_class, side_by_side
    from waterfalls.errors import FirstLossError, InvalidTerms

    if b is None and not changes:
        raise InvalidTerms("give a second deal, or what to change in the first: --set PATH=VALUE")
    shocks = parallel(shock)
    with progress("comparing") as told:
        sides: list[Side] = []
        for name, given, set_here in (("A", a, []), ("B", b or a, changes or [])):
            told(len(sides), 2)
            try:
                sides.append(side_of(given, set_here, shocks, market, scenarios))
            except FirstLossError as error:
                raise FirstLossError(f"{name}, {given}: {error}") from None
        one, other = sides
    if not one.documents and not other.documents and (shock or market or scenarios):
        raise InvalidTerms(
            "--shock, --market and --scenarios are for deals, and both are results: they stand as they are"
        )
    terms = terms_of(one, other)
    prices = side_by_side(one.prices, other.prices, CELL, MEASURES)
    keys = ("scenario", "shock", "investor_class")
    losses = side_by_side(by_class(one.losses), by_class(other.losses), keys, LOSSES)
    events = events_of(one, other)
    tables = {"terms": lambda: terms, "prices": lambda: prices, "losses": lambda: losses, "events": lambda: events}
    if not one.documents or not other.documents:
        del tables["terms"], tables["events"]
    about = {"a": one.name, "b": other.name}
    return Answer(tables, told_in_words(one, other, terms, prices, losses, events), about)


def side_of(given: str, changes: list[str], shocks: list[Any], market: Path | None, scenarios: Path | None) -> Side:
    """A result from its folder, or a deal run and priced."""
    from pricing.bearers.who_bears import who_bears
    from pricing.comparison.comparison import changed, read_result
    from pricing.overview.deal_tables import what_happens
    from pricing.valuation.run_and_price import run_and_price
    from waterfalls.errors import InvalidTerms
    from waterfalls.terms.term import plain

    folder = Path(given)
    if folder.is_dir() and not (folder / "deal.yaml").is_file():
        if changes:
            raise InvalidTerms(f"--set changes the terms of a deal, and {given!r} is a result: give the deal as well")
        return Side(given, read_result(folder, "prices"), read_result(folder, "losses"))
    deal, paths, quotes = case(given, market, scenarios)
    if changes:
        deal = changed(deal, changes)
    flows, prices, _ = run_and_price(deal, paths, quotes, shocks)
    losses = who_bears(prices, deal.holders, reference=(paths[0].name, "unchanged"))
    documents = {
        "deal": {name: item for name, item in plain(deal, whole=True).items() if name != "sources"},
        "scenarios": [plain(path, whole=True) for path in paths],
        "market": market_document(given, market),
    }
    name = " with ".join(filter(None, (given, ", ".join(changes))))
    return Side(name, prices.frame(), losses.frame(), what_happens(flows), documents)


def market_document(given: str, market: Path | None) -> Any:
    """The market file as it stands, without its sources."""
    from structuring.deals.deal_files import find_deal
    from structuring.documents.plain_data import load

    data = load(market or beside(find_deal(given), "market.yaml"))
    return {name: item for name, item in data.items() if name != "sources"}


def terms_of(one: Side, other: Side) -> pd.DataFrame:
    """Where the files of two deals differ."""
    import pandas as pd

    from pricing.comparison.comparison import differences

    rows = [
        {"file": file, "place": each.place, "a": each.a, "b": each.b}
        for file in one.documents
        if file in other.documents
        for each in differences(one.documents[file], other.documents[file])
    ]
    frame = pd.DataFrame(rows, columns=["file", "place", "a", "b"])
    return frame.assign(**{side: [None if v is None else str(v) for v in frame[side]] for side in ("a", "b")})


def events_of(one: Side, other: Side) -> pd.DataFrame:
    """What happens in the scenarios that both run, where it differs: first dates of triggers, what is unpaid."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    if one.events is not None and other.events is not None:
        first, second = (frame.set_index("scenario") for frame in (one.events, other.events))
        rows = [
            {"scenario": scenario, "event": event, "a": first.loc[scenario, event], "b": second.loc[scenario, event]}
            for scenario in first.index.intersection(second.index, sort=False)
            for event in first.columns.intersection(second.columns, sort=False)
            if first.loc[scenario, event] != second.loc[scenario, event]
        ]
    return pd.DataFrame(rows, columns=["scenario", "event", "a", "b"])


def told_in_words(
    one: Side, other: Side, terms: pd.DataFrame, prices: pd.DataFrame, losses: pd.DataFrame, events: pd.DataFrame
) -> Iterator[str]:
    """The comparison as text."""
    yield f"A  {one.name}\nB  {other.name}"
    if one.documents and other.documents:
        yield "\nTerms that differ" if len(terms) else "\nNo term differs."
        for row in terms.to_dict("records"):
            file = "" if row["file"] == "deal" else f"{row['file']}: "
            yield f"  {file}{row['place']}\n    A  {short(row['a'])}\n    B  {short(row['b'])}"
    else:
        yield "\nA result holds no terms: prices and losses alone are compared."
    currencies = [side.prices["currency"].astype(str).iloc[0] for side in (one, other)]
    if currencies[0] != currencies[1]:
        yield f"\nA pays {currencies[0]} and B {currencies[1]}: amounts stand side by side and are not converted."
    yield from prices_told(prices, columns())
    yield from losses_told(losses, " and ".join(dict.fromkeys(currencies)))
    if len(events):
        yield "\nEvents that differ"
        yield events.rename(columns={"a": "A", "b": "B"}).to_string(index=False)
    only = {side.name: sorted(set(side.prices["scenario"].astype(str)) - set(rest.prices["scenario"].astype(str))) for side, rest in ((one, other), (other, one))}  # fmt: skip
    for name, scenarios in only.items():
        if scenarios:
            yield f"\nOnly {name} has the scenarios {', '.join(map(repr, scenarios))}."


def short(value: Any) -> str:
    """A term as a line, large numbers with their thousands apart."""
    text = "(nothing)" if value is None or value != value else str(value)
    with contextlib.suppress(ValueError):
        text = f"{float(text):,.10g}"
    return text if len(text) <= 2 * WIDE else text[: 2 * WIDE - 3] + "..."


def prices_told(prices: Any, width: int | None = None) -> Iterator[str]:
    """A row a cell: each measure of A, of B, and its change; as many measures side by side as fit a width."""
    import pandas as pd

    yield "\nPrices: A, B and the change (clean per 100; wal in years)"
    shocked = prices["shock"].nunique() > 1
    keys = ["scenario", "shock", "tranche"] if shocked else ["scenario", "tranche"]
    rows = pd.DataFrame(list(dict.fromkeys(prices[keys].itertuples(index=False, name=None))), columns=keys)

    def told(measures: list[str]) -> str:
        wide = rows.copy()
        for measure in measures:
            said, scale = UNITS[measure]
            part = prices[prices["measure"] == measure]
            for side, heading in (("a", f"{said} A"), ("b", "B"), ("change", "+/-")):
                wide[f"{heading}\0{measure}"] = [scale * value for value in part[side]]
        return numbers(wide, len(keys))

    names = list(UNITS)
    for apart in (4, 2, 1):
        parts = [told(names[n : n + apart]) for n in range(0, len(names), apart)]
        if width is None or max(len(line) for part in parts for line in part.splitlines()) <= width:
            break
    yield "\n\n".join(parts)


def losses_told(losses: Any, currency: str) -> Iterator[str]:
    """A row a class that loses anything: the total loss of A, of B, and the change."""
    total = losses[(losses["measure"] == "total_loss") & ((losses["a"].abs() > 0.0) | (losses["b"].abs() > 0.0))]
    yield f"\nTotal loss by investor class against the first scenario, in {currency} million"
    if not len(total):
        yield "nobody loses anything in either"
        return
    keys = ["scenario", "shock", "investor_class"] if losses["shock"].nunique() > 1 else ["scenario", "investor_class"]
    wide = total[[*keys, "a", "b", "change"]].assign(**{side: total[side] / 1e6 for side in ("a", "b", "change")})
    yield numbers(wide.rename(columns={"a": "A", "b": "B", "change": "+/-", "investor_class": "class"}), len(keys))


def shown(value: float, *, signed: bool) -> str:
    """A number to two places, a change with its sign; nothing where it is not known."""
    text = f"{value:{'+' if signed else ''},.2f}"
    return "" if value != value else "0.00" if text.strip("+-") == "0.00" else text


def numbers(frame: pd.DataFrame, keys: int) -> str:
    """Texts to the left, numbers to two places, changes with their sign; what is not known is blank."""
    from pricing.tables.aligned_text import lined_up

    cells = [[str(name).partition("\0")[0] for name in frame.columns]]
    for row in frame.itertuples(index=False):
        cells.append([
            str(value) if i < keys else shown(value, signed=cells[0][i] == "+/-")
            for i, value in enumerate(row)
        ])  # fmt: skip
    return lined_up(cells, "<" * keys + ">" * (len(cells[0]) - keys))

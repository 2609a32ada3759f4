"""write_report: one page of HTML that opens offline, with its tables, figures and the code that draws them inside."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pricing.report.contents.case import Case, Framed
from pricing.report.contents.formats import TEXTS, heading, missing, shown
from pricing.report.contents.sheets import Sheet
from pricing.report.several_stresses import cases_of, parts_of
from structuring.documents.optional_packages import need
from structuring.documents.whole_files import whole

if TYPE_CHECKING:
    from pricing.analysis.breakeven import Breakevens
    from pricing.analysis.non_renewal import NonRenewals
    from pricing.contagion.stress_chain import Chain
    from pricing.losses.who_bears import Losses
    from pricing.market.market import Market
    from pricing.valuation.prices import Prices
    from structuring.deals.deal import Deal
    from waterfalls.cashflows import Cashflows

HERE = Path(__file__).parent


def write_report(
    path: Path | str,
    deal: Deal,
    flows: Cashflows,
    prices: Prices,
    losses: Losses,
    market: Market,
    *,
    scenario: Any = None,
    shock: str | None = None,
    breakevens: Sequence[Breakevens | NonRenewals] = (),
    chain: Chain | Sequence[Chain] | None = None,
    further: Mapping[str, Framed] | None = None,
) -> Path:
    """Writes a report of a deal in one stress, the last scenario under the last shock unless said; gives its path.

    `scenario` may be a list of names: the stresses then stand side by side, and each in detail below. `chain` (of the same
    stress, or one of each) adds the second round and who bears the loss in the end; `further` adds any results with
    a frame, by title.
    The page needs no network, follows light and dark, sorts its tables and prints.
    """
    cases = cases_of(
        deal, flows, prices, losses, market,
        scenario=scenario, shock=shock, breakevens=breakevens, chain=chain, further=further,
    )  # fmt: skip
    with whole(path) as file:
        file.write_text(page(cases), encoding="utf-8")
    return Path(path)


def page(cases: Sequence[Case]) -> str:
    """The page as text. Every name is escaped: what comes from a deal file is never markup."""
    case = cases[0]
    jinja2, offline = need("jinja2"), need("plotly.offline")
    safe = need("markupsafe").Markup
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True).from_string(
        asset("page.html")
    )
    return template.render(
        case=case,
        title=f"{case.deal.name}, {case.prices.valuation}, {'; '.join(each.stress for each in cases)}: not investment advice",
        cases=cases,
        parts=parts_of(cases),
        rows=lambda sheet: list(rows(sheet, case)),
        heading=lambda column, kind: heading(str(column), kind, case.unit),
        css=safe(asset("page.css")),
        js=safe(asset("page.js")),
        plotly=safe(offline.get_plotlyjs()),
        version=version("firstloss"),
    )


def asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell of a table: the exact value, as the frame holds it, and the text shown."""

    kind: str
    value: str
    text: str


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of a table; a total stays last when the table is sorted."""

    cells: tuple[Cell, ...]
    total: bool


def rows(sheet: Sheet, case: Case) -> Iterator[Row]:
    """The rows of a table."""
    kinds = [sheet.kind(column) for column in sheet.frame.columns]
    for number, values in enumerate(sheet.frame.itertuples(index=False, name=None)):
        cells = tuple(
            Cell(kind, exact(value, kind), shown(value, kind, case.unit))
            for value, kind in zip(values, kinds, strict=True)
        )
        yield Row(cells, sheet.total(number))


def exact(value: Any, kind: str) -> str:
    """A value that reads back to itself."""
    if missing(value):
        return ""
    return str(value) if kind in TEXTS else repr(float(value))

"""The sections of the report's page: headings, sentences, figures and tables, in the order a committee asks."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from pricing.report.contents.sheets import Sheet, coverage_words, sheets
from pricing.report.figures import bridges, charts, sankeys
from pricing.report.figures.figure import Figure
from pricing.report.figures.frontiers import frontiers
from pricing.report.figures.palette import ink_on, tranche_colours
from pricing.tables.number_formats import shown

if TYPE_CHECKING:
    from pricing.report.contents.stress_result import StressResult


@dataclasses.dataclass(frozen=True)
class Band:
    """One tranche in the drawing of the capital structure: its height is its share of the structure."""

    name: str
    size: str
    share: float
    colour: str
    ink: str
    details: str


@dataclasses.dataclass(frozen=True, eq=False)
class Section:
    """A heading with what stands under it."""

    id: str
    title: str
    lead: str = ""
    bands: tuple[Band, ...] = ()
    figures: tuple[Figure, ...] = ()
    lines: tuple[str, ...] = ()
    sheets: tuple[Sheet, ...] = ()


def sections(case: StressResult) -> list[Section]:
    """Every section that has something to show."""
    tables = {sheet.name: sheet for sheet in sheets(case)}

    def pick(*names: str) -> tuple[Sheet, ...]:
        return tuple(tables.pop(name) for name in names if name in tables)

    def drawn(*given: Figure | None) -> tuple[Figure, ...]:
        return tuple(figure for figure in given if figure is not None and figure.traces)

    lead = f"In {case.unit.words}. Losses come from the bottom: the last tranche loses first."
    found = [
        Section(
            "structure",
            "Capital structure",
            lead,
            bands(case, tables["capital_structure"]),
            sheets=pick("capital_structure", "what_happens"),
        ),
        Section(
            "solved",
            "How it was structured",
            "Each size is as large as its tests allow. Against what a step less of each binding test would buy stand curves of "
            "structures solved anew, the chosen one marked.",
            figures=frontiers(case),
            lines=() if case.solution is None else tuple(shadow.words for shadow in case.solution.shadows),
            sheets=pick("solved", "solved_besides", "cost_of_money", "tests", "shadow_prices", "frontier"),
        ),
        Section("funding", "Sources and uses", sheets=pick("sources_and_uses")),
        Section(
            "cash",
            "Cash through the waterfall",
            "Every payment of the stress scenario, summed over its dates.",
            figures=drawn(sankeys.cash_sankey(case.flows, case.cell[0], case.unit)),
            sheets=pick("cash"),
        ),
        Section(
            "time",
            "Balances, coverage and triggers",
            figures=(
                *(charts.balances(case.flows, s, case.rows, case.unit) for s in case.rows),
                *charts.coverage(case),
                *drawn(charts.trigger_dates(case)),
            ),
            sheets=pick("triggers"),
        ),
        Section(
            "prices",
            "Prices by shock",
            "Blue is above the reference price, orange below it.",
            figures=tuple(charts.heat(case.prices, s, case.rows, case.origin) for s in case.rows),
            sheets=pick("prices_reference", "prices_stress"),
        ),
        Section(
            "bridge",
            "What took the value",
            figures=drawn(
                bridges.loss_bridge(case.bridge, case.cell[0], case.unit),
                bridges.value_bridge(case),
                charts.tranche_bars(case),
            ),
            sheets=pick("loss_bridge", "value_bridge"),
        ),
        Section(
            "losses",
            "Who bears the loss",
            "Against the reference; positive is a loss, and nothing is clipped." + gains(case),
            figures=drawn(charts.class_bars(case.losses, case.cell, case.unit), sankeys.loss_sankey(case)),
            sheets=pick("losses_by_class", "losses_by_tranche"),
        ),
        Section(
            "ends",
            "The second round, and where losses end",
            lines=() if case.chain is None else case.chain.sentences(),
            sheets=pick("rounds_of_contagion", "markets", "end_bearers", "class_to_bearer"),
        ),
        Section(
            "breakevens",
            "How far until the first loss",
            figures=drawn(charts.breakeven_bars(case)),
            lines=tuple(line for found in case.breakevens for line in found.sentences()),
            sheets=pick("breakevens", "non_renewals"),
        ),
    ]
    last = Section(
        "assumptions",
        "Assumptions and coverage",
        coverage_words(case.deal),
        sheets=pick("holders_known", "assumptions"),
    )
    rest = [Section(f"further-{i}", sheet.title, sheets=(sheet,)) for i, sheet in enumerate(tables.values())]
    kept = [section for section in (*found, *rest) if section.figures or section.lines or section.sheets]
    return [*kept, last]


def bands(case: StressResult, sheet: Sheet) -> tuple[Band, ...]:
    """The capital structure as stacked bands."""
    rows: list[dict[str, Any]] = sheet.frame.to_dict("records")
    whole = sum(row["size"] + row["undrawn"] for row in rows) or 1.0
    colours = tranche_colours(list(case.flows.tranches))
    found = []
    for row in rows:
        size = shown(row["size"], "money", case.unit)
        if row["undrawn"]:
            size += f" + {shown(row['undrawn'], 'money', case.unit)} undrawn"
        said = [row["coupon"], f"attaches at {shown(row['attachment'], 'share', case.unit)}"]
        rating = getattr(case.flows.plan.tranches[row["tranche"]], "rating", None)
        said += [rating] if rating else []
        if shown(row["ltv"], "share", case.unit) and row["ltv"]:
            said.append(f"LTV {shown(row['ltv'], 'share', case.unit)}")
        colour = colours[row["tranche"]]
        found.append(
            Band(row["tranche"], size, (row["size"] + row["undrawn"]) / whole, colour, ink_on(colour), " · ".join(said))
        )
    return tuple(found)


def gains(case: StressResult) -> str:
    """What a drawing of flows cannot show."""
    (s, k), losses = case.cell, case.losses
    gained = -float((losses.tranche["total"][s, k][:, None] * losses.shares).clip(max=0.0).sum())
    if shown(gained, "money", case.unit) == shown(0.0, "money", case.unit):
        return ""
    return f" Gains of {case.unit.words} {shown(gained, 'money', case.unit)} are in the tables and not in the drawing of flows."

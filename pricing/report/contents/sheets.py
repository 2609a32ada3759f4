"""The tables of a report: each a frame with the kind of every column, which the page, the workbook and JSON share."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.bearers.who_bears import AMOUNTS, losses_by_class, losses_in_total
from pricing.breakevens.non_renewal import NonRenewals
from pricing.overview.appraisal import appraised
from pricing.overview.deal_tables import capital_structure, what_happens
from pricing.report.contents.cash import cash_frame
from pricing.report.contents.trigger_readings import trigger_frame
from pricing.valuation.prices import prices_by_shock
from structuring.deals.funding import ENOUGH, gap
from structuring.deals.sources_and_uses import statement

if TYPE_CHECKING:
    import pandas as pd

    from pricing.report.contents.stress_result import StressResult
    from pricing.tables.number_formats import Unit
    from structuring.deals.deal import Deal


@dataclasses.dataclass(frozen=True, eq=False)
class Sheet:
    """A table: its name (an identifier), what it shows, the frame, the kind of each column, a note."""

    name: str
    title: str
    frame: pd.DataFrame
    kinds: dict[str, str]
    note: str = ""
    totals: int = 0

    def kind(self, column: Any) -> str:
        return self.kinds.get(str(column)) or guessed(self.frame, column)

    def heading(self, unit: Unit) -> str:
        """The title, with the unit of its amounts."""
        return f"{self.title} ({unit.words})" if "money" in self.kinds.values() else self.title

    def total(self, row: int) -> bool:
        """Whether a row is one of the totals, which stand last."""
        return row >= len(self.frame) - self.totals


LOSSES = {"par": "money", **dict.fromkeys(AMOUNTS, "money"), "per_cent_of_par": "per_cent"}
KNOWN = {"balance": "money", **dict.fromkeys(("reported", "estimated", "assumed", "unidentified"), "per_cent")}
STRUCTURE = {
    "size": "money",
    "undrawn": "money",
    **dict.fromkeys(("attachment", "detachment", "ltv"), "share"),
    "dscr": "ratio",
    "dscr_low": "ratio",
    "wal": "years",
    "spread": "bp",
    "clean": "price",
    "headroom_to_trap": "share",
    "headroom_to_default": "share",
}


def sheets(case: StressResult) -> list[Sheet]:
    """Every table of a report, in its order; what the case does not hold is left out."""
    found = [
        structure(case),
        happening(case),
        funding(case),
        cash(case),
        triggers(case),
        *map(prices, [case] * len(case.rows), case.rows),
    ]
    found += [loss_bridge(case), bridge(case), by_class(case), by_tranche(case), *chained(case), *breakevens(case)]
    found += [*structured(case), *(further(title, result.frame()) for title, result in case.further.items())]
    return [sheet for sheet in (*found, provenance(case)) if sheet is not None and len(sheet.frame)]


def structure(case: StressResult) -> Sheet:
    frame = capital_structure(case.flows, case.prices, case.reference, deal=case.deal).drop(columns="enhancement")
    date, _ = appraised(case.flows, case.origin[0], case.prices.valuation, case.deal)
    note = (
        "Attachment is the share of the structure lost before the tranche loses anything. ltv: what is outstanding of this "
        f"and all senior tranches over the value of the collateral on {date}. dscr: cash for debt service over "
        "debt service of this and all senior notes, median and lowest over dates since there is any. Headroom to trap: the cash for debt service "
        "that may go before the first coverage trigger trips; to default: the part of all collections that may go, the same "
        "at every date, before the note goes unpaid."
    )
    return Sheet("capital_structure", "Capital structure, most senior first", frame, STRUCTURE, note)


def happening(case: StressResult) -> Sheet | None:
    """What each scenario brings, in dates and unpaid amounts: paths without a name are too many to list."""
    if isinstance(case.prices.scenarios, range):
        return None
    frame = what_happens(case.flows)
    kinds = {str(column): "text" for column in frame}
    title = f"What happens: first dates; principal and interest unpaid at the last date, and written down ({case.prices.currency} million)"
    return Sheet("what_happens", title, frame, kinds)


def funding(case: StressResult) -> Sheet | None:
    """Where the money came from and what it was for, as the deal says it: a deal that says nothing of it has no such table."""
    import pandas as pd

    lines = statement(case.deal)
    if not lines:
        return None
    said = {"facility": "{} facility", "cost": "{} (cost)"}
    rows = [
        {"item": said.get(line.kind, "{}").format(line.name), "amount": line.amount, "side": line.side}
        for line in sorted(lines, key=lambda line: line.side)
    ]
    if abs(over := gap(lines)) > ENOUGH * sum(abs(line.amount) for line in lines):
        rows.append({"item": "UNBALANCED: sources less uses", "amount": over, "side": "gap"})
    for side in ("source", "use"):
        total = sum(line.amount for line in lines if line.side == side)
        rows.append({"item": f"all {side}s", "amount": total, "side": side})
    day = case.deal.as_of or case.deal.closing
    when = "at closing" if case.deal.as_of is None else "when the deal is picked up"
    return Sheet(
        "sources_and_uses", f"Sources and uses {when}, {day}", pd.DataFrame(rows), {"amount": "money"}, totals=2
    )


def cash(case: StressResult) -> Sheet:
    frame = cash_frame(case)
    kinds = {case.named(s): "money" for s in case.rows}
    return Sheet("cash", "Cash in and out over the life of the deal, by scenario", frame, kinds, totals=2)


def triggers(case: StressResult) -> Sheet | None:
    frame = trigger_frame(case)
    kinds = {str(c): "date" if str(c).startswith("first") else "count" for c in frame.columns[2:]}
    return Sheet("triggers", "Triggers, and when they trip", frame, kinds)


def prices(case: StressResult, s: int) -> Sheet:
    frame = prices_by_shock(case.prices, case.prices.scenarios[s]).reset_index()
    frame.columns = ["tranche", *case.prices.shocks]
    name = "prices_reference" if s == case.origin[0] else "prices_stress"
    kinds = dict.fromkeys(case.prices.shocks, "quote")
    return Sheet(name, f"Clean price per 100 by spread shock: {case.named(s)}", frame, kinds)


def loss_bridge(case: StressResult) -> Sheet:
    """From what the collateral failed to bring to who received less, in cash; the two sides are equal."""
    import pandas as pd

    s = case.cell[0]
    rows = [
        {"name": line.name.replace("_", " ") if line.kind != "tranche" else line.name, "cash_lost": float(line.cash[s])}
        | {"kind": line.said(s), "side": line.side}
        for line in case.bridge.lines
    ]
    sums = [
        {"name": said, "cash_lost": float(case.bridge.of(side)[s]), "kind": "total", "side": side}
        for side, said in (("shortfall", "all shortfalls"), ("bearer", "all bearers"))
    ]
    frame = pd.DataFrame([*(row for row in rows if row["cash_lost"] != 0.0), *sums])
    note = "Cash over all dates, undiscounted, against the reference: what did not come in is what someone did not receive."
    title = f"The loss bridge: {case.named(s)}"
    return Sheet("loss_bridge", title, frame, {"cash_lost": "money"}, note, 2)


def bridge(case: StressResult) -> Sheet:
    """From value at the reference to value in the stress, tranche by tranche."""
    import pandas as pd

    (s, k), (s0, k0) = case.cell, case.origin
    frame = pd.DataFrame({"tranche": list(case.prices.tranches), "value_before": case.prices.before[s0, k0]})
    for name in ("credit", "rates", "spread"):
        frame[name] = -case.losses.tranche[name][s, k]
    frame["value_after"] = case.prices.npv[s, k]
    total = {"tranche": "all", **frame.drop(columns="tranche").sum()}
    frame = pd.concat([frame, pd.DataFrame([total])], ignore_index=True)
    kinds = {str(column): "money" for column in frame.columns[1:]}
    note = "Here a loss is negative: value before + credit + rates + spread = value after."
    return Sheet("value_bridge", f"From value to value: {case.stress}", frame, kinds, note, 1)


def by_class(case: StressResult, *, ranked: bool = True) -> Sheet:
    """What each class loses: the largest loss first, or in the order of the holdings."""
    frame = losses_in_total(case.losses, case.scenario, case.shock)
    if ranked:
        order = np.argsort(-frame["total"].to_numpy()[:-1], kind="stable")
        frame = frame.iloc[[*order, -1]].reset_index(drop=True)
    note = f"{'The largest loss stands first. ' if ranked else ''}Positive is a loss."
    return Sheet("losses_by_class", f"Losses by investor class: {case.stress}", frame, LOSSES, note, 1)


def by_tranche(case: StressResult) -> Sheet:
    frame = losses_by_class(case.losses, case.scenario, case.shock)
    note = "The first to lose stands first."
    return Sheet("losses_by_tranche", f"Losses by tranche and investor class: {case.stress}", frame, LOSSES, note)


def chained(case: StressResult) -> list[Sheet]:
    """The second round, and those in whom losses end: the frames of the chain."""
    chain = case.chain
    if chain is None:
        return []
    money = {"first_round": "money", "second_round": "money", "total": "money", "per_cent_of_first": "per_cent"}
    second = f"{case.stress}, {chain.second_round.mode}"
    rounds, markets = (frame.drop(columns="scenario", errors="ignore") for frame in (chain.rounds, chain.markets))
    found = [
        Sheet("end_bearers", f"Who bears it in the end: {case.stress}", chain.bearers, money),
        Sheet(
            "class_to_bearer", f"From class to end bearer, first round: {case.stress}", chain.flows, {"loss": "money"}
        ),
        further("rounds of contagion", rounds, f"Rounds of contagion, by institution: {second}"),
        further("markets", markets, f"Value before and after the sales, 1 in {case.reference!r}: {second}"),
        Sheet(
            "holders_known", "How much is known of the holders, per cent of balance", chain.coverage, KNOWN, totals=1
        ),
    ]
    return [sheet for sheet in found if len(sheet.frame)]


def breakevens(case: StressResult) -> list[Sheet]:
    """How far each driver may go, and what a lease that ends costs."""
    import pandas as pd

    found = []
    if case.driven:
        frame = pd.concat([each.frame() for each in case.driven], ignore_index=True).drop(columns="deal")
        frame["tranche"] = frame["tranche"].astype(str)
        kinds = {"multiple": "number", "headroom": "share"}
        found.append(Sheet("breakevens", "How far a driver may go before a note loses", frame, kinds))
    for leases in case.breakevens:
        if isinstance(leases, NonRenewals):
            kinds = {"date": "date", "unpaid": "share"}
            title = "What a lease that is not renewed costs, as a share of the note"
            found.append(Sheet("non_renewals", title, leases.frame(), kinds))
    return found


def further(title: str, frame: pd.DataFrame, said: str = "") -> Sheet:
    """Any other result with a frame, its kinds read off its columns."""
    kinds = {str(column): guessed(frame, column) for column in frame}
    return Sheet(title.replace(" ", "_"), said or title[:1].upper() + title[1:], frame, kinds)


def guessed(frame: pd.DataFrame, column: Any) -> str:
    """The kind of a column that no table describes: its name says, or its numbers do."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(frame[column]):
        return "text"
    name = str(column)
    if "per_cent" in name or name.startswith("share"):
        return "per_cent" if "per_cent" in name else "share"
    if name.endswith("_loss") or name in ("capital", "recorded", "beyond_capital", "balance"):
        return "money"
    values = frame[column].to_numpy(dtype=float)
    whole = np.isfinite(values).all() and (values == np.round(values)).all() and (np.abs(values) < 1e4).all()
    return "count" if whole else "money" if np.nanmax(np.abs(values), initial=0.0) >= 1e3 else "number"


SIZED = {
    "size": "money", "share": "share", "ltv": "share", "wal": "years", "dscr_low": "ratio", "dscr_mean": "ratio",
}  # fmt: skip


def structured(case: StressResult) -> list[Sheet]:
    """How the deal was structured: what holds each size, what money costs, what the tests read, what a step buys, the frontier."""
    made = case.solution
    if made is None:
        return []
    curves = {"at": "number", "chosen": "text", "cost_of_funds": "share", "equity_irr": "share"}
    frontier = made.frontier()
    if len(frontier):
        frontier["chosen"] = ["chosen" if chosen else "" for chosen in frontier["chosen"]]
        curves |= {str(column): "money" for column in frontier if str(column).startswith("size_")}
    runs = f"{made.answer.runs:,} runs of a scenario, {made.answer.candidates:,} structures tried."
    numbers: dict[str, str] = dict.fromkeys(("value", "level", "margin"), "number")
    besides = made.numbers()
    return [
        *([Sheet("solved_besides", "Numbers solved besides", besides, {"value": "number"})] if len(besides) else []),
        Sheet("solved", "What holds each size", made.tranches(), SIZED, runs),
        Sheet("cost_of_money", "What money costs and the equity earns", made.figures().drop(columns="value"), {}),
        Sheet("tests", "Every test, where it is nearest to failing", made.tests(), numbers),
        Sheet("shadow_prices", "What a step less of each binding test buys", made.shadow_prices(), {"change": "money"}),
        Sheet("frontier", "The frontier", frontier, curves),
    ]


def provenance(case: StressResult) -> Sheet:
    """Where each figure of the deal file comes from."""
    import pandas as pd

    rows = [{"figure": path, **basis(said)} for path, said in case.deal.sources.items()]
    return Sheet("assumptions", "Where each figure comes from", pd.DataFrame(rows), {})


def basis(said: Mapping[str, str]) -> dict[str, str]:
    """What a figure rests on, a source of a tier or an assumption, and which."""
    if "source" not in said:
        return {"basis": "assumption", "where_from": said.get("assumption", "")}
    return {"basis": f"source, tier {said['tier']}" if "tier" in said else "source", "where_from": said["source"]}


def coverage_words(deal: Deal) -> str:
    """How many of the deal's figures are sourced and how many assumed."""
    sources = deal.sources
    if not sources:
        return "The deal file names no sources: treat every figure as an assumption."
    sourced = sum("source" in said for said in sources.values())
    return (
        f"Of {len(sources)} entries on where figures come from, {sourced} name a source and {len(sources) - sourced} are "
        "assumptions. Scenarios are chosen, not forecast."
    )

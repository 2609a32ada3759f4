"""Ties out a servicer's report: each reported amount beside the amount that the model gives."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import KW_ONLY
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from structuring.documents.tables import frame_of, read_rows
from structuring.documents.whole_files import csv_of, excel_of, folder, whole
from waterfalls.doors import need
from waterfalls.errors import Fault, InvalidTerms, nearest, refuse
from waterfalls.explain import MOVED, SOURCES, every, payment_on
from waterfalls.terms.bounded_numbers import NotNegative
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import pandas as pd

    from waterfalls.cashflows import Cashflows

COLUMNS = ("date", "clause", "item", "theirs")
AMOUNTS, RATIOS = 1.0, 0.005  # by how much theirs may differ: a unit of currency; a ratio told to two decimals
ADDED = ("ours", "difference", "ties")
HIDDEN, DRAWN = ("paid", "scheduled"), "drawn on {1}"
RATIO = ("dscr", "oc_ratio", "ic_ratio", "ltv", "trigger ")  # items that begin so are no amounts


@term
class Reported:
    """One line of a report: an amount of an item on a payment date, of one clause where a clause is named.

    Without an item it is all that the clause paid. `tolerance` is of this line alone. Lines without an amount are left out.
    """

    date: datetime.date
    _: KW_ONLY
    item: str | None = None
    clause: str | None = None
    theirs: float | None = None
    tolerance: NotNegative | None = None


def offered(flows: Cashflows, scenario: Any) -> pd.DataFrame:
    """Everything of one scenario that a report may be held against: date, clause, item, ours.

    Without a clause: what came in; what was paid, by item over all clauses; what is owed, and stands, after the date;
    accounts; coverage. With one: what `explain` says of the clause, which is numbered as it is there.
    """
    import pandas as pd

    ledger = ledger_of(flows, scenario)
    items = sorted(dict.fromkeys(key for row in ledger for key in row), key=lambda key: int(key[0] or 0))
    return pd.DataFrame([
        {"date": date, "clause": clause, "item": item, "ours": row[clause, item]}
        for date, row in zip(flows.dates, ledger, strict=True)
        for clause, item in items
        if (clause, item) in row
    ])  # fmt: skip


def ledger_of(flows: Cashflows, scenario: Any) -> list[dict[tuple[str, str], float]]:
    """The amounts of each date by (clause, item), totals under the clause ""; of a clause the item "" is all it moved."""
    s, plan, found = list(flows.scenarios).index(scenario), flows.plan, []
    paid = dict.fromkeys(
        (MOVED[key[0]].format(*key) for key in plan.flows if key[0] in MOVED and key[:2] != HIDDEN), 0.0
    )
    paid |= dict.fromkeys((DRAWN.format(*key) for key in plan.flows if key[0] in SOURCES), 0.0)
    stocks, cover = standing(flows), coverage(flows, s)
    for t, told in enumerate(every(flows, scenario)):
        fields = {name.replace("_", " "): amount for name, amount in {**told.collected, **told.reported}.items()}
        items = {"collections": sum(told.collected.values()), **fields, **paid}
        items |= {item: float(array[s, t]) for item, array in stocks.items()}
        items |= {**{item: float(array[t]) for item, array in cover.items()}, **told.ratios}
        row = {("", item): amount for item, amount in items.items()}
        for number, step in enumerate(told.steps, 1):
            row[str(number), ""] = sum(step.moved.values())
            for item, amount in {
                **step.moved,
                **{f"drawn on {name}": one for name, one in step.sources.items()},
            }.items():
                row[str(number), item] = row.get((str(number), item), 0.0) + amount
                row["", item] = row.get(("", item), 0.0) + amount
        found.append(row)
    return found


def standing(flows: Cashflows) -> dict[str, np.ndarray]:
    """What is owed and stands after each date (S, T), by item."""
    found: dict[str, np.ndarray] = {}
    for name in flows.plan.tranches:
        found[f"balance of {name}"] = flows.balance[name]
    for name in flows.plan.notes_by_name:
        found[f"interest due on {name}"] = flows.accrued[name]
        found[f"shortfall of {name}"] = flows.shortfall[name]
        found[f"arrears of {name}"] = flows.arrears[name]
    found |= {f"balance of {name}": flows["balance", name] for name in flows.plan.facilities}
    found |= {f"account {name}": flows.accounts[name] for name in flows.plan.accounts}
    found |= {f"received from {name}": flows["received", name] for name in flows.plan.hedges}
    return found | {f"trigger {name}": flows.triggers[name] for name in flows.plan.triggers}


def coverage(flows: Cashflows, s: int) -> dict[str, np.ndarray]:
    """The debt service coverage and the loan to value of all notes at each date (T,); no debt service is infinite cover."""
    from pricing.overview.deal_tables import cover

    told = cover(flows, s)
    return {"dscr": np.where(told["debt_service"] > 0.0, told["dscr"], np.inf), "ltv": told["ltv"]}


def read_report(path: Path | str, *, sheet: str | None = None) -> list[tuple[str, Reported]]:
    """The lines of a report that hold an amount, each with its row: a CSV, Excel or Parquet file with `COLUMNS`.

    Columns that a tie-out adds (ours, difference, ties) are left out, so that its own table reads back.
    """
    found: list[Fault] = []
    headings = frame_of(path, sheet=sheet, texts=None, wanted=COLUMNS)[0].columns
    rows = read_rows(Reported, path, found, sheet=sheet, ignore=[name for name in headings if name in ADDED])
    refuse(found, title=str(path))
    filled = [(place, line) for place, line in rows if line.theirs is not None]
    if not filled:
        raise InvalidTerms(f"{path} holds no amount yet: fill in its column 'theirs'")
    return filled


def tie_out(
    flows: Cashflows,
    scenario: Any,
    report: Sequence[tuple[str, Reported]],
    *,
    amounts: float = AMOUNTS,
    ratios: float = RATIOS,
    title: str = "",
) -> pd.DataFrame:
    """A row a line of a report: date, clause, item, theirs, ours, difference, tolerance, ties.

    difference = theirs - ours; it ties where |difference| <= tolerance: the line's own, else `amounts` in currency units,
    or `ratios` for coverage and triggers. Unknown dates, clauses and items are refused together, each with the nearest.
    """
    import pandas as pd

    ledger = ledger_of(flows, scenario)
    found: list[Fault] = []
    rows: list[dict[str, Any]] = []
    planned = dict(zip(flows.plan.schedule.unadjusted[1:], flows.dates, strict=True))
    for place, line in report:
        date = line.date if line.date in flows.dates else planned.get(line.date)
        clause, item = (line.clause or "").strip("() ").removesuffix(".0"), line.item or ""  # a spreadsheet's 18.0
        if date is None:
            near = min(flows.dates, key=lambda day: abs(day - line.date))
            found.append(Fault(f"{place}, date", f"{line.date} is no payment date; the nearest is {near}"))
            continue
        row = ledger[flows.dates.index(date)]
        spoken = {plain(each): each for _, each in row} | {each: each for _, each in row}
        item = item if item in spoken else plain(item)  # two tranches may differ in nothing but capitals
        clauses = [number for number, each in row if number and not each]
        if clause and clause not in clauses:
            found.append(Fault(f"{place}, clause", f"there is no clause {clause!r}: they run from 1 to {clauses[-1]}"))
        if not clause and not item:
            found.append(Fault(place, "names neither an item nor a clause"))
        elif item not in spoken:
            near = nearest(item, spoken)
            hint = f" Did you mean {spoken[near]!r}?" if near else " --write-template writes every item."
            found.append(Fault(f"{place}, item", f"there is no item {line.item!r}.{hint}"))
        if found:
            continue
        item = spoken[item]
        ours, theirs = row.get((clause, item), 0.0), line.theirs or 0.0
        loose = ratios if item.startswith(RATIO) else amounts
        within = loose if line.tolerance is None else line.tolerance
        rows.append({
            "date": date, "clause": clause, "item": item, "theirs": theirs, "ours": ours, "difference": theirs - ours,
            "tolerance": within, "ties": theirs == ours or abs(theirs - ours) <= within,
        })  # fmt: skip
    refuse(found, title=title)
    return pd.DataFrame(rows)


def plain(item: str) -> str:
    """An item as it is compared: in small letters, underscores as spaces, without `of`."""
    return " ".join(word for word in item.lower().replace("_", " ").split() if word != "of")


def write_template(path: Path, flows: Cashflows, scenario: Any, dates: Sequence[datetime.date] = ()) -> int:
    """Writes a report to be filled in, a line an item and date, with the model's amounts beside; gives the number of lines.

    Without `dates`, of all payment dates. CSV, Excel or Parquet by suffix.
    """
    folder(path.parent)
    frame = offered(flows, scenario)
    if dates:
        frame = frame[frame["date"].isin([flows.dates[payment_on(flows.plan, date)] for date in dates])]
    frame = frame.assign(theirs=np.nan).reindex(columns=[*COLUMNS, "ours"])
    with whole(path) as file:
        if path.suffix == ".csv":
            file.write_text(csv_of(frame), encoding="utf-8")
        elif path.suffix == ".xlsx":
            file.write_bytes(excel_of(frame, "report"))
        elif path.suffix in (".parquet", ".pq"):
            need("pyarrow")
            frame.to_parquet(file, index=False)
        else:
            raise InvalidTerms(f"{path}: a report is a .csv, .xlsx or .parquet file")
    return len(frame)

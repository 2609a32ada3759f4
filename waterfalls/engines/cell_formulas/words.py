"""What a workbook calls the symbols, the inputs and the curves of a plan, and the units they have."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from waterfalls.language.conditions import Yearly
from waterfalls.language.formulas import ByDate, Stepped
from waterfalls.language.machine import Key
from waterfalls.plan import Plan

TOLD = {
    "cash": "cash left",
    "owed": "{1} owed, {2}",
    "paid": "{1} paid, {2}",
    "accrued": "{1} falling due, {2}",
    "balance": "balance, {1}",
    "account": "balance, {1}",
    "ledger": "debit balance, {1}",
    "assets": "par held, {1}",
    "undrawn": "undrawn commitment, {1}",
    "room": "may still be drawn, {1}",
    "lost": "written down so far, {1}",
    "withdrawn": "withdrawn, {1}",
    "deposited": "deposited, {1}",
    "principal": "principal paid, {1}",
    "residual": "remainder paid, {1}",
    "regime": "in force: {1}",
    "chosen": "in force from the next date on: {1}",
    "trigger": "trigger on, {1}",
    "passes": "passes in a row, {1}",
    "lapsed": "{1} lapsed, {2}",
    "receipt": "{1}",
    "rate": "{1}, rate",
    "event": "event, {1}",
    "past": "{1}, {2}, {3} dates before",
    "kept": "{1}",
}


def told(key: Key) -> str:
    """What a symbol is called."""
    if len(key) == 1:
        return TOLD.get(key[0], key[0])
    if key[0] == "ahead":
        return " ".join(key)
    return TOLD.get(key[0], "{0}, {1}").format(
        *(part.replace("_", " ") if i < 2 else part for i, part in enumerate(key))
    )


def unit_of(key: Key) -> str:
    """The unit of a symbol or an input."""
    if key[0] in ("trigger", "regime", "chosen", "event", "called", "live", "event of default"):
        return "flag"
    if key[0] in ("passes", "unpaid dates"):
        return "number"
    return "rate" if key[0] == "rate" else "money"


def names_of_curves(plan: Plan) -> dict[bytes, tuple[str, str]]:
    """What the numbers by date of a plan are, by their bytes."""
    found: dict[bytes, tuple[list[str], str, str]] = {}
    schedules = {
        prepaid: {
            name: values
            for name, values in plan.instalments.items()
            if getattr(plan.notes_by_name[name].amortisation, "prepaid", "") == prepaid
        }
        for prepaid in ("pro rata", "in order", "inverse order", "")
    }
    for what, unit, curves in (
        ("part of a year", "years", plan.accruals),
        ("part of the balance that the schedule repays", "share", schedules["pro rata"]),
        ("balance that the schedule leaves", "money", schedules["in order"]),
        ("principal that the schedule asks for", "money", schedules["inverse order"]),
        ("schedule of principal has begun", "flag", schedules[""]),
        ("legal final reached", "flag", plan.finals),
        ("after the anticipated repayment date", "flag", plan.anticipated),
        ("may be drawn", "flag", plan.available),
    ):
        for name, values in curves.items():
            said = found.setdefault(np.asarray(values, np.float64).tobytes(), ([], what, unit))
            if said[1] == what:
                said[0].append(name)
    named: dict[bytes, tuple[str, str]] = {}
    for key, (names, what, unit) in found.items():
        counts = dict.fromkeys(plan.day_counts[name] for name in names) if unit == "years" else ()
        named[key] = f"{', '.join((what, *counts))}: {', '.join(names)}", unit
    for node in plan.nodes:  # what a word says by date
        if isinstance(node, (ByDate, Stepped, Yearly)):
            small = isinstance(node, Stepped) and all(abs(value) <= 1.0 for value in node.written)
            said = node.words(), "flag" if isinstance(node, Yearly) else "number" if small else "money"
            named.setdefault(np.asarray(node.curve(plan), np.float64).tobytes(), said)
    days = plan.schedule.unadjusted[1:]
    for t, day in enumerate(days):
        flags = plan.schedule.flags_from_index(t)
        named.setdefault(flags.tobytes(), (f"on or after {day.isoformat()}", "flag"))
        named.setdefault((1.0 - flags).tobytes(), (f"before {day.isoformat()}", "flag"))
    return named


def grouped(plan: Plan, symbols: Collection[Key]) -> Iterator[tuple[str, list[Key]]]:
    """The symbols in the order of a summary: the deal's own, then those of each term, then what is remembered."""
    memory = ("past", "kept", "passes", "unpaid dates")
    names = {part.name: None for part in plan.parts}
    shown = [key for key in symbols if key[0] not in memory]
    yield "Cash and state after the date", [key for key in shown if len(key) == 1 or key[-1] not in names]
    for name in dict.fromkeys((*plan.tranches, *names)):
        yield f"{name} after the date", [key for key in shown if len(key) > 1 and key[-1] == name]
    yield "Remembered for later dates", [key for key in symbols if key[0] in memory]

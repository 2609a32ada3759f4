"""A tiny deal from text, the way a deal file says it: terms, clauses, what arrives, and what everybody gets."""

import numpy as np
import pytest
import yaml
from deals import clock, same

from structuring.documents.plain_data import Loader
from waterfalls import Account, Cap, Equity, Facility, Fee, Note, Receipts, Swap, Trigger, Waterfall, distribute
from waterfalls.language.expressions import Condition, Number
from waterfalls.plan import resolve
from waterfalls.terms.ledgers import Ledger
from waterfalls.terms.replacements import Replacement
from waterfalls.terms.term import read

PARTS = {
    "tranches": tuple[Note | Equity, ...],
    "fees": tuple[Fee, ...],
    "accounts": tuple[Account, ...],
    "facilities": tuple[Facility, ...],
    "hedges": tuple[Swap | Cap, ...],
    "ledgers": tuple[Ledger, ...],
    "replacements": tuple[Replacement, ...],
    "triggers": tuple[Trigger, ...],
    "definitions": dict[str, Number],
    "regimes": dict[str, Condition],
}


def plan_from(text, *, periods=3, frequency="annual", dates=None):
    """The plan that a text describes: the fields of a deal file without collateral; 'E' is the equity unless said."""
    document, found, parts = yaml.load(text, Loader=Loader), [], {}
    waterfall = document.pop("waterfall")
    if isinstance(waterfall, dict):
        parts["waterfall"] = {name: read(Waterfall, list_, name, found) for name, list_ in waterfall.items()}
    else:
        parts["waterfall"] = read(Waterfall, waterfall, "waterfall", found)
    assert document.keys() <= PARTS.keys(), document.keys() - PARTS.keys()
    parts |= {name: read(PARTS[name], said, name, found) for name, said in document.items()}
    assert not found, "\n".join(map(str, found))
    tranches = parts.pop("tranches", ())
    if not any(isinstance(tranche, Equity) for tranche in tranches):
        tranches = (*tranches, Equity("E"))
    return resolve("tiny", "USD", dates or clock(periods, frequency), tranches=tranches, **parts)


def flows_from(plan, *, rates=None, events=None, **receipts):
    """The flows of a plan by the reference engine, after seeing that the fast one gives the same bits."""
    given = Receipts(
        plan.schedule.ends, **{name: np.array(field, float) for name, field in receipts.items()}, events=events
    )
    flows = distribute(plan, given, rates=rates, engine="reference")
    same(flows, distribute(plan, given, rates=rates, engine="fast"))
    return flows


def row(flows, said):
    """One scenario's row of what a text says: 'interest A', 'account reserve', 'symbol credited A'."""
    kind, _, name = said.partition(" ")
    if kind == "symbol":
        return flows[tuple(name.split(" ", 1))][0].tolist()
    table = {
        "residual": flows.interest,
        "account": flows.accounts,
        "fee": flows.fees,
        "expense": flows.expenses,
        "trigger": flows.triggers,
    }
    found = table[kind] if kind in table else getattr(flows, kind)
    return found[name][0].tolist()


def same_cash(flows, expected):
    """Asserts the rows of a run against numbers worked out by hand."""
    for said, amounts in expected.items():
        assert row(flows, said) == pytest.approx(amounts, rel=1e-12, abs=1e-9), said


TOLD = {  # what a step calls a payment: the key of the flows
    "interest of ": ("paid", "interest"),
    "additional of ": ("paid", "additional"),
    "fee of ": ("paid", "fee"),
    "expense of ": ("paid", "expense"),
    "hedge of ": ("paid", "hedge"),
    "principal of ": ("principal",),
    "remainder to ": ("residual",),
    "premium on ": ("premium",),
    "into ": ("deposited",),
    "drawn on ": ("drawn",),
    "purchase of ": ("spent",),
    "written down ": ("written down",),
    "written up ": ("written up",),
    "to the debit of ": ("debited",),
    "to the credit of ": ("credited",),
}


def explained_as_paid(flows):
    """Asserts that what `explain` tells of each date is what was paid, claim by claim."""
    for t, date in enumerate(flows.dates):
        explained = flows.explain("given", date)
        told: dict = {}
        for step in explained.steps:
            assert step.applied or not step.moved
            for item, amount in step.moved.items():
                said = next((said for said in TOLD if item.startswith(said)), None)
                assert said is not None or item == "proceeds of the collateral", item
                key = ("proceeds",) if said is None else (*TOLD[said], item.removeprefix(said))
                told[key] = told.get(key, 0.0) + amount
        kinds = {kind[0] for kind in TOLD.values()} | {"proceeds"}
        for key in flows.plan.flows:
            if key[0] in kinds and key[:2] != ("paid", "scheduled"):
                assert told.get(key, 0.0) == pytest.approx(flows[key][0, t], abs=1e-9), key
        assert explained.steps[-1].cash == pytest.approx(flows[("cash",)][0, t], abs=1e-9)
        assert f"{date.day} {date:%B %Y}" in str(explained)

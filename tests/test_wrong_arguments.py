"""Every public function and term, every argument, every kind of wrong value: one of our errors, or a sound result.

A row of `CALLS` is a call that works. Each of its arguments is replaced by each of `WRONG` in turn: what is raised is a
`FirstLossError`, what is returned holds no NaN where the right call holds none, and nothing warns.
"""

import dataclasses
import datetime
import functools
import importlib
import inspect
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from deals import clock

import pricing
import structuring
import waterfalls
from pricing.structure.terms.structure_terms import Structure
from structuring.collateral.bonds import Bond
from structuring.collateral.property_loan import Property
from structuring.runs.book import Position
from waterfalls.errors import FirstLossError
from waterfalls.plan import resolve

DATE = datetime.date
NAMES = Path(__file__).with_name("public_names.txt").read_text("utf-8").split()
ITSELF: list = []
ITSELF.append(ITSELF)
WRONG = {
    "None": None,
    "a text": "nonsense",
    "an empty text": "",
    "NaN": float("nan"),
    "infinity": float("inf"),
    "a negative number": -1.0,
    "a negative count": -1,
    "an enormous number": 1e300,
    "a number out of place": 7,
    "a truth": True,
    "an array": np.ones((2, 3, 4)),
    "an array of NaN": np.full(3, np.nan),
    "an object": object(),
    "a class": int,
    "a list": [],
    "a list of None": [None],
    "a list of texts": ["nonsense"],
    "a mapping": {},
    "a mapping of None": {"A": None},
    "a mapping of NaN": {"A": float("nan")},
    "a complex number": 1j,
    "bytes": b"nonsense",
    "a number of NumPy": np.float32(0.5),
    "a number that no float holds": 10**400,
    "an array without dimensions": np.array(np.nan),
    "an array of complex numbers": np.ones((1, 4), complex),
    "a list in itself": ITSELF,
    "a moment": datetime.datetime(2026, 5, 1, 12, 30),
}
TEMPLATE = Path(pricing.__file__).parent / "template"


@functools.cache
def world():
    """A small deal, its market and scenarios, and one result of each kind."""
    deal = structuring.load_deal(TEMPLATE / "deal.yaml")
    market = pricing.load_market(TEMPLATE / "market.yaml")
    scenarios = structuring.load_scenarios(TEMPLATE / "scenarios.yaml")
    rates = pricing.projected(market, deal)
    flows = structuring.run(deal, scenarios, rates=rates)
    prices = pricing.price(flows, market, [pricing.SpreadShock.parallel(bp=100)])
    losses = pricing.who_bears(prices, deal.holdings, reference=(scenarios[0].name, "unchanged"))
    when = clock(4, "quarterly")
    plan = resolve(
        "toy", "USD", when,
        tranches=[waterfalls.Note("A", 100.0, coupon=waterfalls.Floating("SOFR", 0.01)), waterfalls.Equity("E")],
        waterfall=waterfalls.pay(waterfalls.interest("A")) >> waterfalls.pay(waterfalls.residual("E")),
    )  # fmt: skip
    return {
        "deal": deal, "market": market, "scenarios": list(scenarios), "scenario": scenarios[0], "rates": rates,
        "flows": flows, "prices": prices, "losses": losses, "plan": plan,
        "receipts": waterfalls.Receipts(when.ends, interest=np.ones(4)), "institutions": pricing.load_institutions(),
        "shock": pricing.SpreadShock.parallel(bp=100), "book": structuring.load_book(BOOK),
    }  # fmt: skip


BOOK = Path(structuring.__file__).parent / "library" / "ai-debt-market" / "book.yaml"
FACTORIES = tuple(
    f"pricing.SpreadShock.{name}"
    for name in ("parallel", "by_tranche", "by_rating", "by_seniority", "relative", "override", "to_price", "twist")
)
SPENT = DATE(2030, 1, 15)


def calls(tmp):
    """A call of each public name that works: its arguments by name, `*` for those that have none."""
    w = world()
    deal, market, flows, prices, losses = (w[key] for key in ("deal", "market", "flows", "prices", "losses"))
    scenario, scenarios, shock, rates = w["scenario"], w["scenarios"], w["shock"], w["rates"]
    first = scenarios[0].name
    note = next(name for name, tranche in flows.plan.notes_by_name.items())
    matrix, vector = {"x": {"y": 1.0}, "y": {"x": 0.5}}, {"x": 3.0, "y": 2.0}
    desk = structuring.Book("desk", as_of=market.valuation, positions=[Position(deal)])
    generation = structuring.Generation(
        "g", deliveries={DATE(2026, 1, 1): 10.0}, cost=1.0, resale=(0.5, 0.2), market_price=1.0
    )
    leases = {"name": "t", "rent": 10.0, "ends": SPENT}
    return {
        "pricing.Bump": {"moves": (), "name": "b"},
        "pricing.Market": {
            "curve": 0.04, "quotes": {"A": 0.01}, "valuation": DATE(2026, 1, 15), "currency": "USD", "otherwise": 0.02,
            "government": 0.03, "swap": 0.03, "projections": {"SOFR": 0.04}, "fixings": {"SOFR": {DATE(2026, 1, 5): 0.04}},
            "fx": {"EUR": 1.1}, "today": False, "ex_coupon": 5,
        },
        "pricing.SpreadShock": {"moves": (), "name": "s"},
        "pricing.SpreadShock.parallel": {"bp": 100.0, "name": "s"},
        "pricing.SpreadShock.by_tranche": {"bp": {"A": 1.0}, "name": "s"},
        "pricing.SpreadShock.by_rating": {"bp": {"A": 1.0}, "name": "s"},
        "pricing.SpreadShock.by_seniority": {"bp": 1.0, "beta": 1.2, "name": "s"},
        "pricing.SpreadShock.relative": {"factor": 1.0, "name": "s"},
        "pricing.SpreadShock.override": {"bp": {"A": 1.0}, "name": "s"},
        "pricing.SpreadShock.to_price": {"price": {"A": 99.0}, "name": "s"},
        "pricing.SpreadShock.twist": {"bp": {1.0: 1.0, 5.0: 2.0}, "name": "s"},
        "pricing.Stress": {"scenario": first, "shock": shock},
        "pricing.borne": {"holdings": deal.holdings, "market": market, "shocks": shock, "reference": flows, "against": (first, "unchanged")},
        "pricing.breakeven": {"deal": deal, "scenario": scenario, "driver": "rent", "market": market, "worst": 0.0},
        "pricing.bridge": {"flows": flows, "losses": losses, "reference": first, "shock": "unchanged"},
        "pricing.chain": {"deal": deal, "flows": flows, "losses": losses, "institutions": w["institutions"], "scenario": first, "shock": "unchanged", "mode": "thresholds"},
        "pricing.clearing": {"liabilities": matrix, "assets": vector, "external": vector, "external_ranks": "senior", "alpha": 1.0, "beta": 1.0, "scenarios": None},
        "pricing.committee": {"deal": deal, "scenario": scenarios[-1], "market": market, "shocks": shock, "drivers": None, "reference": scenario},
        "pricing.contagion": {"losses": losses, "institutions": w["institutions"], "prices": None, "other_assets": None, "depth": None, "mode": "thresholds", "cell": (first, "unchanged"), "rounds": 3, "impact": "exponential", "caps": False, "liabilities": None},
        "pricing.effective": {"deal": deal, "scenarios": scenario, "market": market, "measures": None},
        "pricing.expected": {"flows": flows, "market": market, "promised": flows, "under": "real", "discounts": None, "reference": None},
        "pricing.hold": {"book": desk, "scenarios": scenario, "markets": market, "shocks": shock, "reference": first, "engine": "reference", "workers": 1, "progress": None},
        "pricing.load_institutions": {"path": None},
        "pricing.load_market": {"path": TEMPLATE / "market.yaml"},
        "pricing.look_through": {"losses": {"fund": 1.0}, "owners": {"fund": {"households": 1.0}}, "ends": ["households"], "shares": None, "scenarios": None},
        "pricing.off_balance_sheet": {"deal": deal, "flows": flows, "losses": losses, "shock": "unchanged"},
        "pricing.price": {"flows": flows, "market": market, "shocks": [shock], "pairs": None, "reference": first, "before": None},
        "pricing.priced": {"market": market, "shocks": [shock], "reference": flows, "measures": ("npv",)},
        "pricing.projected": {"market": market, "deal": deal},
        "pricing.reprice": {"deal": deal, "scenarios": scenario, "market": market, "bumps": pricing.Bump.rates(bp=1) if hasattr(pricing.Bump, "rates") else None, "reference": first, "engine": "auto"},
        "pricing.reverse_stress": {"measure": lambda x: x, "target": 0.5, "low": 0.0, "high": 1.0, "tolerance": 0.001, "steps": 16},
        "pricing.since_issue": {"flows": flows, "days": {"issue": market, "today": market.shifted(10)}, "scenario": first},
        "pricing.stressed": {"stress": "refinancing freeze", "deal": deal, "scale": 1.0, "start": DATE(2027, 1, 1), "on": None},
        "pricing.load_structure": {"path": TEMPLATE / "structure.yaml"},
        "pricing.structured": {"deal": deal, "terms": Structure({"equity": "rest"}), "scenarios": scenarios, "market": market, "near": None, "progress": None},
        "pricing.to_quantlib_bond": {"flows": flows, "tranche": note, "scenario": first, "valuation": market.valuation},
        "pricing.to_quantlib_leg": {"flows": flows, "tranche": note, "scenario": first},
        "pricing.who_bears": {"prices": prices, "holdings": deal.holdings, "reference": (first, "unchanged")},
        "pricing.write_report": {"path": tmp / "r.html", "deal": deal, "flows": flows, "prices": prices, "losses": losses, "market": market, "scenario": first, "shock": None, "breakevens": (), "chain": None, "further": None, "solution": None},
        "pricing.write_workbook": {"path": tmp / "r.xlsx", "deal": deal, "flows": flows, "prices": prices, "losses": losses, "market": market, "scenario": first, "shock": None, "breakevens": (), "chain": None, "further": None, "solution": None},
        "pricing.write_model": {"path": tmp / "m.xlsx", "flows": flows, "losses": losses, "market": market, "scenario": first},
        "pricing.yield_to_maturity": {"flows": flows, "market": market, "tranche": note, "price": 100.0},
        "pricing.z_spread": {"flows": flows, "market": market, "tranche": note, "price": 100.0, "per_year": 2},
        "structuring.Book": {"name": "b", "as_of": w["book"].as_of, "positions": w["book"].positions, "currency": w["book"].currency, "sources": {}},
        "structuring.BondPortfolio": {"bonds": (Bond("o", 10.0, coupon=0.05, maturity=SPENT),), "default": None, "recovery_lag": 12},
        "structuring.ComputeContract": {"fleet": (generation,), "contract": None, "as_of": DATE(2026, 1, 1), "utilisation": 1.0, "unit_cost": 0.0, "cost_growth": 0.0, "power_price": 0.0},
        "structuring.Project": {"lease": structuring.LeaseWithOptions("t", 1.0, begins=DATE(2026, 1, 1), initial=5, option=5, maximum=15), "residual": {5: 10.0}, "guarantee": None, "budget": {DATE(2026, 1, 1): 1.0}, "escrow": None, "operating_cost": 1.0, "cost_growth": 0.0, "sale_lag": 12.0, "share": 1.0},
        "structuring.PropertyLoan": {"borrower": "b", "balance": 100.0, "coupon": 0.06, "maturity": SPENT, "properties": (Property("p", allocated=100.0, income=10.0, value=150.0),), "day_count": "30/360", "strike": None, "extensions": (), "extends": "when it may", "refinancing_ltv": 0.6, "support": 0.0, "release_price": 1.15, "recovery_lag": 12, "sale_cost": 0.1, "advances": True, "advance_rate": 0.08, "appraisal_share": 0.9, "appraisal_after": 4},
        "structuring.study_book": {"book": desk, "scenarios": scenario, "measure": structuring.summary(), "rates": rates, "chunk": 2, "workers": 1, "executor": None, "progress": None},
        "structuring.Copula": {"asset_correlation": 0.2, "between": 0.1, "degrees": 5},
        "structuring.Deal": {f.name: getattr(deal, f.name) for f in dataclasses.fields(deal)},
        "structuring.Escrow": {"balance": 1.0, "rate": 0.01},
        "structuring.Generation": {"name": "g", "deliveries": {DATE(2026, 1, 1): 10.0}, "cost": 1.0, "resale": (0.5, 0.2), "market_price": 1.0, "price_growth": 0.0, "power": 1.0},
        "structuring.Holdings": {"shares": {"A": {"banks": 1.0}}, "named": {}, "members": {}, "cells": {}, "purchase_prices": {}},
        "structuring.HullWhite": {"mean_reversion": 0.1, "volatility": 0.01},
        "structuring.LeasePortfolio": {"tenants": (structuring.Tenant(**leases),), "as_of": DATE(2026, 1, 1), "operating_cost": 1.0, "cost_growth": 0.0, "vacancy": 0.0, "cap_rate": 0.06, "day_count": "actual/365F"},
        "structuring.LeaseWithOptions": {"tenant": "t", "rent": 1.0, "begins": DATE(2026, 1, 1), "initial": 5, "option": 5, "maximum": 15, "escalator": 0.0, "renewal": 1.0},
        "structuring.LoanLine": {"balance": 100.0, "rate": 0.05, "remaining_term": 36, "age": 0, "interest_only": 0, "payment": "level", "amortisation_term": None, "principal": (), "frequency": "monthly", "day_count": "30/360", "reset": None, "first_rate": None, "first_reset": 0, "periodic_cap": None},
        "structuring.LoanPool": {"lines": (structuring.LoanLine(100.0, 0.05, remaining_term=36),), "prepayment": "6% CPR", "default": "2% CDR", "default_curve": None, "delinquency": None, "balloon_default": 0.0, "severity": 0.4, "recovery_lag": 3, "recovery_timing": (), "prepayment_penalty": (), "order": "sifma", "advances": False, "servicing": 0.0, "first_payment": None},
        "structuring.Paths": {"count": 3, "seed": 1, "draw": None, "severity": np.full(3, 0.4)},
        "structuring.Scenario": {"name": "s", **{f.name: None for f in dataclasses.fields(structuring.Scenario) if f.name not in ("name", "others")}, "others": {}},
        "structuring.SectorModel": {"copula": structuring.Copula(0.2), "hazard": 0.02, "hazards": {}, "sectors": {}, "breach": 0.01, "resale_elasticity": 1.0, "non_renewal": 0.1, "sale_lag": 12.0, "sobol": False},
        "structuring.Sponsor": {"name": "s", "consolidated": False, "maximum_exposure": 1.0},
        "structuring.TakeOrPay": {"counterparty": "c", "ends": SPENT, "months": None, "price": 1.0, "monthly": None, "renewal": 0.0, "renewal_rent": 1.0},
        "structuring.Tenant": {**leases, "begins": None, "escalator": 0.0, "renewal": 0.5, "renewal_rent": 1.0, "downtime": 12.0, "re_let_rent": 1.0, "new_term": None, "cost_share": 0.0},
        "structuring.ValueGuarantee": {"guarantor": "g", "guaranteed": {5: 10.0}, "cap": None, "years": 10, "lag": 0.0},
        "structuring.abs_speed": {"speed": 0.013, "months": 60},
        "structuring.cdr": {"rate": 0.02, "months": 60, "dates": None},
        "structuring.cpr": {"rate": 0.06, "months": 60, "dates": None},
        "structuring.psa": {"multiple": 1.5, "months": 60},
        "structuring.sda": {"multiple": 1.0, "months": 60},
        "structuring.load_book": {"path": BOOK},
        "structuring.load_deal": {"path": TEMPLATE / "deal.yaml"},
        "structuring.load_scenarios": {"path": TEMPLATE / "scenarios.yaml"},
        "structuring.load_stress": {"path": "refinancing freeze"},
        "structuring.run": {"deal": deal, "scenarios": scenarios, "rates": rates, "engine": "auto"},
        "structuring.save_deal": {"deal": deal, "path": tmp / "d.yaml"},
        "structuring.study": {"deal": deal, "scenarios": scenarios, "measure": structuring.summary(), "rates": rates, "engine": "auto", "chunk": 2, "workers": 1, "executor": None, "progress": None},
        "waterfalls.Account": {"name": "a", "target": 1.0, "balance": 0.0, "rate": 0.01, "day_count": "actual/360", "income_on": None, "stays": False},
        "waterfalls.Cap": {"name": "c", "notional": 1.0, "index": "SOFR", "strike": 0.04, "begins": None, "ends": SPENT, "reset_lag": 0, "day_count": "actual/360"},
        "waterfalls.EqualInstalments": {"first": SPENT, "count": 3, "share": 1.0, "prepaid": "pro rata"},
        "waterfalls.Equity": {"name": "E", "notional": 1.0, "commitment": 0.0},
        "waterfalls.Facility": {"name": "f", "limit": 1.0, "coupon": waterfalls.Fixed(0.05), "balance": 0.0, "arrears": 0.0, "expires": None, "revolving": True, "day_count": "actual/360"},
        "waterfalls.Fee": {"name": "f", "annual": 1.0, "rate": None, "on": None, "amount": None, "when": None, "day_count": "30/360", "arrears": 0.0, "lapses": False},
        "waterfalls.Fixed": {"rate": 0.05, "step_up": {}, "step_up_while": {}},
        "waterfalls.Floating": {"index": "SOFR", "margin": 0.01, "multiple": 1.0, "cap": None, "floor": None, "reset_lag": 0, "resets": "monthly", "compounded": False, "step_up": {}, "step_up_while": {}},
        "waterfalls.Instalments": {"amounts": {SPENT: 1.0}, "prepaid": "pro rata"},
        "waterfalls.LevelPayments": {"first": SPENT, "count": 3, "rate": 0.05, "prepaid": "pro rata"},
        "waterfalls.Note": {"name": "A", "notional": 1.0, "coupon": waterfalls.Fixed(0.05), "balance": None, "arrears": 0.0, "day_count": None, "deferrable": False, "grace": 0, "interest_on_arrears": False, "lapses": False, "interest_on": None, "capitalises": None, "amortisation": None, "anticipated_repayment": None, "additional_rate": 0.0, "maturity": None, "available_until": None, "revolving": False, "rating": None},
        "waterfalls.Receipts": {"dates": w["receipts"].dates, "interest": np.ones(4), "principal": None, "events": None, "scenarios": None},
        "waterfalls.Sculpted": {"dscr": 1.3, "first": SPENT},
        "waterfalls.Swap": {"name": "h", "notional": 1.0, "pay": waterfalls.Fixed(0.05), "receive": None, "day_count": "actual/360", "arrears": 0.0},
        "waterfalls.Trigger": {"name": "t", "test": "dscr() < 1.2", "cure": 1, "cured_by": None, "latch": False, "on": False},
        "waterfalls.Waterfall": {"clauses": (waterfalls.pay(waterfalls.residual("E")),)},
        "waterfalls.at_start": {"inner": waterfalls.balance("A")},
        "waterfalls.distribute": {"plan": w["plan"], "receipts": w["receipts"], "rates": {"SOFR": 0.04}, "engine": "auto"},
        "waterfalls.dscr": {"*": "A", "trailing": 1},
        "waterfalls.ic_ratio": {"name": "A", "trailing": 1, "of": None},
        "waterfalls.oc_ratio": {"name": "A", "of": None},
        "waterfalls.pay": {"*": waterfalls.interest("A"), "sharing": None, "shares": None},
        "waterfalls.trigger": {"name": "A"},
        **{f"waterfalls.{name}": {"*": "A"} for name in ("balance", "expense", "fee", "interest", "principal", "residual", "scheduled_principal", "top_up")},
    }  # fmt: skip


def called(name, given):
    """Calls a public name, or a factory of it."""
    package, *steps = name.split(".")
    made = functools.reduce(getattr, steps, importlib.import_module(package))
    return made(*([given["*"]] if "*" in given else []), **{key: value for key, value in given.items() if key != "*"})


NO_CALL = {  # results, made by functions alone; what asset classes and words are written with; what needs nothing or is a value
    "structuring.Asset", "structuring.Clock", "structuring.Drivers", "waterfalls.term", "waterfalls.Clause",
    "waterfalls.Need", "waterfalls.Number", "waterfalls.word",
    "pricing.HeldBook", "pricing.Institutions", "pricing.Losses", "pricing.Prices", "pricing.UNCHANGED", "structuring.summary",
    "waterfalls.Cashflows", "waterfalls.pool_balance", "waterfalls.principal_collections",
}  # fmt: skip
SLOW = {  # of these every so many kinds only
    "pricing.committee": 11, "pricing.breakeven": 4, "pricing.hold": 3, "pricing.write_report": 4, "pricing.write_workbook": 4,
    "pricing.write_model": 4,
}  # fmt: skip


def not_numbers(result):
    """Whether a result holds NaN: an array, the flows, or the values of prices and losses."""
    if isinstance(result, waterfalls.Cashflows):
        arrays = [result.interest[name] for name in result.tranches]
    elif isinstance(result, pricing.Prices):
        arrays = [result.npv]
    elif isinstance(result, np.ndarray):
        arrays = [result]
    elif isinstance(result, float):
        arrays = [np.array(result)]
    else:
        return False
    return any(np.isnan(array).any() for array in arrays)


def test_every_public_name_is_tried(tmp_path):
    tried = {".".join(name.split(".")[:2]) for name in calls(tmp_path)}
    assert tried | NO_CALL == set(NAMES), tried ^ (set(NAMES) - NO_CALL)


def test_every_argument_is_tried(tmp_path):
    for name, given in calls(tmp_path).items():
        package, *steps = name.split(".")
        made = functools.reduce(getattr, steps, importlib.import_module(package))
        named = {"*" if p.kind == p.VAR_POSITIONAL else p.name for p in inspect.signature(made).parameters.values()}
        assert given.keys() <= named | {"severity"}, name  # paths take drivers by name
        left_out = named - given.keys()
        assert not left_out or name in LEFT_OUT, (name, left_out)


LEFT_OUT = {"waterfalls.Receipts", "structuring.Paths", "pricing.chain", "structuring.SectorModel"}  # many of one kind


@pytest.mark.parametrize("name", sorted({*NAMES, *FACTORIES} - NO_CALL))
def test_a_wrong_argument_is_refused_in_our_words(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a text may be taken as the path of a new file
    given = calls(tmp_path)[name]
    wrong = {key: WRONG[key] for key in list(WRONG)[:: SLOW[name]]} if name in SLOW else WRONG
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not not_numbers(called(name, given))
        for argument in given:
            for what, value in wrong.items():
                try:
                    result = called(name, {**given, argument: value})
                except FirstLossError:
                    continue
                except Exception as error:
                    raise AssertionError(f"{name}({argument}={what}): {type(error).__name__}: {error}") from error
                assert not not_numbers(result), (argument, what)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda w: structuring.run(w["deal"], None), "scenarios: must be a Scenario or a list of them, got None"),
        (lambda w: structuring.load_deal(None), "path: must be a path, got None"),
        (lambda w: structuring.save_deal(w["deal"], "no/such/folder/deal.yaml"), "deal.yaml cannot be written: No such"),
        (lambda w: structuring.study(w["deal"], w["scenarios"], measure=None), "measure: must be a measure, with of"),
        (lambda w: pricing.price(w["flows"], w["market"], 100), r"shocks: must be a SpreadShock or a list of them, such as SpreadShock.parallel\(bp=100\), got 100"),
        (lambda w: pricing.Market(0.04, valuation="2026-11-20"), "valuation: must be a date without a time of day"),
        (lambda w: rated(w, {"SOFR": None}), r"rates\['SOFR'\]: must be finite numbers, got None"),
        (lambda w: rated(w, {"SOFR": "4%"}), r"rates\['SOFR'\]: must be finite numbers, got '4%'"),
        (lambda w: rated(w, {}), "rates: the deal reads 'SOFR', and no rate is given: rates={'SOFR': 0.04}"),
        (lambda w: pricing.price(w["flows"], w["market"], pricing.SpreadShock.parallel(bp=-1e6)), "spreads are from -100%"),
        (lambda w: pricing.price(w["flows"], pricing.Market(0.04, valuation=DATE(2090, 1, 1), otherwise=0.0)), "nothing is left to value"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("error")
def test_what_is_wrong_is_said_with_what_is_allowed(make, words):
    with pytest.raises(FirstLossError, match=words):
        make(world())


def rated(w, rates):
    return waterfalls.distribute(w["plan"], w["receipts"], rates=rates)


# Dates of others ------------------------------------------------------------------------------------------------------


DAY = DATE(2026, 5, 1)
SAME = [
    pd.Timestamp("2026-05-01"), np.datetime64("2026-05-01"), np.datetime64("2026-05-01T00:00:00"),
    datetime.datetime(2026, 5, 1), ql.Date(1, 5, 2026),
]  # fmt: skip
NO_DAY = [
    pd.Timestamp("2026-05-01 12:00"), pd.Timestamp("2026-05-01", tz="UTC"), pd.NaT, np.datetime64("NaT"),
    np.datetime64("2026-05-01T10"), datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC), ql.Date(),
]  # fmt: skip
TAKEN = {
    "a field": lambda day: waterfalls.LevelPayments(day, 3).first,
    "the keys of a field": lambda day: next(iter(waterfalls.Instalments({day: 1.0}).amounts)),
    "a driver": lambda day: structuring.Scenario("s", sale=day).sale,
    "a step of a driver": lambda day: next(iter(structuring.Scenario("s", rent={day: 0.5}).rent)),
    "a valuation date": lambda day: pricing.Market(0.04, valuation=day).valuation,
    "a fixing": lambda day: next(iter(pricing.Market(0.04, valuation=DAY, fixings={"X": {day: 0.01}}).fixings["X"])),
    "a node of a curve": lambda day: pricing.Market({day: 0.9}, valuation=DATE(2026, 1, 15)).curve.end,
    "receipts": lambda day: waterfalls.Receipts([day]).dates[0],
}


@pytest.mark.parametrize("where", TAKEN)
def test_dates_of_others_are_taken_where_they_say_one_day(where):
    for given in (DAY, *SAME):
        assert type(TAKEN[where](given)) is DATE and TAKEN[where](given) == DAY
    for given in NO_DAY:
        with pytest.raises(FirstLossError):
            TAKEN[where](given)


def test_a_rate_alone_is_a_curve_from_the_flows_own_start():
    flows = world()["flows"]
    start = flows.plan.schedule.payment[0]
    np.testing.assert_array_equal(
        pricing.price(flows, 0.05).npv, pricing.price(flows, pricing.Market(0.05, valuation=start, otherwise=0.0)).npv
    )


def test_a_curve_that_starts_earlier_is_taken_from_the_valuation_date_on():
    """P(t) / P(valuation), of a discount curve from today beside a projection curve from spot, and the other way."""
    today, spot = DATE(2026, 11, 20), DATE(2026, 11, 24)
    whole = ql.FlatForward(ql.Date(20, 11, 2026), 0.04, ql.Actual365Fixed())
    market = pricing.Market(0.03, valuation=spot, projections={"SOFR": whole})
    assert market.projections["SOFR"].discount(DATE(2027, 11, 24)) == pytest.approx(np.exp(-0.04), abs=1e-12)
    with pytest.raises(FirstLossError, match="covers 2026-11-24 to .* the valuation date is 2026-11-20: it must start"):
        pricing.Market(0.03, valuation=today, projections={"SOFR": market.curve})


NONSENSE = {
    "a quote of an amount": (lambda w: pricing.Market(0.04, {"A": {"price": 98_500.0}}, valuation=DAY), r"Market.quotes\['A'\]: a price must be above 0 and at most 1000, per 100"),
    "a shock to an amount": (lambda w: pricing.SpreadShock.to_price(price={"A": 98_500.0}), r"ToPrice.price\['A'\]: must be less than or equal to 1000"),
    "an unknown currency": (lambda w: pricing.Market(0.04, valuation=DAY, fx={"EUX": 1.1}), r"Market.fx\['EUX'\]: there is no currency of ISO 4217 'EUX'. Did you mean 'EUR'"),
    "a rate of the own currency": (lambda w: pricing.Market(0.04, valuation=DAY, currency="USD", fx={"USD": 2.0}), r"Market.fx\['USD'\]: is the market's own currency"),
    "rates that fall below all": (lambda w: w["market"].shifted(-10_000), "bp: must be from -2000 to 10000, got -10000"),
    "a twist without years": (lambda w: w["market"].shifted({}), "bp: must be a number, or numbers by years such as {2: -25, 30: 50}, got {}"),
    "a twist by texts": (lambda w: w["market"].shifted({"2Y": 25.0}), "bp, its years: must be a number, got '2Y'"),
    "no dates": (lambda w: waterfalls.Receipts([]), "Receipts.dates: must be at least one date"),
    "dates that go back": (lambda w: waterfalls.Receipts([DAY, DATE(2026, 1, 1)]), "each after the one before"),
    "a probability above 1": (lambda w: structuring.Copula(0.2).quantile([0.5, 1.5]), "p: must be probabilities from 0 to 1, got .*1.5"),
    "a probability of NaN": (lambda w: structuring.Copula(0.2).quantile(float("nan")), "p: must be probabilities from 0 to 1, got .*nan"),
    "a measure that there is not": (lambda w: w["prices"].frame(["npw"]), "measures: there is no measure 'npw'. Did you mean 'npv'"),
    "a quantile above 1": (lambda w: structuring.study(w["deal"], w["scenario"], measure=structuring.summary(), rates=w["rates"]).frame([5.0]), r"quantiles\[0\]: must be from 0 to 1, got 5.0"),
    "a shock and a number": (lambda w: w["shock"] + 5, "what is added to a shock: must be a SpreadShock, got 5"),
    "an array as a name": (lambda w: w["flows"].interest[np.ones(2)], "there is no tranche array"),
    "paths of no deal": (lambda w: structuring.SectorModel().paths("my-deal", 5), "target: must be a Deal or a Book, got 'my-deal'"),
}  # fmt: skip


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_of_the_right_kind_is_refused(what):
    make, said = NONSENSE[what]
    with pytest.raises(FirstLossError, match=said):
        make(world())

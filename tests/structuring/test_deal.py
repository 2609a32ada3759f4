"""One deal from its file to its flows: terms, faults, round trip, both engines, streams."""

import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from structuring import (
    BondPortfolio,
    ComputeContract,
    Generation,
    Holdings,
    LeasePortfolio,
    LeaseWithOptions,
    LoanPool,
    Paths,
    Project,
    Scenario,
    TakeOrPay,
    Tenant,
    load_deal,
    load_scenarios,
    run,
    save_deal,
    study,
    summary,
)
from structuring.collateral.bonds import Bond
from structuring.deals.deal import clock, plan
from structuring.deals.deal_files import library
from structuring.deals.unusual_terms import too_late
from structuring.documents.plain_data import load
from structuring.runs.run import project
from structuring.scenarios.scenario import Drivers
from waterfalls import (
    Equity,
    Fixed,
    Note,
    Receipts,
    Trigger,
    Waterfall,
    balance,
    dscr,
    interest,
    oc_ratio,
    pay,
    principal,
    residual,
    trigger,
)
from waterfalls.errors import InvalidTerms, TooLarge, UnknownName
from waterfalls.words import release

TOY = Path(__file__).with_name("toy.yaml")
RATES = {"SOFR": 0.04}


@pytest.fixture(scope="module")
def toy():
    return load_deal(TOY)


def thousand(count: int = 1000, seed: int = 3) -> Paths:
    return Paths(
        count, seed=seed, draw=lambda draws: {"default": 0.02 * draws.uniform(60), "severity": draws.uniform(1)}
    )


def same(one, other) -> bool:
    return all(np.array_equal(one[key], other[key]) for key in one.plan.outputs)


def test_both_engines_agree_to_the_bit_on_one_scenario_and_on_a_thousand(toy):
    for scenarios in (Scenario("base"), thousand()):
        slow = run(toy, scenarios, rates=RATES, engine="reference")
        fast = run(toy, scenarios, rates=RATES, engine="fast")
        assert same(slow, fast)
        fast.check()


def test_what_says_the_same_is_resolved_once(toy):
    again = load_deal(TOY)
    later = dataclasses.replace(toy, tranches=(*toy.tranches[:-1], Equity(toy.tranches[-1].name, 1.0)))
    assert again is not toy and plan(again) is plan(toy)
    assert plan(dataclasses.replace(toy, collateral=run(toy, rates=RATES).receipts, sources={})) is plan(toy)
    assert plan(later) is not plan(toy) and clock(later) is clock(toy)
    assert plan(later).tranches[toy.tranches[-1].name].notional == 1.0
    shorter = dataclasses.replace(toy, maturity=clock(toy).unadjusted[-2])
    assert plan(shorter).schedule.periods == plan(toy).schedule.periods - 1


def test_the_thousand_differ_and_the_latch_holds(toy):
    flows = run(toy, thousand(), rates=RATES)
    assert len(np.unique(flows.balance["B"][:, -1])) > 100
    on = flows.triggers["turbo"]
    assert on.max() == 1.0 and (np.diff(on, axis=1) >= 0.0).all()


@pytest.mark.parametrize("chunk", [1, 7, 128, 300, 1000])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_study_has_the_same_numbers_for_any_chunk_and_any_number_of_workers(toy, chunk, workers):
    paths = thousand(300)
    whole = study(toy, paths, measure=summary(), rates=RATES, chunk=300, engine="fast")
    parts = study(toy, paths, measure=summary(), rates=RATES, chunk=chunk, workers=workers)
    for name, array in whole.totals.items():
        assert np.array_equal(array, parts.totals[name], equal_nan=True), name


@pytest.mark.parametrize("name", ["toy", *library()])
def test_a_deal_file_reads_back_what_was_written(name, toy, tmp_path):
    deal = toy if name == "toy" else load_deal(name)
    for suffix in (".yaml", ".json"):
        save_deal(deal, tmp_path / f"deal{suffix}")
        assert load_deal(tmp_path / f"deal{suffix}") == deal


LOANS, MACHINES = ("default", "severity"), ("gpu_price", "residual_value")
DRIVERS = {
    "toy": LOANS,
    "ai-credit-clo": LOANS,
    "data-centre-srt": LOANS,
    "mezz-abs-cdo-2006": LOANS,
    "coreweave-ddtl-4": MACHINES,
    "iren-hardware-3": MACHINES,
    "tpu-lease-2026": MACHINES,
}


@pytest.mark.parametrize("name", ["toy", *library()])
@settings(max_examples=max(4, settings().max_examples // 20))
@given(data=st.data())
def test_variants_of_the_shipped_deals_agree_in_both_engines(name, data):
    """Sizes, rates, the stress and a driver are drawn; the documents are as shipped."""
    deal = load_deal(TOY if name == "toy" else name)
    scenarios = (Scenario("base"),) if name == "toy" else load_scenarios(name)
    scale = data.draw(st.floats(0.7, 1.1))
    resized = [
        dataclasses.replace(t, notional=t.notional * scale, balance=None if t.balance is None else t.balance * scale)
        if isinstance(t, Note)
        else t
        for t in deal.tranches
    ]
    driver = data.draw(st.sampled_from(DRIVERS.get(name, ("rent", "value"))))
    level = data.draw(st.floats(0.0, 0.05) if driver == "default" else st.floats(0.2, 1.0))
    stress = dataclasses.replace(data.draw(st.sampled_from(scenarios)), name="drawn", **{driver: level})
    index = data.draw(st.floats(-0.01, 0.12))
    arguments = (dataclasses.replace(deal, tranches=resized), [*scenarios, stress])
    rates = {"SOFR": index, "SONIA": index, "EURIBOR": index}
    assert same(run(*arguments, rates=rates, engine="reference"), run(*arguments, rates=rates, engine="fast"))


def numbers_in(data, place=""):
    """The path of every number of a document."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from numbers_in(
                value, f"{place}.{key}" if str(key).replace("_", "").isalnum() else f"{place}[{key!r}]"
            )
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from numbers_in(value, f"{place}[{i}]")
    elif isinstance(data, (int, float)) and not isinstance(data, bool):
        yield place.lstrip(".")


@pytest.mark.parametrize("name", library())
@pytest.mark.parametrize("file", ["deal.yaml", "market.yaml"])
def test_every_number_of_a_shipped_deal_says_where_it_comes_from(name, file):
    data = load(library()[name].with_name(file))
    sources = data.pop("sources")
    for source in sources.values():
        assert set(source) == {"assumption"} or set(source) == {"tier", "source"}
        assert source.get("tier", "P") in ("P", "R", "B", "A", "D")
    missing = [
        place for place in numbers_in({key: value for key, value in data.items() if not key.startswith("firstloss")})
        if not any(place == known or place.startswith((f"{known}.", f"{known}[")) for known in sources)
    ]  # fmt: skip
    assert not missing
    placed = list(numbers_in(data))
    silent = [known for known in sources if known.split(".")[0].split("[")[0] not in data]
    assert not silent and placed


def test_without_scenarios_the_base_case_runs(toy):
    alone, said = run(toy, rates=RATES), run(toy, Scenario("base"), rates=RATES)
    assert list(alone.scenarios) == ["base"]
    for tranche in toy.tranches:
        np.testing.assert_array_equal(alone.cash(tranche.name), said.cash(tranche.name))


def test_unpaid_interest_is_owed_until_paid(toy):
    """Two periods without collections: B's interest is owed, and paid before equity gets anything."""
    deal = dataclasses.replace(
        toy,
        frequency="annual",
        first_payment=dt.date(2027, 1, 15),
        calendar="none",
        tranches=[
            Note("A", 700.0, coupon=Fixed(0.05)),
            Note("B", 100.0, coupon=Fixed(0.05), deferrable=True),
            Equity("E", 200.0),
        ],
        fees=[],
        accounts=[],
        triggers=[],
        waterfall=pay(interest("A"))
        >> pay(interest("B"))
        >> pay(principal("A", "B"), sharing="sequential")
        >> pay(residual("E")),
        collateral=Receipts([dt.date(y, 1, 15) for y in range(2027, 2032)], interest=[35.0, 35.0, 60.0, 900.0, 100.0]),
    )
    flows = run(deal, Scenario("drought"))
    assert flows.shortfall["B"][0, :2].tolist() == [5.0, 5.0]
    assert flows.arrears["B"][0, 2] == 0.0 and flows.interest["E"][0, :2].sum() == 0.0
    assert flows.interest["B"][0].tolist() == [0.0, 0.0, 15.0, 5.0, 0.0]


def spoiled(tmp_path, *changes: tuple[str, str]) -> str:
    text = TOY.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (tmp_path / "spoiled.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidTerms) as caught:
        load_deal(tmp_path / "spoiled.yaml")
    return str(caught.value)


def test_three_mistakes_are_told_at_once_with_place_and_nearest_name(tmp_path):
    message = spoiled(
        tmp_path,
        ("pay(interest('B'))", "pay(interest('Bee'))"),
        ("latch: true", "lach: true"),
        ("rate: 0.001, on", "rate: cheap, on"),
    )
    assert "3 faults" in message
    assert "waterfall[3]: there is no note or facility 'Bee'. Did you mean 'B'?" in message
    assert "triggers[0]: there is no field 'lach'. Did you mean 'latch'?" in message
    assert "fees[0].rate: must be a number, got 'cheap'" in message


MISTAKES = [
    ("notional: 700.0", "notionl: 700.0", "tranches[0].note: there is no field 'notionl'. Did you mean 'notional'?"),
    ("notional: 700.0", "notional: -1.0", "tranches[0].note.notional: must be greater than 0, got -1.0"),
    ("notional: 700.0", "notional: .nan", "tranches[0].note.notional: must be a finite number, got nan"),
    ("{fixed: {rate: 0.05}}", "{fixd: {rate: 0.05}}", "coupon: there is no kind 'fixd'. Did you mean 'fixed'?"),
    ("calendar: US", "calendar: USA", "calendar: there is no calendar 'USA'. Did you mean 'US'?"),
    (
        "frequency: quarterly",
        "frequency: quaterly",
        "frequency: there is no frequency 'quaterly'. Did you mean 'quarterly'?",
    ),
    ("closing: 2026-01-15", "closing: 2026-13-15", "closing: must be a date such as 2026-11-30, got '2026-13-15'"),
    ("maturity: 2031-01-15", "maturity: 2026-01-15", "maturity: 2026-01-15 must come after first_payment 2026-04-15"),
    (
        "release('reserve')",
        "release('resreve')",
        "waterfall[0]: there is no account 'resreve'. Did you mean 'reserve'?",
    ),
    ("trigger('turbo')", "trigger('trbo')", "waterfall[6]: there is no trigger 'trbo'. Did you mean 'turbo'?"),
    ("residual('E')", "residual('A')", "waterfall[7]: there is no equity 'A'"),
    ("  - pay(residual('E'))\n", "", "can strand cash: its last clause must be pay(residual(...))"),
    ("oc_ratio('A') < 1.3", "oc_ratio('A') < 1.3 & dscr() < 1", "put each comparison in parentheses"),
    ("oc_ratio('A') < 1.3", "1.1 < oc_ratio('A') < 1.3", "write (a < b) & (b < c)"),
    ("oc_ratio('A') < 1.3", "oc_ration('A') < 1.3", "there is no word 'oc_ration'. Did you mean 'oc_ratio'?"),
    ("0.02 * balance('A')", "balance('A') / balance('B')", "can divide by zero: say what it is then"),
    ("insurers: 0.6", "insurers: 0.5", "Holdings of 'A' must sum to 1, got 0.9 (insurers 0.5, pension funds 0.4)"),
    ("    E: {sponsor: 1.0}\n", "", "holdings.shares: says nothing of 'E'"),
    ("    B: {private", "    Bb: {private", "holdings.shares: there is no tranche 'Bb'. Did you mean 'B'?"),
    ("name: B,", "name: A,", "tranches[1]: the name 'A' is borne by tranches[0] too: it stands once among tranches"),
    ("notional: 700.0", "notional: 700m", "tranches[0].note.notional: must be a number, got '700m': write 700000000"),
    ("notional: 700.0", 'notional: "USD 1,700.5"', "must be a number, got 'USD 1,700.5': write 1700.5"),
    ("{fixed: {rate: 0.05}}", "{fixed: {rate: 5%}}", "must be a number, got '5%': write 0.05"),
    ("{fixed: {rate: 0.05}}", "{fixed: {rate: 525 bp}}", "must be a number, got '525 bp': write 0.0525"),
    ("  - pay(residual('E'))\n", "  - residual('E')\n", "is not a clause: a clause pays it, pay(residual('E'))"),
    ("calendar: US", "calendar: ['US' 1]", "cannot be read as YAML: line 8, column 17: expected ',' or ']'"),
    ("calendar: US", "calendar: ['US' 1]", "inside of [ ] and { } quote a text that holds a comma"),
    ("firstloss: 1", "firstloss: 2", "this release reads version 1"),
    ("name: toy\n", "name: toy\nname: toy\n", "line 4: the key 'name' stands twice"),
    ("loan_pool:", "loan_pol:", "collateral: there is no kind 'loan_pol'. Did you mean 'loan_pool'?"),
]


@pytest.mark.parametrize(("old", "new", "said"), MISTAKES, ids=[new.strip()[:40] for _, new, _ in MISTAKES])
def test_a_mistake_is_told_with_its_place(tmp_path, old, new, said):
    assert said in spoiled(tmp_path, (old, new))


def test_mistakes_in_python_are_told_the_same_way(toy):
    with pytest.raises(InvalidTerms, match="Note 'A'.coupon: must be a Fixed or a Floating, got 0.05"):
        Note("A", 100.0, coupon=0.05)
    with pytest.raises(InvalidTerms, match="Note 'A': there is no field 'cupon'. Did you mean 'coupon'"):
        Note("A", 100.0, cupon=Fixed(0.05))
    with pytest.raises(InvalidTerms, match=r"Deal 'toy'.waterfall: can strand cash"):
        dataclasses.replace(toy, waterfall=Waterfall((release("reserve"),)))
    with pytest.raises(InvalidTerms, match="Holdings of 'A' must sum to 1"):
        Holdings({"A": {"banks": 0.7, "pension funds": 0.2}})
    with pytest.raises(InvalidTerms, match="reads the trigger 'b', which is tested later"):
        dataclasses.replace(toy, triggers=[Trigger("turbo", test=trigger("b")), Trigger("b", test=dscr() < 1)])


ACME = LeasePortfolio((Tenant("Acme", 90.0, ends=dt.date(2036, 1, 15)),), as_of=dt.date(2026, 1, 15), cap_rate=0.06)
HALL = Project(
    LeaseWithOptions("lab", 90.0, begins=dt.date(2026, 1, 15), initial=4, option=4, maximum=12), residual={2030: 100.0}
)
LOAN = Bond("Oracle", 900.0, coupon=0.06, maturity=dt.date(2031, 1, 15))
GPUS = ComputeContract(
    (Generation("H", {dt.date(2026, 1, 15): 10.0}, market_price=1.0),),
    contract=TakeOrPay("lab", price=2.0, months=60.0),
    as_of=dt.date(2026, 1, 15),
)
NEVER = dt.date(2030, 6, 1)


@pytest.mark.parametrize(
    ("collateral", "driver", "given", "message"),
    [
        (ACME, "rent", {"Acne": 0.5}, "there is no tenant 'Acne'. Did you mean 'Acme'?"),
        (ACME, "value", {"Acme": 0.5}, "takes no names in this deal, got 'Acme'"),
        (BondPortfolio((LOAN,)), "obligor_default", {"Orcale": NEVER}, "there is no obligor 'Orcale'. Did you mean"),
        (None, "severity", {"Oracle": 0.5}, "takes no names in this deal, got 'Oracle'"),
        (GPUS, "gpu_price", {"HH": 1.0}, "there is no generation 'HH'. Did you mean 'H'?"),
        (GPUS, "contract_breach", {"lap": NEVER}, "there is no counterparty 'lap'. Did you mean 'lab'?"),
        (GPUS, "sale", {"lap": NEVER}, "there is no counterparty 'lap'. Did you mean 'lab'?"),
        (GPUS, "renewal", {"lap": 0.5}, "there is no counterparty 'lap'. Did you mean 'lab'?"),
        (ACME, "sale", {"Acme": NEVER}, "takes no names in this deal, got 'Acme'"),
        (
            (ACME, GPUS),
            "rent",
            {"Acne": 0.5},
            "there is no tenant or counterparty 'Acne'. Did you mean 'Acme'? Known: 'Acme', 'lab'.",
        ),
        (HALL, "guarantor_default", {"parent": NEVER}, "there is no guarantor 'parent'. None is declared."),
    ],
)
def test_a_name_that_nothing_bears_is_told_with_its_scenario(toy, collateral, driver, given, message):
    deal = toy if collateral is None else dataclasses.replace(toy, collateral=collateral)
    with pytest.raises(InvalidTerms) as caught:
        run(deal, [Scenario("base"), Scenario("odd", **{driver: given})], rates=RATES)
    assert str(caught.value).startswith(f"scenarios['odd'].{driver}: {message}")


def test_a_name_may_be_that_of_any_collateral_of_the_deal(toy):
    other = dataclasses.replace(ACME, tenants=(dataclasses.replace(ACME.tenants[0], name="Bolt"),))
    paid = (pay(interest("A")) >> pay(interest("B")) >> pay(residual("E"))).clauses
    plain = {"fees": (), "triggers": (), "accounts": ()}  # leases report no pool to charge a fee on, nor to test
    deal = dataclasses.replace(toy, collateral=(ACME, other), waterfall=paid, **plain)
    flows = run(
        deal, [Scenario("base"), Scenario("Bolt fails", tenant_default={"Bolt": dt.date(2027, 1, 15)})], rates=RATES
    )
    revenue = flows.receipts["revenue"].sum(axis=1)
    assert revenue[0] - revenue[1] == pytest.approx(90.0)  # Bolt's space stands empty for a year


def test_the_value_of_a_part_is_not_that_of_the_collateral(toy):
    paid = (pay(interest("A")) >> pay(interest("B")) >> pay(residual("E"))).clauses
    test = Trigger("covenant", test="ltv('B') > 0.6")
    plain = {"fees": (), "triggers": (test,), "accounts": (), "waterfall": paid}
    bonds = BondPortfolio((Bond("Meta", 50.0, coupon=0.05, maturity=dt.date(2040, 1, 1)),))
    flows = run(dataclasses.replace(toy, collateral=(ACME, bonds), **plain), rates=RATES)
    assert (flows.receipt("value") > 50.0).all()  # leases are appraised, and bonds at par
    with pytest.raises(InvalidTerms, match="reads value, which the collateral does not report, or not all of it"):
        run(dataclasses.replace(toy, collateral=(ACME, toy.collateral), **plain), rates=RATES)


OTHERS = dataclasses.replace(
    GPUS, contract=dataclasses.replace(GPUS.contract, counterparty="start-up", months=24.0),
    fleet=(dataclasses.replace(GPUS.fleet[0], name="B"),),
)  # fmt: skip


@pytest.mark.parametrize("beside", [(), (ACME,), (HALL,)], ids=["alone", "leases", "project"])
@pytest.mark.parametrize(
    "given",
    [
        {"tenant_default": {"lab": dt.date(2027, 1, 15)}},
        {"contract_breach": {"start-up": dt.date(2027, 1, 15)}},
        {"gpu_price": {"H": 0.5, "B": 0.25}},
        {"utilisation": {"B": 0.5}},
        {"renewal": {"start-up": 0.5}, "renewal_rent": {"start-up": 0.7, "lab": 0.8}},
        {"rent": 0.5},
        {"sale": {"start-up": dt.date(2028, 1, 15)}},
    ],
    ids=lambda given: next(iter(given)),
)
def test_each_collateral_takes_what_is_its_own_as_if_it_were_alone(toy, beside, given):
    deal, base, told = (
        dataclasses.replace(toy, collateral=(GPUS, OTHERS, *beside)),
        Scenario("base"),
        Scenario("told", **given),
    )
    together = project(deal, [base, told])
    alone = []
    for asset in deal.collateral:
        named = asset.named()
        own = {}
        for driver, value in given.items():
            mine = (
                {name: v for name, v in value.items() if name in named.get(driver, ("", ()))[1]}
                if isinstance(value, dict)
                else value
            )
            own |= {driver: mine} if mine and driver in asset.drivers() else {}
        alone.append(project(dataclasses.replace(deal, collateral=asset), [base, Scenario("told", **own)]))
    for field in ("revenue", "resale"):
        np.testing.assert_array_equal(together[field], sum(part[field] for part in alone if field in part.fields))
    assert (together["revenue"][0] != together["revenue"][1]).any()


def test_every_rent_is_that_of_every_collateral(toy):
    deal = dataclasses.replace(toy, collateral=(dataclasses.replace(GPUS, utilisation=0.0), ACME, HALL))
    revenue = project(deal, [Scenario("base"), Scenario("half", rent=0.5), Scenario("none", rent=0.0)])["revenue"]
    np.testing.assert_array_equal(revenue[1], 0.5 * revenue[0])
    assert revenue[0].any() and not revenue[2].any()


def test_what_strikes_after_the_last_collections_is_doubted(toy):
    last = clock(toy).collection[-1]
    late = last + dt.timedelta(days=1)
    scenarios = [Scenario("in time", sale=last, tenant_default={"Acme": last}), Scenario("late", sale=late),
                 Scenario("by name", tenant_default={"Acme": last, "Bolt": late})]  # fmt: skip
    assert [fault.place for fault in too_late(toy, scenarios)] == [
        "scenarios['late'].sale", "scenarios['by name'].tenant_default['Bolt']",
    ]  # fmt: skip


def test_a_driver_beside_cash_given_from_outside_is_refused(toy):
    given = Receipts(run(toy, Scenario("base"), rates=RATES).receipts.dates, revenue=[9.0] * 20)
    deal = dataclasses.replace(toy, collateral=given)
    with pytest.raises(UnknownName, match=r"scenarios\['bad'\].default: there is no collateral of this deal"):
        run(deal, Scenario("bad", default=0.1), rates=RATES)
    with pytest.raises(InvalidTerms, match="scenarios: the Receipts given from outside have 1, got 2"):
        run(deal, [Scenario("base"), Scenario("other")], rates=RATES)


def test_python_takes_the_texts_of_a_deal_file_a_clause_alone_and_a_list_of_clauses(toy):
    said = dataclasses.replace(toy, waterfall=str(toy.waterfall))
    assert said == toy == dataclasses.replace(toy, waterfall=list(toy.waterfall.clauses))
    alone = pay(residual("E"))
    assert dataclasses.replace(toy, accounts=[], triggers=[], waterfall=alone).waterfall == Waterfall((alone,))
    assert Trigger("x", test="oc_ratio('A') < 1.1") == Trigger("x", test=oc_ratio("A") < 1.1)
    assert Note("Z", 1.0, coupon=Fixed(0.0), interest_on="balance('A') + 1").interest_on == balance("A") + 1


@pytest.mark.parametrize(
    ("waterfall", "message"),
    [
        ("pay(intrest('A')) >> pay(residual('E'))", "waterfall: in \"pay(intrest('A')) >> pay(residual('E'))\": there is no word 'intrest'. Did you mean 'interest'?"),
        (5, "waterfall: must be a Waterfall or a mapping, got 5"),
    ],
)  # fmt: skip
def test_a_waterfall_that_is_none_is_told_without_the_names_of_types_inside(toy, waterfall, message):
    with pytest.raises(InvalidTerms) as caught:
        dataclasses.replace(toy, waterfall=waterfall)
    assert str(caught.value) == f"Deal 'toy'.{message}"


def test_what_only_a_run_can_know_is_refused_there(toy):
    with pytest.raises(InvalidTerms, match="the deal reads 'SOFR', and no rate is given"):
        run(toy, Scenario("base"))
    with pytest.raises(UnknownName, match="collateral of this deal that reads the driver 'gpu_price'"):
        run(toy, Scenario("base", gpu_price=0.5), rates=RATES)
    with pytest.raises(UnknownName, match=r"^scenarios\['cheap'\].gpu_price: there is no"):
        run(toy, [Scenario("base"), Scenario("cheap", gpu_price=0.5)], rates=RATES)
    with pytest.raises(InvalidTerms, match="shape"):
        run(toy, Scenario("base"), rates={"SOFR": [0.04, 0.05]})
    with pytest.raises(TooLarge, match=r"needs about .* GB: use study"):
        run(toy, Paths(30_000_000, seed=1, draw=lambda draws: {"severity": draws.uniform(1)}), rates=RATES)
    with pytest.raises(
        UnknownName, match="there is no file, folder or shipped deal 'vantage'. Did you mean 'vantage-jersey'"
    ):
        load_deal("vantage")


def test_unknown_tranches_of_flows_are_told_with_the_nearest(toy):
    flows = run(toy, Scenario("base"), rates=RATES)
    with pytest.raises(UnknownName, match="there is no tranche 'a'. Did you mean 'A'"):
        flows.interest["a"]
    with pytest.raises(ValueError, match="read-only"):
        flows.interest["A"][0, 0] = 1.0


def test_rents_cut_hurt_b_before_a():
    """vantage-jersey: as rents fall further, equity loses first, then B, then A."""
    deal = load_deal("vantage-jersey")
    cuts = [0.2, 0.3, 0.36, 0.4, 0.5]
    frozen = {"refinancing freeze": dt.date(2029, 1, 1)}
    stresses = [
        Scenario(f"{cut:.0%}", rent={dt.date(2027, 6, 1): 1.0 - cut}, sale=dt.date(2031, 5, 20), event=frozen)
        for cut in cuts
    ]
    flows = run(deal, stresses, rates={"SONIA": 0.039})
    unpaid = {name: flows.balance[name][:, -1] for name in ("A-2", "B")}
    assert unpaid["B"][0] == 0.0 and unpaid["B"][-1] == pytest.approx(54e6)
    gone = np.isclose(unpaid["B"], 54e6)
    assert gone[unpaid["A-2"] > 0.0].all()
    hurt_b, hurt_a = (np.argmax(unpaid[name] > 0.0) for name in ("B", "A-2"))
    assert hurt_b <= hurt_a and unpaid["A-2"][-1] > 0.0


# Values keep what they were given ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 20)])
@pytest.mark.parametrize("driver", ["prepayment", "default", "severity"])
def test_an_array_of_paths_that_is_changed_later_changes_nothing(shape, driver):
    deal, given = load_deal(TOY), np.full(shape, 0.01)
    paths = Paths(3, **{driver: given})
    before = run(deal, paths, rates=RATES).cash("A")
    given[:] = 0.9
    np.testing.assert_array_equal(run(deal, paths, rates=RATES).cash("A"), before)
    with pytest.raises(ValueError, match="read-only"):
        paths.arrays[driver][0] = 0.5


@pytest.mark.parametrize("shape", [(20,), (1, 20), (2, 20), (2, 1)])
def test_receipts_and_rates_that_are_changed_later_change_nothing(shape):
    deal = dataclasses.replace(load_deal(TOY), collateral=Receipts(clock(load_deal(TOY)).ends, interest=1.0))
    cash, rate = np.full(shape, 50.0), np.full(shape if shape[-1] == 20 else (2, 20), 0.04)
    receipts = Receipts(
        clock(deal).ends, principal=cash, pool_balance=900.0, events={"e": cash / 50.0}, scenarios=["x", "y"]
    )
    deal = dataclasses.replace(deal, collateral=receipts)
    flows = run(deal, Scenario("base"), rates={"SOFR": rate})
    before = flows.cash("A").copy(), flows.rates["SOFR"].copy()
    cash[:], rate[:] = 0.0, 0.5
    assert receipts["principal"].min() == 50.0 and receipts.events["e"].min() == 1.0
    np.testing.assert_array_equal(flows.rates["SOFR"], before[1])
    np.testing.assert_array_equal(run(deal, Scenario("base"), rates={"SOFR": 0.04}).cash("A"), before[0])


def test_scenarios_and_pools_that_were_made_of_what_is_changed_later_stay_as_they_were():
    vector, by_name = np.array([0.1, 0.2]), {"Acme": [0.5, 0.6]}
    scenario, wanted = (
        Scenario("x", severity=vector, rent=by_name),
        Scenario("x", severity=(0.1, 0.2), rent={"Acme": (0.5, 0.6)}),
    )
    vector[:], by_name["Acme"][0] = 0.9, 0.0
    by_name["Beta"] = [1.0]
    assert scenario == wanted
    tape = pd.DataFrame({"balance": [100.0, 200.0], "rate": [0.05, 0.06], "remaining_term": [24, 36]})
    pool, periods = LoanPool.from_tape(tape), clock(load_deal(TOY))
    before = pool.deliver(periods, Drivers.of(Scenario("base"))).cash
    tape["balance"] = 0.0
    np.testing.assert_array_equal(pool.deliver(periods, Drivers.of(Scenario("base"))).cash, before)
    with pytest.raises(ValueError, match="read-only"):
        pool.lines.balance[0] = 0.0

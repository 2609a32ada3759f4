"""Values in a larger system: sent to other processes, keys of a cache, merged with other tables, read as Arrow."""

import dataclasses
import datetime as dt
import multiprocessing
import operator
import pickle
import sys

import duckdb
import numpy as np
import pandas as pd
import pyarrow
import pytest

from pricing import (
    Bump,
    SpreadShock,
    bridge,
    chain,
    contagion,
    effective,
    load_institutions,
    load_market,
    off_balance_sheet,
    price,
    priced,
    projected,
    reprice,
    who_bears,
)
from structuring import (
    LoanPool,
    Paths,
    Scenario,
    load_book,
    load_deal,
    load_scenarios,
    load_stress,
    run,
    study,
    summary,
)
from structuring.collateral.loan_tape import Tape
from structuring.deals.deal_files import library
from waterfalls import Account, Receipts
from waterfalls.doors import MissingExtra
from waterfalls.equality import arrays_in

NAME = "coreweave-ddtl-4"


@pytest.fixture(scope="module")
def results():
    deal, market, (base, stress, *_) = load_deal(NAME), load_market(NAME), load_scenarios(NAME)
    rates = projected(market, deal)
    flows = run(deal, [base, stress], rates=rates)
    prices = price(flows, market, [SpreadShock.parallel(bp=100)])
    losses = who_bears(prices, deal.holders, reference=(base.name, "unchanged"))
    paths, known = Paths(40, rent=np.linspace(0.5, 1.0, 40)), load_institutions()
    if "rent" not in deal.collateral.drivers():
        paths = Paths(40, utilisation=np.linspace(0.5, 1.0, 40))
    return {
        "deal": deal, "market": market, "scenario": stress, "flows": flows, "prices": prices, "losses": losses,
        "explanation": flows.explain(stress.name, flows.dates[2]),
        "contagion": contagion([losses], institutions=known),
        "bridge": bridge(flows, losses, reference=base.name),
        "chain": chain(deal, flows, losses, known, stress.name, "+100 bp"),
        "repriced": reprice(deal, base, market, [Bump.rates(bp=25)]),
        "effective": effective(deal, base, market, ["effective_duration"]),
        "off balance sheet": off_balance_sheet(deal, flows, losses),
        "institutions": known,
        "summary": study(deal, paths, measure=summary(), rates=rates),
        "priced": study(deal, paths, measure=priced(market, [SpreadShock.parallel(bp=100)], reference=flows), rates=rates),
    }  # fmt: skip


def equal(a, b) -> bool:
    """Whether two results say the same: their arrays, tables and fields, one by one."""
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, pd.DataFrame):
        return a.equals(b)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    if hasattr(a, "keys"):
        return list(a) == list(b) and all(equal(a[name], b[name]) for name in a)
    if hasattr(a, "frame") and not hasattr(a, "said"):
        try:
            return equal(a.frame(), b.frame())
        except TypeError:  # it wants a scenario
            pass
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and all(equal(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    return a == b


def test_every_result_is_equal_after_a_pickle(results):
    for name, result in results.items():
        assert equal(result, pickle.loads(pickle.dumps(result))), name


def test_what_comes_back_is_whole_and_read_only(results):
    flows, prices = (pickle.loads(pickle.dumps(results[name])) for name in ("flows", "prices"))
    flows.check()
    for table in ("interest", "principal", "balance", "draws", "accrued", "arrears", "shortfall", "missed", "capitalised",
                  "written_down", "fees", "expenses", "accounts", "triggers", "regime"):  # fmt: skip
        assert equal(getattr(flows, table), getattr(results["flows"], table)), table
    assert not next(iter(flows.interest.values())).flags.writeable
    assert not prices["clean"].flags.writeable
    assert equal(prices.measures, results["prices"].measures)


def held(value):
    """The arrays in the fields of a value, in one order."""
    return list(arrays_in(list(vars(value).values())))


def test_an_array_that_is_read_only_is_so_after_a_pickle(results):
    flows, prices, losses, market = (results[name] for name in ("flows", "prices", "losses", "market"))
    for value in (flows, flows.receipts, prices, losses, results["bridge"], market.curve):
        before, after = held(value), held(pickle.loads(pickle.dumps(value)))
        assert len(before) == len(after) > 0, type(value)
        assert not any(array.flags.writeable for array in after), type(value)
    losses = pickle.loads(pickle.dumps(results["losses"]))
    with pytest.raises(ValueError, match="read-only"):
        losses.tranche["credit"][:] = 0.0


def test_results_go_to_a_process_that_was_spawned_and_come_back(results):
    frames = [results[name].frame() for name in ("flows", "prices", "losses")]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        told = pool.map(operator.methodcaller("frame"), [results[name] for name in ("flows", "prices", "losses")])
    assert all(map(equal, frames, told))


@pytest.mark.parametrize("name", library())
def test_every_shipped_deal_and_scenario_is_a_key(name):
    deal = load_deal(name)
    cache = {deal: "deal", **{scenario: scenario.name for scenario in load_scenarios(name)}}
    assert cache[load_deal(name)] == cache[pickle.loads(pickle.dumps(deal))] == "deal"
    assert all(cache[scenario] == scenario.name for scenario in load_scenarios(name))
    assert dataclasses.replace(deal, name="another") not in cache


def test_other_terms_are_keys_too():
    for load in (lambda: load_book("ai-debt-market"), load_institutions, lambda: load_stress("AI demand shortfall")):
        assert load() == load() and hash(load()) == hash(load())
    day = dt.date(2027, 1, 15)
    assert hash(Scenario("s", rent={day: 0.5, dt.date(2028, 1, 15): 0.4})) == hash(
        Scenario("s", rent={dt.date(2028, 1, 15): 0.4, day: 0.5})
    )


def test_equal_values_hash_equal():
    for a, b in (
        (Account("a", balance=0.0), Account("a", balance=-0.0)),
        (Scenario("s", rent=1), Scenario("s", rent=1.0)),
        (Scenario("s", rent=[0.5, 0.0]), Scenario("s", rent=np.array([0.5, -0.0]))),
    ):
        assert a == b and hash(a) == hash(b)
    assert Scenario("s", rent=1.0) != Scenario("s", rent=0.9)


def test_receipts_and_tapes_are_equal_by_what_they_hold():
    dates = [dt.date(2026, 4, 15), dt.date(2026, 7, 15)]
    one, same, other = (Receipts(dates, interest=[1.0, zero], principal=[5.0, 5.0]) for zero in (0.0, -0.0, 2.0))
    assert one == same and hash(one) == hash(same) and one != other and one != "receipts"
    pool = LoanPool.level_pay(balance=100.0, rate=0.06, remaining_term=12)
    first, second = (LoanPool(Tape.of(pool.lines)) for _ in range(2))
    assert first == second and hash(first) == hash(second)
    assert first != LoanPool(Tape.of(LoanPool.level_pay(balance=99.0, rate=0.06, remaining_term=12).lines))


def test_scenarios_are_the_same_categorical_in_every_frame_and_stay_it_when_merged(results):
    frames = {name: results[name].frame() for name in ("flows", "prices", "losses")}
    kinds = {name: frame["scenario"].dtype for name, frame in frames.items()}
    assert isinstance(kinds["flows"], pd.CategoricalDtype) and kinds["flows"].ordered
    assert kinds["flows"] == kinds["prices"] == kinds["losses"]
    assert list(kinds["flows"].categories) == list(results["flows"].scenarios)
    merged = frames["flows"].merge(frames["prices"], on=["scenario", "tranche"])
    assert merged["scenario"].dtype == kinds["flows"] and merged["tranche"].dtype == frames["flows"]["tranche"].dtype


@pytest.mark.parametrize("name", ["flows", "prices", "losses"])
def test_tables_speak_arrow(results, name):
    table, frame = results[name], results[name].frame()
    read = pyarrow.table(table)
    assert read.column_names == list(frame.columns) and read.num_rows == len(frame)
    assert equal(read.to_pandas()[frame.select_dtypes("number").columns], frame.select_dtypes("number"))
    column = {"flows": "interest", "prices": "npv", "losses": "total_loss"}[name]
    asked = f"select scenario, tranche, sum({column}) from table_ group by all"
    table_ = table  # by this name in the query: DuckDB takes what bears the interface
    summed = {(row[0], row[1]): row[2] for row in duckdb.sql(asked).fetchall()}
    expected = frame.groupby(["scenario", "tranche"], observed=True)[column].sum()
    assert summed == {key: pytest.approx(value, rel=1e-12, abs=1e-6) for key, value in expected.items()}
    assert table_ is table


def test_arrow_without_pyarrow_names_the_extra(results, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"'pyarrow', which is not installed: pip install 'firstloss\[report\]'"):
        results["prices"].__arrow_c_stream__()

"""Tranches of tranches: Hull's table, and 2008 beside a deal."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from pricing.bearers.abs_cdo import LOST_2008, beside_2008, layered, retranched, what_differs
from pricing.bearers.who_bears import who_bears
from pricing.market.market import Market, projected
from pricing.market.market_files import load_market
from pricing.valuation.price import price
from structuring.deals.deal_files import load_deal, load_scenarios
from structuring.deals.holdings import Holdings
from structuring.runs.run import run
from waterfalls.errors import InvalidTerms
from waterfalls.terms.tranches import Note


def from_below(sizes):
    return {name: sizes[name] for name in ("equity", "mezz", "senior")}


@pytest.mark.parametrize("loss", ["0.1", "0.13", "0.17", "0.2"])
def test_the_golden_table_of_hull(golden, loss):
    case = golden("structured_hull_t8_1_abs_cdo")
    given, expected = case["inputs"], case["expected"][loss]
    first, second = retranched(float(loss), from_below(given["abs"]), "mezz", from_below(given["abs_cdo_of_mezz"]))
    found = {"abs_mezz": first["mezz"], **{f"cdo_{name}": lost for name, lost in second.items()}}
    for name, lost in expected.items():
        assert float(found[name]) == pytest.approx(lost, abs=case["tolerance"])


SIZES = st.lists(st.floats(0.01, 1.0), min_size=1, max_size=6)


@drawn(SIZES, st.floats(0.0, 1.0))
def test_tranches_lose_what_the_pool_loses(sizes, loss):
    shares = {f"tranche {i}": size / sum(sizes) for i, size in enumerate(sizes)}
    lost = layered(loss, shares)
    assert sum(lost[name] * shares[name] for name in shares) == pytest.approx(loss, abs=1e-12)
    assert (np.diff([*lost.values()]) <= 1e-12).all()


def test_a_deal_of_today_stands_beside_2008(toy):
    market = Market(0.04, {"A": {"price": 101.0}, "B": 0.03, "E": {"yield": 0.15}}, valuation=dt.date(2026, 1, 15))
    losses = who_bears(price(toy(), market), Holdings({name: {"funds": 1.0} for name in "ABE"}))
    frame = beside_2008(losses, "dead").set_index("paper")
    assert frame.loc["toy: A", "realised_per_cent"] == pytest.approx(100.0)
    assert frame.loc["SF ABS CDOs 1999-2007", "realised_per_cent"] == pytest.approx(65.0)
    told = LOST_2008["SF ABS CDOs 1999-2007"]
    assert told["written_down"] / told["issued"] == pytest.approx(told["loss"], abs=0.006)
    assert any("one obligor" in line for line in what_differs())


def test_the_cdo_of_2006_loses_what_is_written_down_and_no_more_than_its_layers():
    """Interest left over cures some of it, so a tranche loses at most what its layer loses of the collateral's losses."""
    name = "mezz-abs-cdo-2006"
    deal, market, scenarios = load_deal(name), load_market(name), load_scenarios(name)
    flows = run(deal, scenarios, rates=projected(market, deal))
    losses = who_bears(price(flows, market), deal.holdings)
    pool = sum(tranche.notional for tranche in deal.tranches)
    sizes = {tranche.name: tranche.notional / pool for tranche in reversed(deal.tranches)}
    notes = [tranche for tranche in deal.tranches if isinstance(tranche, Note)]
    for s, scenario in enumerate(flows.scenarios):
        frame = beside_2008(losses, scenario).set_index("paper")["realised_per_cent"]
        least = layered(min(flows.receipts["losses"][s].sum() / pool, 1.0), sizes)
        for note in notes:
            realised = frame[f"{name}: {note.name}"]
            left = flows.balance[note.name][s, -1] + flows.written_down[note.name][s].sum()
            assert realised == pytest.approx(100.0 * left / note.notional, abs=1e-9)
            assert realised <= 100.0 * float(least[note.name]) + 1e-9
    worst = beside_2008(losses, flows.scenarios[-1]).set_index("paper")["realised_per_cent"]
    notional = np.array([note.notional for note in notes])
    whole = float(notional @ [worst[f"{name}: {note.name}"] for note in notes] / notional.sum())
    assert whole == pytest.approx(worst["SF ABS CDOs 1999-2007"], abs=5.0)  # of all that was issued, 65 % was lost


def test_bad_input_of_tranches_of_tranches():
    with pytest.raises(InvalidTerms, match=r"sizes: must sum to 1, got 0.9 \(a 0.9\)"):
        layered(0.1, {"a": 0.9})
    with pytest.raises(InvalidTerms, match="loss: must be between 0 and 1, got 1.2"):
        layered(1.2, {"a": 1.0})
    with pytest.raises(InvalidTerms, match="there is no tranche of the pool 'mez'. Did you mean 'mezz'?"):
        retranched(0.1, {"mezz": 1.0}, "mez", {"a": 1.0})

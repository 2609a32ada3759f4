"""Examples of the fire-sale literature, worked there or in closed form, and what contagion says of them."""

import math

import numpy as np
import pytest

from pricing.bearers.institutions import Institution, Threshold
from pricing.contagion.contagion import contagion

# Selling a tenth of an asset costs a tenth of its price, where impact is exponential as in Caccioli and others (2014).
# That Gai and Kapadia (2010) take this number is from memory; the number itself follows.
TENTH = -math.log(0.9) / 0.1


@pytest.mark.parametrize(("price", "traded"), [(0.99, 9.0), (1.01, -9.0)])
def test_a_bank_that_keeps_its_leverage_of_ten_trades_nine_for_one(price, traded):
    """Adrian and Shin, "Liquidity and leverage" (2008, 2010): securities 100, equity 10, debt 90, target leverage 10.

    At 101 equity is 11: it buys 9 and stands at 110; a loss of 1 makes it sell 9. Read as relayed, with all balance sheets,
    at beyondmicrofoundations.blogspot.com, "Demand slopes UP" (17 June 2011).
    """
    bank = Institution("bank", assets=100.0, capital=10.0, other={"securities": 100.0})
    made = contagion(
        {}, institutions=[bank], prices={"securities": price}, depth={"securities": math.inf}, mode="linear"
    )
    assert made.rounds.sold[0, 0].sum() == pytest.approx(traded)
    kept = 100.0 * price - made.rounds.sold[0, 0].sum()
    assert kept / (10.0 + 100.0 * (price - 1.0)) == pytest.approx(10.0)


def equal_banks(capital, count=10):
    """Banks of 100 each in one asset, that sell everything when their capital is gone and nothing before."""
    rule = Threshold("leverage", minimum=1e-9)
    return [
        Institution(f"bank {n}", assets=100.0, capital=capital, threshold=rule, other={"asset": 100.0})
        for n in range(count)
    ]


def test_selling_a_tenth_of_an_asset_costs_a_tenth_of_its_price():
    banks = equal_banks(50.0)
    made = contagion({"bank 0": 50.0}, institutions=banks, depth={"asset": 1000.0 / TENTH}, rounds=1)
    assert made.rounds.sold[0, 0, 0] == pytest.approx(100.0)  # one of ten
    assert made.rounds.prices[1, 0, 0] == pytest.approx(0.9, abs=1e-9)
    assert made.others_sales[0, 1:] == pytest.approx(np.full(9, 10.0), abs=1e-6)


@pytest.mark.parametrize(("capital", "all_fail"), [(9.9, True), (10.1, False)])
def test_one_failure_of_ten_sinks_all_or_none_at_a_leverage_of_ten(capital, all_fail):
    """Ten banks with one portfolio: one fails, the price falls by a tenth, and the others stand or fall with a tenth of capital.

    The setting of Caccioli, Shrestha, Moore and Farmer (2014), who find a critical leverage below which networks are always
    stable (abstract); portfolios overlap in full here, which makes it ten by hand, and the impact is the one above.
    """
    made = contagion({"bank 0": capital}, institutions=equal_banks(capital), depth={"asset": 1000.0 / TENTH}, rounds=10)
    failed = made.recorded[0] >= capital - 1e-9
    assert failed[0] and failed[1:].all() == all_fail and failed[1:].any() == all_fail
    if all_fail:  # depth is in money: the nine sell 900 at the price that the first left
        sold = 0.1 + 0.9 * math.exp(-0.1 * TENTH)
        assert made.rounds.prices[-1, 0, 0] == pytest.approx(math.exp(-TENTH * sold), rel=1e-9)


@pytest.mark.parametrize("loss", [0.5, 1.0, 2.0, 4.0, 5.5])
@pytest.mark.parametrize("depth", [120.0, 200.0, 400.0, 4000.0])
def test_equilibria_are_where_a_scan_of_prices_finds_them(loss, depth):
    """Cifuentes, Ferrucci and Shin (2005): an equilibrium is a price at which what must be sold makes that price.

    Two equal banks of 100 with 10 of capital, least leverage ratio 5 %, target 6 %; the price is scanned in steps of a
    hundred thousandth. The numbers and the scan are ours: those of the paper could not be read.
    """
    rule = Threshold("leverage", minimum=0.05, target=0.06)
    twins = [
        Institution(name, assets=100.0, capital=10.0, threshold=rule, other={"bonds": 100.0})
        for name in ("one", "other")
    ]
    made = contagion({"one": loss, "other": loss}, institutions=twins, depth={"bonds": depth}, mode="equilibrium")
    price = np.linspace(1.0, 1e-5, 100_000)
    capital, value = 10.0 - loss - 100.0 * (1.0 - price), 100.0 * price
    sold = np.where(
        capital <= 0.0, 1.0, np.where(capital >= 0.05 * value, 0.0, np.clip(1.0 - capital / 0.06 / value, 0.0, 1.0))
    )
    gap = price - np.exp(-200.0 * sold / depth)
    crossings = np.flatnonzero((gap[:-1] >= 0.0) & (gap[1:] <= 0.0) | (gap[:-1] <= 0.0) & (gap[1:] >= 0.0))
    roots = price[crossings]
    assert made.rounds.prices[-1, 0, 0] == pytest.approx(roots.max(), abs=2e-5)
    assert made.most is not None and made.most.rounds.prices[-1, 0, 0] == pytest.approx(roots.min(), abs=2e-5)

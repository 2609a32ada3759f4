"""Off balance sheet: what returns to the sponsor, counted once."""

import dataclasses
import math

import pytest
from shipped import shipped

from pricing.bearers.off_balance_sheet import off_balance_sheet, reading_of
from waterfalls.errors import InvalidTerms


def test_a_guarantee_returns_to_the_sponsor_until_it_fails():
    deal, flows, losses = shipped("beignet-2025")
    made = off_balance_sheet(deal, flows, losses)
    frame = made.scenarios.set_index("scenario")
    assert made.sponsor == "Meta" and not made.consolidated
    assert frame.loc["base", "returned"] == 0.0
    paid = flows.receipts["guarantee"].sum(axis=1)
    row = list(flows.scenarios).index("not renewed in 2033, resale halved")
    assert frame.loc["not renewed in 2033, resale halved", "returned"] == pytest.approx(paid[row]) and paid[row] > 1e9
    assert frame.loc["not renewed in 2033, guarantor fails", "guarantee_paid"] == 0.0
    # rent of the first four years, and the guarantee, which begins where rent ends: the larger counts, not their sum
    assert made.rent == pytest.approx(4 * 2760.0e6) and made.guarantee_cap == pytest.approx(28_000.0e6)
    assert made.exposure == pytest.approx(28_000.0e6) and made.exposure <= made.disclosed
    plain, seen = made.leverage(debt=50e9, equity=100e9)
    assert plain == 0.5 and seen == pytest.approx((50e9 + made.debt) / 100e9)


def test_a_sponsor_that_holds_the_equity_loses_first():
    made = off_balance_sheet(*shipped("coreweave-ddtl-4"))
    frame = made.scenarios.set_index("scenario")
    assert frame.loc["technology superseded", "loss_on_own_tranches"] > 0.0
    assert made.consolidated and made.leverage(debt=1.0, equity=2.0) == (0.5, 0.5)
    tests = made.tests.set_index("test")
    assert tests.loc["economics: benefits", "number"] == pytest.approx(100.0)
    assert tests.loc["economics: losses", "reading"] == "could be significant"


def test_gains_of_others_do_not_raise_the_share_of_losses_that_returns():
    """Notes that are extended gain 51m while the sponsor's equity loses 171m: it bears every loss, and no more than all."""
    frame = off_balance_sheet(*shipped("stack-master-trust")).scenarios.set_index("scenario")
    row = frame.loc["refinancing freeze"]
    assert row["loss_of_holders"] < 0.0 < row["returned"] and row["returned_per_cent"] == pytest.approx(100.0)


def test_where_everybody_gains_no_share_of_losses_is_told():
    """Google pays off Wulf's notes early: its equity gains 740m, which was told as 99.7 % of the losses."""
    deal, flows, losses = shipped("wulf-compute-2025")
    frame = off_balance_sheet(deal, flows, losses).scenarios.set_index("scenario")
    assert frame.loc["tenant fails, Google pays", "returned"] < 0.0
    assert math.isnan(frame.loc["tenant fails, Google pays", "returned_per_cent"])
    by = losses["total"][list(flows.scenarios).index("refinancing freeze"), 0]
    own = by[:, losses.classes.index("sponsor")].sum()
    assert frame.loc["refinancing freeze", "returned_per_cent"] == pytest.approx(100.0 * own / by.sum())
    assert reading_of(math.nan) == "nobody loses in these scenarios" and reading_of(9.9) == "small in these scenarios"


def test_bad_input_of_the_sponsors_shipped():
    deal, flows, losses = shipped("beignet-2025")
    with pytest.raises(InvalidTerms, match="the deal 'beignet-2025' names no sponsor"):
        off_balance_sheet(dataclasses.replace(deal, sponsor=None), flows, losses)
    with pytest.raises(InvalidTerms, match="equity: must be above 0, got 0.00"):
        off_balance_sheet(deal, flows, losses).leverage(debt=1.0, equity=0.0)

"""Curves from a table of pillars, against QuantLib's own bootstrap, the terms that say the same, and by hand."""

import datetime as dt
import math

import pytest
import QuantLib as ql

from pricing import load_market
from pricing.market.market_files import Ois, Treasuries
from pricing.market.pillars import Pillar, Pillars
from structuring.documents.tables import terms_of
from waterfalls.errors import InvalidTerms

DAY = dt.date(2026, 10, 15)


def pillars(*rows, **options):
    return Pillars([Pillar(*row) for row in rows], **options)


def test_swaps_and_treasuries_are_those_of_the_terms_that_say_the_same():
    swaps = pillars(("1Y", 0.04, "swap"), ("5Y", 0.042, "swap")).curve(DAY)
    assert swaps == Ois({"1Y": 0.04, "5Y": 0.042}).curve(DAY)
    yields = pillars(("3M", 0.04, "treasury"), ("10Y", 0.044, "treasury")).curve(DAY)
    assert yields == Treasuries({"3M": 0.04, "10Y": 0.044}).curve(DAY)
    mixed = pillars(("1Y", 0.04, "swap"), ("2026-12", 0.039, "future"), ("5Y", 0.042, "swap")).curve(DAY)
    assert mixed == Ois({"1Y": 0.04, "5Y": 0.042}, futures={"2026-12": 96.1}).curve(DAY)


def test_zero_rates_and_factors_by_hand():
    curve = pillars(("1Y", 0.04, "zero"), ("2Y", 0.05, "zero")).curve(DAY)
    assert curve.discount(dt.date(2028, 10, 15)) == pytest.approx(math.exp(-0.05 * 731 / 365), rel=1e-14)
    curve = pillars(("6M", 0.98, "discount"), ("1Y", 0.96, "discount")).curve(DAY)
    assert curve.discount(dt.date(2027, 4, 15)) == pytest.approx(0.98, rel=1e-14)


def test_deposits_beside_swaps_price_back_to_their_rates():
    curve = pillars(
        ("1M", 0.0395, "deposit"), ("3M", 0.0398, "deposit"), ("1Y", 0.04, "swap"), ("2Y", 0.041, "swap")
    ).curve(DAY)
    calendar = ql.Sofr().fixingCalendar()
    start = calendar.advance(ql.Date(15, 10, 2026), 2, ql.Days)
    for tenor, rate in (("1M", 0.0395), ("3M", 0.0398)):
        end = calendar.advance(start, ql.Period(tenor), ql.ModifiedFollowing)
        first, last = (curve.discount(dt.date(d.year(), d.month(), d.dayOfMonth())) for d in (start, end))
        assert first / last == pytest.approx(1.0 + rate * (end - start) / 360.0, rel=1e-10)


def test_a_market_file_names_a_table_of_pillars(tmp_path):
    (tmp_path / "curve.csv").write_text("Tenor,Rate,Kind\n3M,3.98%,deposit\n1Y,4%,swap\n10Y,0.042,swap\n", "utf-8")
    (tmp_path / "market.yaml").write_text(
        "firstloss-market: 1\nvaluation: 2026-10-15\ncurrency: USD\ncurve: {pillars: {quotes: {file: curve.csv}}}\n",
        "utf-8",
    )
    market = load_market(tmp_path / "market.yaml")
    rows = terms_of(Pillar, tmp_path / "curve.csv")
    assert market.curve == Pillars(rows).curve(DAY)
    (tmp_path / "curve.csv").write_text("tenor,rate,kind\n3M,398,deposit\n1X,0.04,swap\n1Y,0.04,libor\n", "utf-8")
    with pytest.raises(InvalidTerms) as told:
        load_market(tmp_path / "market.yaml")
    for place in (
        "row 2, rate: a rate is a decimal",
        "row 3, tenor: is a number and D, W, M or Y",
        "row 4, kind: there is no choice 'libor'",
    ):
        assert f"curve.csv, {place}" in str(told.value)


@pytest.mark.parametrize(
    ("rows", "options", "says"),
    [
        ((), {}, "at least one pillar"),
        ((("1Y", 0.04, "swap"), ("2Y", 0.04, "zero")), {}, "must be of one kind"),
        ((("2026-12", 0.04, "future"),), {}, "futures need a deposit or a swap"),
        ((("2026-12", 0.04, "future"), ("1Y", 0.04, "swap")), {"index": "SONIA"}, "futures are those on SOFR"),
        ((("1Y", 0.04, "swap"), ("1Y", 0.05, "swap")), {}, "the swap of 1Y stands more than once"),
    ],
)
def test_refused(rows, options, says):
    with pytest.raises(InvalidTerms, match=says):
        pillars(*rows, **options)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (("1Y", 96.1, "future"), "contract month"),
        (("1Y", 0.0, "discount"), "a discount factor is above 0"),
        (("12", 0.04, "swap"), "is a number and D, W, M or Y"),
    ],
)
def test_pillars_refused(row, says):
    with pytest.raises(InvalidTerms, match=says):
        Pillar(*row)


def test_two_tenors_of_one_day_are_refused():
    """The later of two silently took the place of the first."""
    zero = Pillars((Pillar("12M", 0.03, "zero"), Pillar("1Y", 0.05, "zero")))
    with pytest.raises(InvalidTerms, match="quotes: the zero of 1Y is a second one of 2027-01-15"):
        zero.curve(dt.date(2026, 1, 15))

"""Live curves are read on few days and known on all: against QuantLib asked day by day."""

import datetime as dt

import numpy as np
import pytest
import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.market.curve_inputs import curve_from
from pricing.market.market import Market
from pricing.market.quantlib_curves import evaluated, sampled
from pricing.valuation.price import price
from waterfalls.errors import CannotPrice

V, ON, FIFTY = dt.date(2026, 1, 15), ql.Date(15, 1, 2026), 18_250
NODES = [
    ON,
    *(ON + ql.Period(tenor) for tenor in ("1W", "1M", "3M", "9M", "2Y", "3Y", "5Y", "7Y", "10Y", "20Y", "60Y")),
]
ZEROS = [0.043, 0.043, 0.0432, 0.0428, 0.041, 0.039, 0.0385, 0.039, 0.0402, 0.0414, 0.043, 0.038]
FACTORS = [float(np.exp(-zero * (day - ON) / 365.0)) for zero, day in zip(ZEROS, NODES, strict=True)]
DAYS = ql.Actual365Fixed()


def quoted(value):
    return ql.QuoteHandle(ql.SimpleQuote(value))


def swaps():
    tenors = ("1M", "6M", "1Y", "2Y", "5Y", "10Y", "30Y")
    ends = [ON + ql.Period(tenor) for tenor in tenors]
    return [ql.OISRateHelper.forDates(ON, end, quoted(0.04 + 0.0003 * n), ql.Sofr()) for n, end in enumerate(ends)]


def spreaded():
    base = ql.YieldTermStructureHandle(ql.LogCubicDiscountCurve(NODES, FACTORS, DAYS))
    return ql.ZeroSpreadedTermStructure(base, quoted(0.01), ql.Compounded, ql.Semiannual)


def turned():
    """Overnight rates that jump at the turn of a year."""
    turn, dates = [quoted(0.9999), quoted(0.9998)], [ql.Date(31, 12, 2026), ql.Date(31, 12, 2027)]
    return ql.PiecewiseLogLinearDiscount(ON, swaps(), DAYS, turn, dates)


CURVES = {
    "flat": lambda: ql.FlatForward(ON, 0.042, DAYS),
    "log-linear discount": lambda: ql.DiscountCurve(NODES, FACTORS, DAYS),
    "log-cubic discount": lambda: ql.LogCubicDiscountCurve(NODES, FACTORS, DAYS),
    "linear zero": lambda: ql.ZeroCurve(NODES, ZEROS, ql.Actual360()),
    "linear zero, actual/actual": lambda: ql.ZeroCurve(NODES, ZEROS, ql.ActualActual(ql.ActualActual.ISDA)),
    "cubic zero": lambda: ql.CubicZeroCurve(NODES, ZEROS, DAYS),
    "flat forward, 30/360": lambda: ql.ForwardCurve(NODES, ZEROS, ql.Thirty360(ql.Thirty360.BondBasis)),
    "overnight swaps": lambda: ql.PiecewiseLogCubicDiscount(ON, swaps(), DAYS),
    "with the turn of the year": turned,
    "convex monotone": lambda: ql.PiecewiseConvexMonotoneZero(ON, swaps(), DAYS),
    "a spread over another": spreaded,
}


def day_by_day(source):
    """What a curve says on each day of fifty years (or to its end), asked one after another."""
    last = min(FIFTY, source.maxDate() - ON) if not source.allowsExtrapolation() else FIFTY
    return np.array([source.discount(ON + n) for n in range(last + 1)])


@pytest.mark.parametrize("extrapolated", [True, False], ids=["extrapolated", "to its end"])
@pytest.mark.parametrize("kind", CURVES)
def test_every_day_is_known_as_if_it_had_been_asked(kind, extrapolated):
    with evaluated(ON, only_if_later=True):  # bootstraps refuse instruments that begin before it
        source = CURVES[kind]()
        if extrapolated:
            source.enableExtrapolation()
        if extrapolated and kind == "convex monotone":
            with pytest.raises(
                CannotPrice, match="QuantLib cannot read the curve of 2026-01-15: Convex-monotone spline"
            ):
                curve_from(source)
            return
        for read in (source, ql.YieldTermStructureHandle(source)):  # a handle does not say where its curve has nodes
            curve, expected = curve_from(read), day_by_day(source)
            assert len(curve.ordinals) == len(expected)
            np.testing.assert_allclose(np.exp(curve.logs), expected, rtol=1e-13, atol=0.0)


@settings(max_examples=60, deadline=None)
@given(
    days=st.lists(st.integers(1, FIFTY), min_size=1, max_size=25, unique=True),
    draw=st.randoms(use_true_random=False),
    cubic=st.booleans(),
)
def test_nodes_on_any_days_are_found_through_a_handle(days, draw, cubic):
    nodes = [ON, *(ON + n for n in sorted(days))]
    zeros = [draw.uniform(-0.01, 0.12) for _ in nodes]
    source = (ql.CubicZeroCurve if cubic and len(nodes) > 2 else ql.ZeroCurve)(nodes, zeros, DAYS)
    curve = curve_from(ql.YieldTermStructureHandle(source))
    np.testing.assert_allclose(np.exp(curve.logs), day_by_day(source), rtol=3e-13, atol=0.0)


def test_a_bump_between_neighbouring_nodes_is_seen():
    """Weekly nodes of a flat curve, one of them moved: no other day says so. A handle would have to be read on `dates`."""
    nodes = [ON + 7 * n for n in range(1500)]
    factors = [float(np.exp(-0.04 * 7 * n / 365.0)) for n in range(1500)]
    factors[1200] *= 1.0 + 1e-6
    source = ql.DiscountCurve(nodes, factors, DAYS)
    np.testing.assert_allclose(np.exp(curve_from(source).logs), day_by_day(source), rtol=1e-13, atol=0.0)
    asked = sampled(ql.YieldTermStructureHandle(source), [V + dt.timedelta(7 * n) for n in range(1500)])
    np.testing.assert_allclose(np.exp(asked.logs), factors, rtol=1e-15)


@pytest.mark.parametrize("years", [1.0 / 365.0, 0.1, 0.25, 1.0, 3.0, 30.0])
def test_a_key_rate_moved_alone_is_seen_through_a_handle(years):
    """A flat curve with one zero rate higher by a basis point, to a third of its tenor before and after."""
    day = max(1, round(365 * years))
    low, high = max(day - max(day // 3, 1), 0), day + max(day // 3, 1)
    nodes = [ON + n for n in sorted({0, low, day, high, FIFTY})]
    source = ql.ZeroCurve(nodes, [0.0401 if node - ON == day else 0.04 for node in nodes], DAYS)
    curve = curve_from(ql.YieldTermStructureHandle(source))
    assert curve.discount(V + dt.timedelta(day)) < np.exp(-0.04 * day / 365.0) * (1.0 - 5e-6 * day / 365.0)
    np.testing.assert_allclose(np.exp(curve.logs), day_by_day(source), rtol=1e-13, atol=0.0)


class Counted:
    """A curve of somebody else's that counts how often it is asked."""

    asked = 0

    def discount(self, date):
        self.asked += 1
        return float(np.exp(-0.04 * (date - V).days / 365.0))


def test_a_curve_that_also_projects_is_read_once_and_seldom():
    curve = Counted()
    Market(curve, valuation=V, government=curve, swap=curve, projections={"SOFR": curve, "EURIBOR": curve})
    assert curve.asked < 800


def test_a_quote_that_moves_reaches_new_markets_alone(toy):
    quote, flows, seen = ql.SimpleQuote(0.04), toy(), []
    handle = ql.YieldTermStructureHandle(ql.FlatForward(ON, ql.QuoteHandle(quote), DAYS))
    for n in range(20):
        quote.setValue(0.04 + 1e-4 * n)
        seen.append((Market(handle, otherwise=0.01, projections={"SOFR": handle}), 0.04 + 1e-4 * n))
    for market, rate in seen:
        expected = price(flows, Market(rate, valuation=V, otherwise=0.01)).npv
        np.testing.assert_allclose(price(flows, market).npv, expected, rtol=1e-12)
        assert market.projections["SOFR"].discount(V + dt.timedelta(365)) == pytest.approx(np.exp(-rate), rel=1e-13)


def test_a_factor_that_is_none_is_refused_by_its_date():
    class Ending:
        def discount(self, date):
            return 1.0 if date < dt.date(2040, 1, 1) else float("nan")

    with pytest.raises(CannotPrice, match=r"the discount factor on 20\d\d-\d\d-\d\d must be above 0, got nan"):
        Market(Ending(), valuation=V)

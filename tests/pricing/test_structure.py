"""structure: against closed forms, hand calculations, a grid searched by force, and its own answers run again."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from pricing.market.market import Market
from pricing.structure.readings import Seen, loss, multiple, read
from pricing.structure.solve import Infeasible, structured
from pricing.structure.terms.sizing_test import parsed
from pricing.structure.terms.structure_terms import Drawn, Schedule, Sought, Structure
from pricing.valuation.price import price
from structuring.deals.deal import Deal
from structuring.deals.funding import Funding
from structuring.runs.run import run
from structuring.scenarios.scenario import Scenario
from waterfalls import Account, Equity, Fee, Fixed, Note, Receipts
from waterfalls.clauses.waterfall import Waterfall
from waterfalls.errors import FirstLossError, InvalidTerms
from waterfalls.terms.term import plain

T = parsed
CASH = np.array([30.0, 34.0, 38.0, 42.0, 46.0, 40.0, 36.0, 32.0]) * 1e6
BASE = (Scenario("given"),)
MARKET = Market(0.04, {"A": 0.015, "B": 0.03, "E": {"yield": 0.12}}, valuation=dt.date(2026, 1, 15))
CLAUSES = (
    "pay(interest('A'))", "pay(scheduled_principal('A'))", "pay(interest('B'))", "pay(scheduled_principal('B'))", "pay(residual('E'))",
)  # fmt: skip


def annual(cash=CASH, **changed):
    """Eight yearly receipts of known amounts, a note A of 5 %, a note B, equity; nothing else."""
    dates = [dt.date(2027 + k, 1, 15) for k in range(len(cash))]
    terms = {
        "closing": dt.date(2026, 1, 15),
        "first_payment": dates[0],
        "maturity": dates[-1],
        "frequency": "annual",
        "calendar": "none",
        "convention": "unadjusted",
        "collateral": Receipts(dates, revenue=cash, value=np.full(len(cash), 250e6)),
        "tranches": (
            Note("A", 100e6, coupon=Fixed(0.05), rating="A"),
            Note("B", 20e6, coupon=Fixed(0.08), rating="BBB"),
            Equity("E", 50e6),
        ),
        "waterfall": Waterfall(tuple(map(_clause, CLAUSES))),
    }
    return Deal("annual", **{**terms, **changed})


def _clause(text):
    from waterfalls.clauses.waterfall import Clause
    from waterfalls.language.parsing import parse

    return parse(text, Clause)


def solved(deal=None, scenarios=BASE, market=MARKET, **terms):
    return structured(deal or annual(), Structure(**terms), scenarios, market)


# Sculpting ------------------------------------------------------------------------------------------------------------


def carried(cash, ratios, rate, first=0):
    """Debt that cash carries: sum of cash / ratio, discounted at the note's own rate; interest alone is paid before `first`."""
    years = np.arange(1, len(cash) + 1)
    return float(sum((cash / ratios / (1.0 + rate) ** (years - first))[first:]))


@pytest.mark.parametrize("ratio", [1.30, {dt.date(2027, 1, 15): 1.25, dt.date(2031, 1, 15): 1.60}])
def test_sculpted_debt_is_the_value_of_cash_over_the_ratio_at_its_own_rate(ratio):
    """D = sum of CFADS / DSCR discounted at the rate of the debt (Yescombe, Principles of Project Finance, 12.3)."""
    ratios = np.full(8, 1.30) if ratio == 1.30 else np.array([1.25] * 4 + [1.60] * 4)
    level = 1.30 if ratio == 1.30 else "stepped(1.25, {'2031-01-15': 1.6})"
    found = solved(
        sizes={"A": (T(f"dscr('A') >= {level}"),)}, schedules={"A": Schedule(ratio, first=dt.date(2027, 1, 15))}
    )
    assert found.size("A") == pytest.approx(carried(CASH, ratios, 0.05), rel=1e-10)
    service = found.flows.accrued["A"][0] + found.flows["accrued", "scheduled", "A"][0]
    assert CASH / service == pytest.approx(ratios, rel=1e-10)
    assert found.flows.balance["A"][0, -1] == pytest.approx(0.0, abs=1e-3)


def test_a_grace_period_bears_interest_alone():
    found = solved(
        sizes={"A": (T("lowest(dscr('A')) >= 1.30"),)}, schedules={"A": Schedule(1.30, first=dt.date(2029, 1, 15))}
    )
    assert found.size("A") == pytest.approx(carried(CASH, np.full(8, 1.30), 0.05, first=2), rel=1e-10)
    assert (found.flows.principal["A"][0, :2] == 0.0).all()


def test_a_junior_note_is_sculpted_to_what_the_senior_leaves():
    first = dt.date(2027, 1, 15)
    found = solved(
        sizes={"A": (T("dscr('A') >= 1.50"),), "B": (T("dscr('A', 'B') >= 1.20"),)},
        schedules={"A": Schedule(1.50, first=first), "B": Schedule(1.20, first=first)},
    )
    assert found.size("A") == pytest.approx(carried(CASH, np.full(8, 1.50), 0.05), rel=1e-10)
    junior = carried(CASH * (1.0 / 1.20 - 1.0 / 1.50), np.ones(8), 0.08)
    assert found.size("B") == pytest.approx(junior, rel=1e-10)


def test_the_income_of_an_account_counts_where_the_schedule_says_so():
    deal = annual(
        accounts=(Account("reserve", target=10e6, balance=10e6, rate=0.03),),
        waterfall=Waterfall(tuple(map(_clause, (*CLAUSES[:-1], "release('reserve')", CLAUSES[-1])))),
    )
    first = dt.date(2027, 1, 15)
    for accounts in ((), ("reserve",)):
        found = solved(deal, sizes={"A": 150e6}, schedules={"A": Schedule(1.30, first=first, income_of=accounts)})
        flows = found.flows
        income = flows["income", "reserve"][0]
        assert income == pytest.approx(0.3e6, rel=0.02)
        service = flows.accrued["A"][0] + flows["accrued", "scheduled", "A"][0]
        cover = (CASH + (income if accounts else 0.0)) / service
        assert cover == pytest.approx(cover[0], rel=1e-10)
        assert flows.balance["A"][0, -1] == pytest.approx(0.0, abs=1e-3)


def test_gearing_and_coverage_bind_at_once():
    """By hand: at 60 % of 250m the loan is 150m; cash carries 150m at 5 % at the ratio worth / 150m, the same at every date.

    Asking for exactly that ratio, both tests bind; a hair more, and coverage alone does.
    """
    worth = carried(CASH, np.ones(8), 0.05)
    ratio = worth / 150e6
    first, ltv = dt.date(2027, 1, 15), "at_closing(ltv('A')) <= 0.6"
    for asked, size in ((ratio, 150e6), (ratio * 1.01, 150e6 / 1.01), (ratio * 0.99, 150e6)):
        found = solved(
            sizes={"A": (T(f"dscr('A') >= {asked!r}"), T(ltv))}, schedules={"A": Schedule(asked, first=first)}
        )
        assert found.size("A") == pytest.approx(size, rel=2e-10)
    assert solved(
        sizes={"A": (T(f"dscr('A') >= {ratio * 0.99!r}"), T(ltv))}, schedules={"A": Schedule(ratio * 0.99, first=first)}
    ).flows.accrued["A"][0, 0] == pytest.approx(7.5e6, rel=1e-9)


# Coupons --------------------------------------------------------------------------------------------------------------


def test_a_par_coupon_prices_at_par():
    found = solved(
        sizes={"A": (T("dscr('A') >= 1.40"),), "B": (T("dscr('A', 'B') >= 1.25"),)},
        coupons={"A": "par", "B": 98.5},
        schedules={"A": Schedule(1.40, first=dt.date(2027, 1, 15)), "B": Schedule(1.25, first=dt.date(2027, 1, 15))},
    )
    clean = price(run(found.deal, BASE[0]), MARKET)["clean"][0, 0]
    assert clean[:2] == pytest.approx([100.0, 98.5], abs=1e-8)


@pytest.mark.parametrize(("size", "wanted", "said"), [
    (400e6, "par", "no coupon from 0% to 50% gives 'A' a price of 100: at 50% it is worth 58"),
    (30e6, 20.0, "no coupon from 0% to 50% gives 'A' a price of 20: at 0% it is worth"),
])  # fmt: skip
def test_a_price_that_no_coupon_gives_is_told_with_what_the_note_is_worth(size, wanted, said):
    """Of 400m all the cash there is, 298m, does not repay it; 30m repaid in eight years are worth more than 20 without interest."""
    with pytest.raises(FirstLossError, match=said):
        solved(sizes={"A": size}, coupons={"A": wanted})


def test_the_notes_of_a_campus_price_at_par_with_construction_and_reserve_solved():
    """Their coupon sets the interest to capitalise, which sets their size, which the rent must carry."""
    from pricing.market.market_files import load_market
    from pricing.structure.terms.structure_terms import load_structure
    from structuring.deals.deal_files import load_deal, load_scenarios

    name = "beignet-2025"
    market, terms = load_market(name), dataclasses.replace(load_structure(name), coupons={"notes": "par"})
    found = structured(load_deal(name), terms, load_scenarios(name), market)
    clean = price(run(found.deal, found.scenarios[0]), market)["clean"][0, 0, 0]
    assert clean == pytest.approx(100.0, abs=1e-8)
    assert found.deal.tranches[0].coupon.rate == pytest.approx(0.0755, abs=1e-4)  # at its quoted yield of 7.55 %


def test_a_coupon_follows_the_average_life_of_what_it_pays_for():
    """The spread is linear in the average life, which depends on the size, which depends on the coupon."""
    spreads = {"A": {2.0: 0.01, 8.0: 0.04}}
    found = solved(
        sizes={"A": (T("dscr('A') >= 1.40"),)}, coupons={"A": "par"}, spreads=spreads,
        schedules={"A": Schedule(1.40, first=dt.date(2027, 1, 15))},
    )  # fmt: skip
    flows = run(found.deal, BASE[0])
    prices = price(flows, MARKET)
    life = prices["wal"][0, 0, 0]
    z = 0.01 + 0.03 * (life - 2.0) / 6.0
    again = price(flows, Market(0.04, {"A": z, "B": 0.03, "E": {"yield": 0.12}}, valuation=dt.date(2026, 1, 15)))
    assert again["clean"][0, 0, 0] == pytest.approx(100.0, abs=1e-8)
    assert found.size("A") == pytest.approx(
        carried(CASH, np.full(8, 1.4), found.deal.tranches[0].coupon.rate), rel=1e-9
    )


# Circles --------------------------------------------------------------------------------------------------------------


def test_a_fee_that_is_financed_and_a_reserve_that_depends_on_its_debt():
    """By hand: A = 100m + 2 % A + (6 months of interest of A) = 100m / (1 - 0.02 - 0.025)."""
    deal = annual(
        accounts=(Account("reserve", target="0.025 * balance('A')", balance=1e6),),
        tranches=(Note("A", 104e6, coupon=Fixed(0.05)), Note("B", 20e6, coupon=Fixed(0.08)), Equity("E", 50e6)),
        funding=None,
        waterfall=Waterfall(tuple(map(_clause, (*CLAUSES[:-1], "release('reserve')", CLAUSES[-1])))),
    )
    a, b, e = 104e6, 20e6, 50e6
    uses = Funding(
        {"plant": a + b + e - 0.02 * a - 1e6, "reserve": "held('reserve')"}, costs={"fee": "0.02 * balance('A')"}
    )
    deal = dataclasses.replace(deal, funding=uses)
    found = solved(deal, sizes={"A": "rest"}, amounts={"accounts['reserve'].balance": "months_of_interest(6, 'A')"})
    plant = a + b + e - 0.02 * a - 1e6
    assert found.size("A") == pytest.approx((plant - b - e) / (1.0 - 0.02 - 0.025), rel=1e-9)
    assert max(found.residuals.values()) <= 1e-9 * 174e6
    assert found.deal.funding == uses


def test_a_circle_that_grows_without_end_is_told():
    deal = annual(
        accounts=(Account("reserve", balance=1e6),),
        waterfall=Waterfall(tuple(map(_clause, (*CLAUSES[:-1], "release('reserve')", CLAUSES[-1])))),
        funding=Funding({"plant": 169e6, "reserve": "held('reserve')"}),
    )
    with pytest.raises(FirstLossError, match="the circle does not come to rest|passes|negative|asks for"):
        solved(deal, sizes={"A": "rest"}, amounts={"accounts['reserve'].balance": "1.5 * balance('A')"})


# The search -----------------------------------------------------------------------------------------------------------


def levelled(**changed):
    """The same deal with level payments, so that sizes have to be searched."""
    from waterfalls.terms.amortisation import LevelPayments

    notes = [dataclasses.replace(t, amortisation=LevelPayments(dt.date(2027, 1, 15), 8)) if isinstance(t, Note) else t
             for t in annual().tranches]  # fmt: skip
    return annual(tranches=tuple(notes), **changed)


def test_sizes_are_those_of_a_grid_searched_by_force():
    deal = levelled()
    found = solved(deal, sizes={"A": (T("dscr('A') >= 1.40"),), "B": (T("dscr('A', 'B') >= 1.15"),)})
    step = 0.25e6

    def passes(a, b):
        sizes = {"A": a, "B": b}
        trial = dataclasses.replace(
            deal, tranches=tuple(dataclasses.replace(t, notional=sizes.get(t.name, t.notional)) for t in deal.tranches)
        )
        flows = run(trial, BASE[0])
        service = {n: flows.accrued[n][0] + flows["accrued", "scheduled", n][0] for n in "AB"}
        return (CASH / service["A"]).min() >= 1.40, (CASH / (service["A"] + service["B"])).min() >= 1.15

    grid = np.arange(100e6, 170e6, step)
    a = max(size for size in grid if passes(size, 1.0)[0])
    b = max(size for size in np.arange(1e6, 60e6, step) if passes(a, size)[1])
    assert a <= found.size("A") < a + step
    assert abs(found.size("B") - b) <= 2.0 * step
    assert all(passes(found.size("A") * (1 - 1e-9), found.size("B") * (1 - 1e-9)))
    assert not passes(found.size("A") * (1 + 1e-8), 1.0)[0]


def test_a_number_is_sought_between_its_limits():
    deal = annual(
        fees=(Fee("agent", annual=0.5e6),), definitions={"months": 3},
        waterfall=Waterfall(tuple(map(_clause, ("pay(fee('agent'))", *CLAUSES)))),
    )  # fmt: skip
    found = solved(deal, numbers={"fees['agent'].annual": Sought("largest", between=(0.0, 9e6), tests=(T("lowest(dscr('A')) >= 5"),))})  # fmt: skip
    assert found.deal.fees[0].annual == pytest.approx(30e6 - 5.0 * 5e6, rel=1e-9)
    found = solved(deal, numbers={"fees['agent'].annual": Sought("smallest", between=(0.0, 9e6), tests=(T("dscr('A') <= 9"),))})  # fmt: skip
    assert found.deal.fees[0].annual == pytest.approx(46e6 - 45e6, rel=1e-9)


def test_a_test_that_a_larger_size_comes_nearer_to_does_not_limit_it():
    """The equity puts in what the note does not: at 40 % of the value it earns more than without a note."""
    deal = levelled(funding=Funding({"plant": 170e6}))
    sizes = {"A": (T("at_closing(ltv('A')) <= 0.4"), T("equity_irr('E') >= 0.18")), "E": "rest"}
    alone = solved(deal, sizes={"A": 1.0, "E": "rest"})
    assert irr(alone) < 0.18
    found = solved(deal, sizes=sizes)
    assert found.size("A") == pytest.approx(100e6, rel=1e-9) and irr(found) > 0.18
    assert [str(reading.test) for reading in found.bounds[0].binding] == ["at_closing(ltv('A')) <= 0.4"]
    with pytest.raises(Infeasible, match="equity_irr"):
        solved(deal, sizes={**sizes, "A": (sizes["A"][0], T("equity_irr('E') >= 0.9"))})


def irr(found):
    """The equity's return of a solved structure."""
    return read(T("equity_irr('E') >= 0"), Seen(found.deal, found.flows, MARKET, found.flows), [0]).value


def test_relaxing_a_test_never_shrinks_what_it_bound():
    sizes = [
        solved(levelled(), sizes={"A": (T(f"dscr('A') >= {level}"),)}).size("A") for level in (1.6, 1.5, 1.4, 1.3, 1.2)
    ]
    assert sizes == sorted(sizes)


# Infeasible is an answer ----------------------------------------------------------------------------------------------


def test_what_cannot_be_is_told_with_its_test_scenario_and_date():
    with pytest.raises(Infeasible) as told:
        solved(sizes={"A": (T("at_closing(ltv('A')) <= 0.5"),)}, must=(T("equity_irr('E') >= 9"),))
    assert "equity_irr('E') is " in str(told.value) and "must be at least 9" in str(told.value)
    assert told.value.nearest is not None and told.value.nearest.size("A") == pytest.approx(125e6, rel=1e-9)
    with pytest.raises(Infeasible) as told:
        solved(sizes={"A": (T("at_closing(ltv('A')) <= 0.5"),), "B": (T("loss('B') <= 0"),)})
    assert "loss('B') is 1.08 on 2034-01-15 in 'given', and must be at most 0" in str(told.value)
    assert "the nearest that would do, without what fails: A 125.0m, B 0.0m, E 50.0m" in str(told.value)
    assert told.value.nearest is not None and told.value.nearest.size("A") == pytest.approx(125e6, rel=1e-9)
    with pytest.raises(Infeasible) as told:
        solved(sizes={"B": (T("dscr('A') >= 8"),)})
    assert "dscr('A') is 6 on 2027-01-15 in 'given', and must be at least 8" in str(told.value)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({}, "nothing is solved for"),
        ({"sizes": {"Z": (T("dscr('A') >= 1.2"),)}}, r"sizes\['Z'\]: there is no tranche 'Z'"),
        ({"sizes": {"A": (T("dscr('Z') >= 1.2"),)}}, r"sizes\['A'\]\[0\]: there is no note 'Z'"),
        ({"sizes": {"A": (T("loss('E') <= 0"),)}}, "there is no note 'E'"),
        ({"sizes": {"A": (T("dscr('A') >= 1.2 in 'bust'"),)}}, "there is no scenario 'bust'"),
        ({"sizes": {"A": ()}}, "has no upper bound"),
        ({"sizes": {"A": (T("dscr('B') >= 0.1"),)}}, "has no upper bound: none of its tests fails"),
        ({"sizes": {"A": (T("dscr('A') >= 0.01"),)}, "coupons": {"A": "par"}}, "has no upper bound: its tests pass at .*, and beyond that the circle"),
        ({"sizes": {"A": (T("at_closing(ltv('A')) <= 60"),)}}, "has no upper bound: none of its tests fails"),
        ({"sizes": {"A": -5.0}}, "greater than 0 or a list, got -5.0"),
        ({"sizes": {"A": "all"}}, "is a list of tests, an amount, or rest"),
        ({"sizes": {"A": "rest", "E": "rest"}}, "one tranche is the rest"),
        ({"sizes": {"A": "rest"}}, "is the rest of the uses, and the deal says none"),
        ({"sizes": {"A": (T("dscr('A') >= 1.4"), T("dscr('A') <= 1.2"))}}, "contradict each other"),
        ({"coupons": {"A": "parr"}}, "is par, or a clean price"),
        ({"coupons": {"E": "par"}}, "is equity"),
        ({"coupons": {"C": "par"}}, r"coupons\['C'\]: there is no note 'C'"),
        ({"coupons": {"A": "par"}, "market": Market(0.04, {"A": {"price": 99.0}}, valuation=dt.date(2026, 1, 15))}, "is quoted by a price"),
        ({"coupons": {"A": "par"}, "market": Market(0.04, {}, valuation=dt.date(2026, 1, 15))}, "'A' has no spread: quote it"),
        ({"schedules": {"Z": Schedule(1.3, first=dt.date(2027, 1, 15))}}, r"schedules\['Z'\]: there is no note 'Z'"),
        ({"amounts": {"accounts['x'].balance": "months_of_interest('A')"}}, "a number of months, then notes"),
        ({"schedules": {"A": Schedule(1.3, first=dt.date(2040, 1, 15))}}, "leaves no payment date"),
        ({"schedules": {"A": Schedule(1.3, first=dt.date(2027, 1, 15), income_of=("x",))}}, "there is no account 'x'"),
        ({"amounts": {"tranches['A'].notional": "4 * interest_accrued('A')"}}, "reads interest accrued, of which there is none when the deal begins"),
        ({"amounts": {"accounts['x'].balance": "1.0"}}, r"there is no item 'x'"),
        ({"amounts": {"tranches['A'].coupon": "1.0"}}, "is no number to solve for"),
        ({"numbers": {"maturityy": Sought("largest", between=(0.0, 1.0), tests=(T("dscr('A') >= 1"),))}}, "there is no field 'maturityy'"),
        ({"numbers": {"tranches['A'].notional": lambda: Sought("largest", between=(9.0, 1.0), tests=(T("dscr('A') >= 1"),))}}, "must be the lower limit and the upper one"),
        ({"numbers": {"tranches['A'].notional": lambda: Sought("largest", between=(1.0, 9.0), tests=())}}, "must hold at least one"),
        ({"sizes": {"A": (T("expected_loss('A') <= 0.01"),)}}, "speaks of paths: say which"),
        ({"sizes": {"A": (T("expected_loss('A') <= 0.01"),)}, "paths": Drawn({"rent": 0.2}, around="bust")}, "paths.around: there is no scenario 'bust'"),
        ({"coupons": {"A": "par"}, "spreads": {"A": {5.0: 150.0}}}, "is a decimal"),
    ],
)  # fmt: skip
def test_bad_input_has_one_clear_message(terms, said):
    with pytest.raises(FirstLossError, match=said):
        solved(**{
            name: {path: each() if callable(each) else each for path, each in given.items()} if isinstance(given, dict) else given
            for name, given in terms.items()
        })  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dscr('A') > 1.2", "says >= or <="),
        ("dscr('A')", "is not a test: write measure >= level"),
        ("los('A') <= 0", "Did you mean 'loss'"),
        ("1 <= dscr('A') <= 2", "is not a test"),
        ("dscr('A') >= 1.2 in base", "is not a test"),
        ("on(dscr('A')) >= 1", "it takes 2 in parentheses"),
        ("paid('A') <= 'soon'", "such as '2026-11-30' is wanted"),
        ("breakeven('A', 'rnt') <= 0.8", "Did you mean 'rent'"),
        ("at_closing(ltv()) <= 0.6", "ltv needs 'name' in its parentheses. Balance of the notes down to"),
        ("dscr('A') >= 1.4 y", "invalid syntax"),
    ],
)
def test_a_sentence_that_is_no_test_is_told(text, said):
    with pytest.raises(InvalidTerms, match=said):
        T(text)


@pytest.mark.parametrize("text", [
    "dscr('A') >= 1.4 in 'base'", "at_closing(ltv('B')) <= 0.6", "loss('A') <= 0 in 'rents fall 45 %'", "paid('A') <= '2033-12-15'",
    "on(dscr('A', 'B'), '2029-06-15') >= 1.2", "dscr('A') >= stepped(1.4, {'2030-03-15': 1.5})", "headroom_to_trap() >= 0.1",
])  # fmt: skip
def test_a_test_reads_back_from_its_text(text):
    assert str(T(text)) == text and T(str(T(text))) == T(text)
    assert plain(Structure(sizes={"A": (T(text),)}))["sizes"] == {"A": [text]}


def test_a_level_is_said_as_a_multiple_or_in_per_cent():
    assert T("dscr('A') >= 1.40x in 'rents fall 45 %'") == T("dscr('A') >= 1.40 in 'rents fall 45 %'")
    assert T("at_closing(ltv('A')) <= 62.5 %") == T("at_closing(ltv('A')) <= 0.625")


# Published ------------------------------------------------------------------------------------------------------------


def property_of(income, years, value, rate):
    """A property of level income by the month and a loan repaid in level payments."""
    from waterfalls.terms.amortisation import LevelPayments

    count = 12 * years
    dates = [dt.date(2026 + (1 + k) // 12, (1 + k) % 12 + 1, 15) for k in range(count)]
    clauses = ("pay(interest('A'))", "pay(scheduled_principal('A'))", "pay(residual('E'))")
    return Deal(
        "property", closing=dt.date(2026, 1, 15), first_payment=dates[0], maturity=dates[-1], frequency="monthly", calendar="none",
        convention="unadjusted", collateral=Receipts(dates, revenue=np.full(count, income / 12.0), value=np.full(count, value)),
        tranches=(Note("A", income, coupon=Fixed(rate), amortisation=LevelPayments(dates[0], count)), Equity("E", 1.0)),
        waterfall=Waterfall(tuple(map(_clause, clauses))),
    )  # fmt: skip


def test_a_mortgage_is_sized_as_published(golden):
    case = golden("structure_loan_sizing")
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]
    said = given["coverage"]
    deal = property_of(said["income"], said["years"], 1e7, said["rate"])
    found = solved(deal, sizes={"A": (T(f"dscr('A') >= {said['dscr']}"),)})
    assert found.size("A") == pytest.approx(expected["coverage"], rel=within["dollar"])

    said = given["three tests"]
    deal = property_of(said["income"], said["years"], said["value"], said["rate"])
    cover, share = T(f"dscr('A') >= {said['dscr']}"), T(f"at_closing(ltv('A')) <= {said['ltv']}")
    earned = T(f"balance('A') <= 12 * receipt('revenue') / {said['debt_yield']}")
    found = solved(deal, sizes={"A": (cover, share, earned)})
    assert found.size("A") == pytest.approx(expected["loan to value"], rel=1e-9)
    assert [str(reading.test) for reading in found.bounds[0].binding] == [str(share)]
    assert found.readings[0].value == pytest.approx(expected["dscr at it"], abs=within["printed"])
    assert solved(deal, sizes={"A": (cover,)}).size("A") == pytest.approx(
        expected["by coverage"], rel=within["constant rounded"]
    )
    assert solved(deal, sizes={"A": (earned,)}).size("A") == pytest.approx(
        expected["by debt yield"], rel=within["constant rounded"]
    )


# What is measured -----------------------------------------------------------------------------------------------------


def test_every_measure_is_what_it_says():
    """By hand, of 100m of A at 5 % and 20m of B at 8 % that repay at the end out of 32m: A gets 32m - interest of 5m."""
    deal = annual()
    flows = run(deal, BASE[0])
    seen = Seen(deal, flows, MARKET, flows)

    def value(text):
        return read(T(text), seen, [0]).value

    assert value("dscr('A') >= 1") == pytest.approx(6.0)
    assert value("mean(dscr('A')) >= 1") == pytest.approx(CASH.mean() / 5e6)
    assert value("on(dscr('A'), '2029-01-15') >= 1") == pytest.approx(38.0 / 5.0)
    assert value("at_closing(ltv('B')) <= 1") == pytest.approx(120.0 / 250.0)
    assert value("loss('A') <= 1") == pytest.approx(0.73, abs=1e-8)
    assert value("loss('B') <= 1") > 1.0
    assert value("paid('A') <= '2034-01-15'") == dt.date.max.toordinal()
    residual = CASH - 6.6e6
    assert value("multiple('E') >= 1") == pytest.approx(residual[:-1].sum() / 50e6)
    assert value("clean('A') <= 200") == pytest.approx(price(flows, MARKET)["clean"][0, 0, 0])


def test_a_loss_is_a_share_of_what_was_outstanding_and_what_was_drawn_after(given):
    """40 outstanding, 60 drawn, 50 repaid: half of 100 is lost."""
    dates = [dt.date(2026, 4, 15), dt.date(2026, 7, 15)]
    flows = given(dates, [0.0, 0.0], [0.0, 50.0], balance=40.0, drawn=[60.0, 0.0], undrawn=60.0)
    assert loss(Seen(annual(), flows, MARKET, flows), "A", 0) == pytest.approx(0.5, abs=1e-8)


def test_a_multiple_is_of_all_that_is_paid_in_also_where_more_comes_back_that_day(given):
    """40 at the start, 60 drawn on a day on which 2 are paid: 108 come back on 100, and not 106 on 98."""
    dates = [dt.date(2026, 4, 15), dt.date(2026, 7, 15)]
    flows = given(dates, [2.0, 6.0], [0.0, 100.0], balance=40.0, drawn=[60.0, 0.0], undrawn=60.0)
    deal = dataclasses.replace(annual(), closing=dt.date(2026, 1, 15))
    assert multiple(Seen(deal, flows, MARKET, flows), "A", 0) == pytest.approx(1.08, rel=1e-12)


def test_paths_are_scenarios_that_bear_no_name(fresh_lease):
    deal, market = fresh_lease
    terms = Structure(
        sizes={"A": (T("expected_loss('A') <= 0.001 in 'paths'"),)},
        paths=Drawn({"rent": 0.2}, count=40),
    )
    scenarios = (Scenario("base", sale=dt.date(2036, 12, 15)),)
    found = structured(deal, terms, scenarios, market)
    assert found.readings[0].value == pytest.approx(0.001, rel=1e-6)


@pytest.fixture
def fresh_lease():
    from pathlib import Path

    from pricing.market.market_files import load_market
    from structuring.deals.deal_files import load_deal

    folder = Path("pricing/template")
    return dataclasses.replace(load_deal(folder / "deal.yaml"), funding=None), load_market(folder / "market.yaml")


# Taxes and subsidies ------------------------------------------------------------------------------------------------


PAID = ("pay(interest('A'))", "pay(scheduled_principal('A'))", "pay(residual('E'))")


def of_one_note(*clauses, **changed):
    tranches = (Note("A", 100e6, coupon=Fixed(0.05), rating="A"), Equity("E", 70e6), *changed.pop("more", ()))
    return annual(tranches=tranches, waterfall=Waterfall(tuple(map(_clause, (*clauses, *PAID)))), **changed)


def test_debt_is_sculpted_to_coverage_after_a_tax_that_deducts_its_own_interest():
    """(CFADS - tax) / service = 1.30 at every date, tax = 25 % of CFADS - interest - depreciation, where it is above losses."""
    tax = Fee("tax", amount="0.25 * taxable(receipt('revenue') - interest_accrued('A') - 20e6, carried=15e6)")
    found = solved(
        of_one_note("pay(fee('tax'))", fees=(tax,)),
        sizes={"A": (T("lowest(dscr('A')) >= 1.30"),)},
        schedules={"A": Schedule(1.30, first=dt.date(2027, 1, 15))},
    )
    flows, interest = found.flows, found.flows.accrued["A"][0]
    service = interest + flows["accrued", "scheduled", "A"][0]
    losses, expected = 15e6, []
    for income in CASH - interest - 20e6:
        used = min(losses, max(income, 0.0))
        expected.append(0.25 * (max(income, 0.0) - used))
        losses += max(-income, 0.0) - used
    assert flows.fees["tax"][0] == pytest.approx(expected, abs=1e-3)
    assert (CASH - flows.fees["tax"][0]) / service == pytest.approx(np.full(8, 1.30), rel=1e-8)
    assert flows.balance["A"][0, -1] == pytest.approx(0.0, abs=1.0)


def test_an_availability_payment_is_solved_to_a_coverage():
    """The lowest revenue is 30 over interest of 5: for 8 times the state pays 10 at every date."""
    state = Equity("state", commitment=500e6)  # it is paid nothing back
    found = solved(
        of_one_note("draw('state', amount=defined('availability'))", more=(state,), definitions={"availability": 0.0}),
        numbers={
            "definitions['availability']": Sought(
                "smallest", between=(0.0, 50e6),
                tests=(T("lowest(ratio(receipt('revenue') + defined('availability'), interest_accrued('A'), zero=99)) >= 8"),),
            )
        },
    )  # fmt: skip
    assert found.deal.definitions["availability"].value == pytest.approx(10e6, rel=1e-6)
    assert found.flows.draws["state"][0] == pytest.approx(np.full(8, 10e6), rel=1e-6)


def test_a_subsidy_pays_what_each_date_lacks():
    support = of_one_note(
        "draw('state', amount=8 * debt_service('A') - receipt('revenue'))", more=(Equity("state", commitment=500e6),)
    )
    assert run(support).draws["state"][0] == pytest.approx(np.maximum(40e6 - CASH, 0.0))

"""Deals as their documents print them: percent outstanding and weighted average lives of real tranches at several speeds."""

import datetime

import numpy as np
import pytest
from deals import golden

from structuring import Deal, LoanPool, Scenario, abs_speed, psa, run
from structuring.collateral.loan_tape import LoanLine
from waterfalls import Account, Equity, Fee, Fixed, Floating, Instalments, Note
from waterfalls.words import (
    at_start,
    balance,
    call,
    called,
    defined,
    fee,
    interest,
    max_,
    min_,
    pay,
    pool_balance,
    principal,
    principal_collections,
    release,
    residual,
    scheduled_principal,
    top_up,
)

D = datetime.date


def loans(rows):
    return tuple(LoanLine(b, r / 100.0, remaining_term=term, age=age) for b, r, term, age in rows)


def speeds(case, curve, unit):
    return [Scenario(f"{speed:g}", prepayment=curve(speed)) for speed in case["inputs"][unit]]


def lives(flows, name, closing, original):
    """Sum of principal x 30/360 years from closing, over the original balance, by scenario."""
    years = [((day.year - closing.year) * 360 + (day.month - closing.month) * 30 + day.day - closing.day) / 360
             for day in flows.dates]  # fmt: skip
    return (flows.principal[name] * np.array(years)).sum(axis=1) / original


def outstanding(flows, rows, classes, tolerance, *, but=()):
    """Every printed cell but those (name, date, row) against the balance after that date, a per cent of the class."""
    for name, date, *printed in rows:
        found = left(flows, name, date, classes)
        kept = [row for row, cell in enumerate(printed) if cell is not None and (name, date, row) not in but]
        np.testing.assert_allclose(
            found[kept], np.array(printed, dtype=float)[kept], rtol=0.0, atol=tolerance, err_msg=f"{name} {date}"
        )


def left(flows, name, date, classes):
    """What a class has outstanding after a date, a per cent of what it had, by scenario."""
    return 100.0 * flows.balance[name][:, flows.dates.index(D.fromisoformat(date))] / classes[name][0]


# Ally Auto Receivables Trust 2017-3: six classes in sequence, seven speeds ------------------------------------------------


def ally(given):
    names = list(given["classes"])
    waterfall = (
        pay(fee("servicing"), fee("administration"), sharing="sequential")
        >> pay(*interest(*names), sharing="sequential")
        >> pay(*principal(*names), sharing="sequential").capped(principal_collections())
        >> pay(residual("certificates"))
    )
    return Deal(
        "Ally 2017-3",
        closing=D.fromisoformat(given["closing"]), first_payment=D.fromisoformat(given["first_payment"]),
        maturity=D(2024, 4, 15), cutoff=D.fromisoformat(given["cutoff"]), collection_ends="month end",
        frequency="monthly", calendar="none",
        collateral=LoanPool(loans(given["pools"]["rows"])),
        tranches=(*(Note(n, b, coupon=Fixed(r)) for n, (b, r) in given["classes"].items()), Equity("certificates")),
        fees=(
            Fee("servicing", rate=given["servicing"], on=at_start(pool_balance())),
            Fee("administration", annual=12 * given["administration_per_month"]),
        ),
        waterfall=waterfall,
    )  # fmt: skip


def test_ally_2017_3_at_seven_speeds():
    case = golden("abs_ally_2017_3")
    given, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]
    flows = run(ally(given), speeds(case, abs_speed, "abs"))
    outstanding(flows, expected["per_cent_outstanding"], given["classes"], tolerance["per_cent"])
    for name, printed in expected["wal_to_maturity"].items():
        found = lives(flows, name, D.fromisoformat(given["closing"]), given["classes"][name][0])
        np.testing.assert_allclose(found, printed, rtol=0.0, atol=tolerance["wal"], err_msg=name)


# AmeriCredit 2017-1: overcollateralisation is built by a turbo, kept by a step-down, and ended by a clean-up call ------------


def americredit(given, *, to_call):
    tables, names = given["pools"], list(given["classes"])
    pools = tuple(
        LoanPool(loans(tables[cutoff]), servicing=given["servicing"], first_payment=first)
        for cutoff, first in (("cutoff 2017-01-01", D(2017, 1, 31)), ("cutoff 2017-02-01", D(2017, 2, 28)))
    )
    initial = sum(line.balance for pool in pools for line in pool.lines)
    reserve = given["reserve_of_initial_pool"] * initial
    notes, pool = balance(*names), pool_balance()
    after = at_start(notes) - principal_collections()
    required = pool - max_(given["oc_target"] * pool - reserve, 0.0)
    room = max_(pool - after - given["oc_floor_of_initial_pool"] * initial, 0.0)
    waterfall = (
        pay(fee("trustees"))
        >> pay(*interest(*names[:-1]), sharing="sequential")
        >> pay(*principal(*names), sharing="sequential").capped(principal_collections() - defined("step-down"))
        >> pay(top_up("reserve"))
        >> pay(*principal(*names), sharing="sequential").capped(max_(notes - defined("required"), 0.0))
        >> release("reserve").when(notes <= 0.0)
        >> pay(residual("certificate"))
    )
    if to_call:
        sale = call(price=pool).when(pool <= given["call_of_initial_pool"] * initial)
        waterfall = sale >> pay(*principal(*names), sharing="sequential").when(called()) >> waterfall
    return Deal(
        "AmeriCredit 2017-1",
        closing=D.fromisoformat(given["closing"]), first_payment=D.fromisoformat(given["first_payment"]),
        maturity=D(2023, 4, 18), cutoff=D(2016, 12, 31), collection_ends="month end", frequency="monthly", calendar="none",
        collateral=pools,
        tranches=(*(Note(n, b, coupon=Fixed(r)) for n, (b, r) in given["classes"].items()), Equity("certificate")),
        fees=(Fee("trustees", annual=12 * given["other_fees_per_month"]),),
        accounts=(Account("reserve", target=min_(reserve, 1e3 * balance(*names)), balance=reserve),),
        definitions={"required": required, "step-down": min_(max_(defined("required") - after, 0.0), room)},
        waterfall=waterfall,
    )  # fmt: skip


@pytest.mark.parametrize("basis", ["to_call", "to_maturity"])
def test_americredit_2017_1_at_four_speeds(basis):
    case = golden("abs_americredit_2017_1")
    given, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]
    flows = run(americredit(given, to_call=basis == "to_call"), speeds(case, abs_speed, "abs"))
    for name, printed in expected["wal"][basis].items():
        found = lives(flows, name, D.fromisoformat(given["closing"]), given["classes"][name][0])
        np.testing.assert_allclose(found, printed, rtol=0.0, atol=tolerance["wal"], err_msg=name)
    if basis == "to_maturity":
        return
    further = [(name, date, given["abs"].index(speed)) for name, date, speed, _ in expected["further_off"]]
    outstanding(flows, expected["per_cent_outstanding"], given["classes"], tolerance["per_cent"], but=further)
    for (name, date, row), (*_, printed) in zip(further, expected["further_off"], strict=True):
        found = left(flows, name, date, given["classes"])[row]
        assert found == pytest.approx(printed, abs=tolerance["per_cent_further_off"]), (name, date)
        assert abs(found - printed) > tolerance["per_cent"], "within what holds for every other cell: strike it off"


# Fannie Mae 2019-2 group 3: a pass-through whose coupon is stripped into an interest-only class -----------------------------


def test_fannie_mae_2019_2_group_3():
    case = golden("abs_fannie_mae_2019_2_group_3")
    given, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]
    (size, rate), (notional, strip) = given["AB"], given["IO"]
    deal = Deal(
        "Fannie Mae 2019-2 group 3",
        closing=D(2019, 1, 25), first_payment=D.fromisoformat(given["first_payment"]), maturity=D(2049, 1, 25),
        cutoff=D(2018, 12, 31), collection_ends="month end", frequency="monthly", calendar="none",
        collateral=LoanPool.level_pay(
            balance=given["balance"], rate=given["rate"], remaining_term=given["remaining_term"], age=given["age"],
            servicing=given["rate"] - given["pass_through"],
        ),
        tranches=(
            Note("AB", size, coupon=Fixed(rate)),
            Note("IO", notional, balance=0.0, coupon=Fixed(strip), interest_on=given["notional_of_AB"] * balance("AB")),
            Equity("R"),
        ),
        waterfall=pay(*interest("AB", "IO"), sharing="pro rata by due") >> pay(principal("AB")) >> pay(residual("R")),
    )  # fmt: skip
    flows = run(deal, speeds(case, psa, "psa"))
    found = lives(flows, "AB", D.fromisoformat(given["settlement"]), size)
    np.testing.assert_allclose(found, expected["wal_AB"], rtol=0.0, atol=tolerance["wal"])
    row = given["psa"].index(1.98)
    printed = expected["per_cent_outstanding_each_january_from_2020_at_198_psa"]
    found = 100.0 * flows.balance["AB"][row, 11::12][: len(printed)] / size
    np.testing.assert_allclose(found, printed, rtol=0.0, atol=tolerance["per_cent"])
    np.testing.assert_allclose(flows.interest["R"].sum(axis=1), expected["residual"], atol=tolerance["residual"])
    assert (flows.arrears["IO"] < 0.1).all()  # the notional is printed to twelve digits, which is cents too many


# Fabozzi's structures: sequential classes, an accrual bond, a planned amortisation class, a floater with its inverse ------


def cmo(given, notes, waterfall):
    """Classes on the pool of every structure, each with its coupon; the residual takes what is left."""
    pool = LoanPool.level_pay(
        balance=given["balance"], rate=given["wac"], remaining_term=given["wam"], age=given["age"],
        servicing=given["wac"] - given["pass_through"],
    )  # fmt: skip
    return Deal(
        "CMO", closing=D(2026, 1, 1), first_payment=D(2026, 2, 1), maturity=D(2055, 10, 1), frequency="monthly",
        calendar="none", collateral=pool, tranches=(*notes, Equity("R")), waterfall=waterfall >> pay(residual("R")),
    )  # fmt: skip


def months_lived(flows, name):
    paid = flows.principal[name]
    return (paid * np.arange(1, paid.shape[1] + 1) / 12).sum(axis=1) / paid.sum(axis=1)


def test_fabozzis_sequential_classes_and_accrual_bond():
    case = golden("standards_fabozzi_cmo")
    given, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]
    sizes, coupon, speed = (
        given["sequential"],
        Fixed(given["coupon"]),
        Scenario("165 PSA", prepayment=psa(given["psa"])),
    )
    names = list(sizes)
    waterfall = pay(*interest(*names), sharing="sequential") >> pay(*principal(*names), sharing="sequential")
    plain = run(cmo(given, [Note(name, size, coupon=coupon) for name, size in sizes.items()], waterfall), speed)
    first, printed = (
        {name: plain.receipts[name][0, 0] for name in plain.receipts.fields},
        expected["month_1_at_165_psa"],
    )
    found = {"net_interest": first["interest"], "scheduled": first["principal"], "prepaid": first["prepayments"]}
    assert found == pytest.approx(printed, abs=tolerance["amounts"])
    for name, life in expected["lives_at_165_psa"].items():
        assert months_lived(plain, name)[0] == pytest.approx(life, abs=tolerance["lives"]), name
    accrues = balance(*names[:3]) > 0.0
    notes = [
        Note(name, size, coupon=coupon, capitalises=accrues if name == "D" else None) for name, size in sizes.items()
    ]
    z = run(cmo(given, notes, waterfall), speed)
    for name, life in expected["lives_with_accrual_bond_at_165_psa"].items():
        assert months_lived(z, name)[0] == pytest.approx(life, abs=tolerance["lives"]), name


def test_fabozzis_planned_amortisation_class():
    case = golden("standards_fabozzi_cmo")
    given, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]
    coupon, names = Fixed(given["coupon"]), ["P", "S"]
    bare = cmo(given, [Note("all", given["balance"], coupon=coupon)], pay(interest("all")) >> pay(principal("all")))
    band = run(bare, [Scenario(f"{speed:g}", prepayment=psa(speed)) for speed in given["pac_band_psa"]])
    planned = band.principal["all"].min(axis=0)
    size = float(planned.sum())
    assert size == pytest.approx(expected["pac_size"], abs=tolerance["pac_size"])
    dates = band.plan.schedule.unadjusted[1:]
    plan = Instalments(dict(zip(dates, planned.tolist(), strict=True)), prepaid="in order")
    notes = [Note("P", size, coupon=coupon, amortisation=plan), Note("S", given["balance"] - size, coupon=coupon)]
    deal = cmo(
        given, notes,
        pay(*interest(*names), sharing="sequential") >> pay(scheduled_principal("P")) >> pay(principal("S")) >> pay(principal("P")),
    )  # fmt: skip
    flows = run(deal, [Scenario(speed, prepayment=psa(float(speed))) for speed in expected["pac_lives"]])
    np.testing.assert_allclose(
        months_lived(flows, "P"), list(expected["pac_lives"].values()), rtol=0.0, atol=tolerance["lives"]
    )
    assert np.ptp(months_lived(flows, "S")[2:8]) > 15.0  # the support bears what the band is spared


def test_fabozzis_floater_and_inverse_floater_share_a_fixed_coupon():
    case = golden("standards_fabozzi_cmo")
    given, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]
    size, up, down = given["sequential"]["C"], given["floater"], given["inverse"]
    notes = [
        Note("FL", up["share"] * size, coupon=Floating("LIBOR", up["margin"], cap=up["cap"]), day_count="30/360"),
        Note(
            "IFL", down["share"] * size, day_count="30/360",
            coupon=Floating("LIBOR", down["margin"], multiple=down["multiple"], floor=down["floor"]),
        ),
    ]  # fmt: skip
    names = ["FL", "IFL"]
    waterfall = pay(*interest(*names), sharing="pro rata by due") >> pay(
        *principal(*names), sharing="pro rata by balance"
    )
    for index, (floating, inverse) in expected["rates_by_index"].items():
        deal = cmo(given, notes, waterfall)
        flows, fast = (
            run(deal, Scenario("base", prepayment=psa(1.0)), rates={"LIBOR": float(index)}, engine=engine)
            for engine in ("reference", "fast")
        )
        assert all(np.array_equal(flows[key], fast[key]) for key in flows.plan.outputs)
        found = [12.0 * flows.interest[note.name][0, 0] / note.notional for note in notes]
        assert found == pytest.approx([floating, inverse], abs=tolerance["rates"])
        if float(index) <= 0.095:  # until the cap binds, both together pay the coupon of their collateral
            assert sum(flows.interest[name][0, 0] for name in names) == pytest.approx(size * given["coupon"] / 12)

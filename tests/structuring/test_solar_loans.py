"""The solar loans of examples/deals: one payment date by hand, the step of the payment in month 18, and what triggers do."""

import dataclasses
import datetime
from pathlib import Path

import pytest

from structuring import LoanPool, Scenario, load_deal, load_scenarios, run
from structuring.deals.unusual_terms import left_unpaid
from structuring.runs.run import project

D = datetime.date
FOLDER = Path(__file__).parents[2] / "examples" / "deals" / "solar_loans"
MONTH = 0.04 / 12
POOL, NOTES = 380.9, {"A": (151.9, 0.0615), "B": (54.4, 0.07), "C": (24.6, 0.08)}


def annuity(months):
    return (1.0 - (1.0 + MONTH) ** -months) / MONTH


def contract(credit_prepaid=0.0):
    """Thirteen payments a month, in millions, of loans six months old that nobody leaves, and the credit over what is owed.

    Of an original loan of 1 the payment is that of 1 less the credit's value today; after six of them 380.9m are owed.
    """
    payment, owed = (1.0 - 0.3 * (1.0 + MONTH) ** -18) / annuity(300), 1.0
    for _ in range(6):
        owed = owed * (1.0 + MONTH) - payment
    original, owed = POOL / owed, POOL
    payments = [payment * original] * 12
    for paid in payments:
        owed = owed * (1.0 + MONTH) - paid
    after = (owed - credit_prepaid * 0.3 * original) / annuity(282)
    return [*payments, after], 0.3 * original / owed


@pytest.fixture(scope="module")
def flows():
    return run(load_deal(FOLDER / "deal.yaml"), load_scenarios(FOLDER / "scenarios.yaml"))


def test_the_payment_rises_in_month_18_unless_the_credit_is_prepaid():
    """1.446m a month; from then on 2.074m if nobody prepays, 1.446m as before if everyone does: lines, then prepayment."""
    deal = load_deal(FOLDER / "deal.yaml")
    assert isinstance(deal.collateral, LoanPool)
    sound = dataclasses.replace(deal.collateral, default_curve=None, delinquency=None, prepayment=None)
    (steps, share), (level, _) = contract(), contract(credit_prepaid=1.0)
    prepaid = {D(2024, 6, 1): 0.0, D(2025, 6, 1): share, D(2025, 7, 1): 0.0}
    for rates, payments in ((None, steps), (prepaid, level)):
        alone = dataclasses.replace(deal, collateral=dataclasses.replace(sound, prepayment=rates))
        receipts = project(alone, Scenario("base"))  # its triggers read who is late, which sound loans do not say
        paid = (receipts["interest"] + receipts["principal"])[0, :13] / 1e6
        assert paid == pytest.approx(payments, rel=1e-4)  # the file rounds its lines to 10,000
    assert steps[12] / steps[0] == pytest.approx(1.434, abs=1e-3)
    assert level[12] == pytest.approx(level[0], rel=1e-12)


def test_a_date_by_hand(flows):
    """21 July 2025, the collections of June, in which 60 % of the credit is prepaid; thirteen months by a table of shares.

    Each month a twelfth of a tenth (from June 2025 of 16 %) of 8.3 % of 380.9m defaults; 0.5 % of the others miss their
    payment; of those who do not, 0.39 % prepay (18.47 % in June 2025) before they pay. Those 30 days late cure by a half
    and roll by three tenths, 60 days by 0.4 and 0.3, 90 days cure by a fifth; who cures pays the instalments missed, and
    4 % a year on the balance until then. Of what defaulted in June 2024 three tenths come back.
    """
    x, y, owed = 88.02, 292.88, [POOL]  # x pays level, y interest alone for twelve months, then level too
    for m in range(13):
        x = x * (1.0 + MONTH) - 88.02 / annuity(294)
        y = y * (1.0 + MONTH) - (292.88 / annuity(282) if m == 12 else 292.88 * MONTH)
        owed.append(x + y)
    roll, cure = (0.3, 0.3, 0.0), (0.5, 0.4, 0.2)

    def later(held, new):
        entered = (new, held[0] * roll[0], held[1] * roll[1])
        return [h * (1 - c - r) + e for h, c, r, e in zip(held, cure, roll, entered, strict=True)]

    paying, late, unpaid, arrears, pools = 1.0, [0.0] * 3, [0.0] * 3, [0.0] * 3, [POOL]
    interest = principal = prepaid = 0.0
    for m in range(13):
        before, after = owed[m], owed[m + 1]
        default = 0.083 * (0.16 if m == 12 else 0.10) / 12 * POOL / (paying * before)
        leaves = 0.1847 if m == 12 else 0.0039
        missed, pays = paying * (1 - default) * 0.005, paying * (1 - default) * 0.995
        stays = pays * (1 - leaves)
        arrears = [a + u * MONTH for a, u in zip(arrears, unpaid, strict=True)]
        interest = stays * before * MONTH + sum(a * c for a, c in zip(arrears, cure, strict=True))
        caught_up = sum((u - n * after) * c for u, n, c in zip(unpaid, late, cure, strict=True))
        principal, prepaid = stays * (before - after) + caught_up, pays * leaves * before
        paying = stays + sum(n * c for n, c in zip(late, cure, strict=True))
        late, arrears = later(late, missed), later(arrears, missed * before * MONTH)
        unpaid = later(unpaid, missed * before)
        pools.append(paying * after + sum(unpaid))
    recovered = 0.3 * 0.083 * 0.10 / 12 * POOL

    notes, a_month_ago = 0.606 * pools[12], 0.606 * pools[11]  # as the last two dates left them
    paid = {name: size * rate / 12 for name, (size, rate) in NOTES.items()}
    paid["A"] = (notes - 54.4 - 24.6) * 0.0615 / 12
    repaid = notes - 0.606 * pools[13]
    fee, released = pools[13] * 0.004 / 12, 0.01 * (a_month_ago - notes)
    residual = interest + principal + prepaid + recovered + released - fee - sum(paid.values()) - repaid

    t = flows.dates.index(D(2025, 7, 21))
    for field, amount in (
        ("interest", interest), ("principal", principal), ("prepayments", prepaid), ("recoveries", recovered),
        ("pool_balance", pools[13]),
    ):  # fmt: skip
        assert flows.receipts[field][0, t] / 1e6 == pytest.approx(amount, rel=1e-10), field
    for name, amount in paid.items():
        assert flows.interest[name][0, t] / 1e6 == pytest.approx(amount, rel=1e-10), name
    assert flows.principal["A"][0, t] / 1e6 == pytest.approx(repaid, rel=1e-10)
    assert flows.accounts["reserve"][0, t] / 1e6 == pytest.approx(0.01 * notes, rel=1e-10)
    assert flows.interest["residual"][0, t] / 1e6 == pytest.approx(residual, rel=1e-9)


def test_triggers_turn_all_cash_to_the_notes_and_late_payers_are_one(flows):
    on = {name: dict(zip(flows.scenarios, rows.any(axis=1), strict=True)) for name, rows in flows.triggers.items()}
    assert not any(rows["base"] for rows in on.values())
    assert on["cumulative default"]["a third defaults for nothing"] and on["late payers"]["the servicer fails"]
    assert (
        not on["late payers"]["losses of the index of 2023"] and not on["overcollateralisation"]["the servicer fails"]
    )
    s = list(flows.scenarios).index("the servicer fails")
    first = int(flows.triggers["late payers"][s].argmax())
    assert flows.interest["residual"][s, first - 1] > 0.0 == flows.interest["residual"][s, first]
    lost = dict(zip(flows.tranches, flows.totals()["loss"][-1], strict=True))  # a third defaults for nothing
    assert lost["C"] > lost["B"] > 0.0 == lost["A"] and not flows.totals()["loss"][:-1].any()
    assert list(left_unpaid(flows)) == []


def test_the_pool_is_called_at_a_tenth_and_nothing_arrives_afterwards(flows):
    pool, residual = flows.receipts["pool_balance"][0] / 1e6, flows.interest["residual"][0] / 1e6
    t = int((pool <= 38.09).argmax())
    assert pool[t - 1] > 38.09 and residual[t] > pool[t] and not residual[t + 1 :].any()


def test_slow_prepayment_alone_costs_the_notes_years(flows):
    """Loans at 4 % under notes at 6.15 to 8 %: the longer they stay out, the more interest the pool's principal pays."""
    interest = {s: sum(flows.interest[n][k].sum() for n in NOTES) for k, s in enumerate(flows.scenarios)}
    assert interest["everyone prepays the credit"] < interest["base"] < interest["nobody prepays the credit"]

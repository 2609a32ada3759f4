"""What an indenture says, said here: phrase -> terms and clauses as a deal file has them -> printed words -> cash.

Every deal is tiny and annual: payment dates are 15 January 2027, 2028 and 2029, so that 30/360 accrues exactly one.
Every number is worked out by hand; a comment shows how where it is not plain. Both engines run every row.
"""

import dataclasses
import datetime
import itertools
import math
import re

import pytest
from tiny import explained_as_paid, flows_from, plan_from, same_cash

from waterfalls import words
from waterfalls.clauses.waterfall import Clause
from waterfalls.language.parsing import parse
from waterfalls.language.vocabulary import WORDS


@dataclasses.dataclass(frozen=True)
class Row:
    """One phrase: how it is said, a line of what is printed, what arrives, and who gets what at each date."""

    phrase: str
    said: str
    words: str
    arrives: dict
    cash: dict


def a(notional=100.0, rate=0.05, name="A", **more):
    """A note in the text of a deal file."""
    rest = "".join(f", {key}: {value}" for key, value in more.items())
    coupon = rate if isinstance(rate, str) else f"{{fixed: {{rate: {rate}}}}}"
    return f"{{note: {{name: {name}, notional: {notional}, coupon: {coupon}{rest}}}}}"


def deal(*tranches, clauses, **parts):
    """The text of a deal: its tranches, its clauses, and other parts as they stand in a file."""
    lines = [f"tranches: [{', '.join(tranches)}]"] if tranches else []
    lines += [f"{name}: {value}" for name, value in parts.items()]
    return "\n".join([*lines, "waterfall:", *(f"  - {clause}" for clause in clauses)])


REST = "pay(residual('E'))"
PLAIN = ("pay(interest('A'))", "pay(principal('A'))", REST)
INTEREST = ("pay(interest('A'))", REST)


class Steep:
    """A curve whose forwards rise, so that reading it earlier reads less: D = exp(-t^2 / 100), t in years of 365 days."""

    def discount(self, day):
        return math.exp(-(((day - datetime.date(2026, 1, 15)).days / 365.0) ** 2) / 100.0)

    def fixed(self, begins, ends, lag):
        """The simple rate between two dates, both read `lag` days early."""
        begins, ends = (day - datetime.timedelta(days=lag) for day in (begins, ends))
        return (self.discount(begins) / self.discount(ends) - 1.0) * 360.0 / (ends - begins).days


JANUARIES = [datetime.date(year, 1, 15) for year in (2026, 2027, 2028, 2029)]
LAGGED = [
    100.0 * (Steep().fixed(begins, ends, 10) + 0.02) * (ends - begins).days / 360.0
    for begins, ends in itertools.pairwise(JANUARIES)
]

TRANCHES = [
    Row(
        "reset lag: the index is fixed ten days before each period begins",
        deal(a(rate="{floating: {index: SOFR, margin: 0.02, reset_lag: 10}}"), clauses=INTEREST),
        "to pay interest on A",
        {"interest": [20, 20, 20], "rates": {"SOFR": Steep()}},
        {"interest A": LAGGED},
    ),
    Row(
        "fixings: what has been fixed is a number, period by period, before what is projected",
        deal(a(rate="{floating: {index: SOFR, margin: 0.0}}", day_count="30/360"), clauses=INTEREST),
        "to pay interest on A",
        {"interest": [20, 20, 20], "rates": {"SOFR": [[0.0431, 0.05, 0.05]]}},
        {"interest A": [4.31, 5.0, 5.0]},
    ),
    Row(
        "fixed coupon",
        deal(a(), clauses=PLAIN),
        "to pay interest on A",
        {"interest": [20, 20, 120]},
        {"interest A": [5, 4.25, 3.4625], "balance A": [85, 69.25, 0]},
    ),
    Row(
        "floating coupon: index and margin, actual/360",
        deal(a(rate="{floating: {index: SOFR, margin: 0.02}}"), clauses=INTEREST),
        "to pay interest on A",
        {"interest": [20, 20, 20], "rates": {"SOFR": [[0.03, 0.04, 0.05]]}},
        {"interest A": [100 * 0.05 * 365 / 360, 100 * 0.06 * 365 / 360, 100 * 0.07 * 366 / 360]},
    ),
    Row(
        "floating coupon within a floor and a cap",
        deal(
            a(rate="{floating: {index: SOFR, margin: 0.02, floor: 0.03, cap: 0.06}}", day_count="30/360"),
            clauses=INTEREST,
        ),
        "to pay interest on A",
        {"interest": [20, 20, 20], "rates": {"SOFR": [[0.0, 0.03, 0.09]]}},
        {"interest A": [3, 5, 6]},
    ),
    Row(
        "step-up ladder",
        deal(a(rate="{fixed: {rate: 0.05, step_up: {2027-01-15: 0.01, 2028-01-15: 0.02}}}"), clauses=INTEREST),
        "to pay interest on A",
        {"interest": [20, 20, 20]},
        {"interest A": [5, 6, 8]},
    ),
    Row(
        "a coupon that a trigger steps up, from the date after it is tested on",
        deal(
            a(rate="{fixed: {rate: 0.05, step_up_while: {\"trigger('T')\": 0.01}}}"),
            triggers="[{name: T, test: \"event('downgrade')\"}]",
            clauses=INTEREST,
        ),
        "to pay interest on A",
        {"interest": [20, 20, 20], "events": {"downgrade": [[1, 0, 0]]}},
        {"trigger T": [1, 0, 0], "interest A": [5, 6, 5]},
    ),
    Row(
        "default rate: 2 % more while an event of default stands",
        deal(
            a(
                rate="{floating: {index: SOFR, margin: 0.02, step_up_while: {event_of_default(): 0.02}}}",
                day_count="30/360",
            ),
            clauses=INTEREST,
        ),
        # 4 of 5; then 1 and 7; then 7, as the default is not cured
        "to pay interest on A",
        {"interest": [4, 20, 20], "rates": {"SOFR": 0.03}},
        {"interest A": [4, 8, 7]},
    ),
    Row(
        "an index that resets twice within the period, averaged",
        deal(
            a(rate="{floating: {index: SOFR, margin: 0.01, resets: semiannual}}", day_count="30/360"), clauses=INTEREST
        ),
        "to pay interest on A",
        {"interest": [20, 20, 20], "rates": {"SOFR": [[0.02, 0.04, 0.03, 0.05, 0.04, 0.06]]}},
        {"interest A": [4, 5, 6]},
    ),
    Row(
        "an index that resets twice within the period, compounded, the margin not",
        deal(
            a(rate="{floating: {index: SOFR, margin: 0.01, resets: semiannual, compounded: true}}", day_count="30/360"),
            clauses=INTEREST,
        ),
        # 1.01 x 1.02, 1.015 x 1.025 and 1.02 x 1.03, less 1
        "to pay interest on A",
        {"interest": [20, 20, 20], "rates": {"SOFR": [[0.02, 0.04, 0.03, 0.05, 0.04, 0.06]]}},
        {"interest A": [4.02, 5.0375, 6.06]},
    ),
    Row(
        "interest on arrears at a rate of its own",
        deal(a(deferrable="true", interest_on_arrears="{fixed: {rate: 0.1}}"), clauses=INTEREST),
        # 5; then 10 % on 5; then 10 % on 6.5
        "to pay interest on A",
        {"interest": [0, 4, 20]},
        {"arrears A": [5, 6.5, 0], "interest A": [0, 4, 12.15]},
    ),
    Row(
        "interest that lapses where a date leaves it unpaid, and is no default; principal that is missed stays owed",
        deal(
            a(lapses="true", amortisation="{instalments: {amounts: {2027-01-15: 2}}}"),
            clauses=(
                "pay(interest('A'))",
                "pay(scheduled_principal('A')).when(on_or_after('2028-01-15'))",
                "pay(principal('A')).when(event_of_default())",
                REST,
            ),
        ),
        # 4 are left of 9 in January 2028, for the 2 that were missed; then 4.9 fall due
        "to pay interest on A",
        {"interest": [2, 9, 1]},
        {
            "interest A": [2, 5, 1],
            "arrears A": [0, 0, 0],
            "shortfall A": [3, 0, 3.9],
            "principal A": [0, 2, 0],
            "residual E": [0, 2, 0],
        },
    ),
    Row(
        "equity with a balance that principal reduces, and the remainder beside it",
        deal(
            a(60.0, 0.0),
            "{equity: {name: E, notional: 40}}",
            clauses=("pay(principal('A', 'E'), sharing='sequential')", REST),
        ),
        "to pay principal of A and principal of E, in this order",
        {"interest": [50, 30, 40]},
        {"principal E": [0, 20, 20], "balance E": [40, 20, 0], "residual E": [0, 0, 20]},
    ),
    Row(
        "zero-coupon note, issued at 100 to accrete at 5 %",
        deal(a(capitalises="always()"), clauses=PLAIN),
        "to pay principal of A",
        {"interest": [0, 0, 200]},
        {"interest A": [0, 0, 0], "balance A": [105, 110.25, 0], "principal A": [0, 0, 115.7625]},
    ),
    Row(
        "interest only on a notional",
        deal(
            a(),
            a(1.0, 0.01, "IO", balance=0.0, interest_on="balance('A')"),
            clauses=("pay(interest('A', 'IO'), sharing='sequential')", "pay(principal('A'))", REST),
        ),
        "to pay interest on A and interest on IO, in this order",
        {"interest": [56, 10, 60]},
        {"interest IO": [1, 0.5, 0.43], "principal A": [50, 7, 43]},
    ),
    Row(
        "principal only",
        deal(
            a(),
            a(50.0, 0.0, "PO"),
            clauses=(
                "pay(interest('A', 'PO'), sharing='sequential')",
                "pay(principal('A', 'PO'), sharing='sequential')",
                REST,
            ),
        ),
        "to pay principal of A and principal of PO, in this order",
        {"interest": [105, 20, 40]},
        {"interest PO": [0, 0, 0], "principal PO": [0, 20, 30], "residual E": [0, 0, 10]},
    ),
    Row(
        "accrual note, released when A is repaid",
        deal(
            a(),
            a(50.0, 0.1, "Z", capitalises="balance('A') > 0"),
            clauses=(
                "pay(interest('A', 'Z'), sharing='sequential')",
                "pay(principal('A', 'Z'), sharing='sequential')",
                REST,
            ),
        ),
        # A pays 5 and 95, then 0.25 and 5 with 0.75 to Z: Z accretes 5 and 5.5, then pays 10 % on 60.5 - 14.75
        "to pay interest on A and interest on Z, in this order",
        {"interest": [100, 20, 60]},
        {"principal A": [95, 5, 0], "balance Z": [55, 45.75, 0], "interest Z": [0, 0, 4.575]},
    ),
    Row(
        "payment-in-kind toggle",
        deal(a(capitalises="event('pik')"), clauses=INTEREST),
        "to pay interest on A",
        {"interest": [9, 9, 9], "events": {"pik": [[1, 0, 0]]}},
        {"interest A": [0, 5.25, 5.25], "capitalised A": [5, 0, 0], "balance A": [105, 105, 105]},
    ),
    Row(
        "payment in kind of all interest that cash does not pay in full",
        deal(a(capitalises="cash() < interest_accrued('A')"), clauses=INTEREST),
        "to pay interest on A",
        {"interest": [4, 9, 9]},
        {
            "interest A": [0, 5.25, 5.25],
            "capitalised A": [5, 0, 0],
            "balance A": [105, 105, 105],
            "interest E": [4, 3.75, 3.75],
        },
    ),
    Row(
        "deferrable interest, with interest on it",
        deal(a(deferrable="true", interest_on_arrears="true"), clauses=INTEREST),
        "to pay interest on A",
        {"interest": [0, 4, 20]},
        {"arrears A": [5, 6.25, 0], "interest A": [0, 4, 6.25 + 5.3125]},
    ),
    Row(
        "schedule with a lockout",
        deal(
            a(amortisation="{equal_instalments: {first: 2028-01-15, count: 2}}"),
            clauses=("pay(interest('A'))", "pay(scheduled_principal('A'))", REST),
        ),
        "to pay scheduled principal of A",
        {"interest": [60, 60, 60]},
        {"principal A": [0, 50, 50], "residual E": [55, 5, 7.5]},
    ),
    Row(
        "stated instalments, the missed part caught up",
        deal(
            a(amortisation="{instalments: {amounts: {2027-01-15: 30, 2028-01-15: 30}}}"),
            clauses=("pay(interest('A'))", "pay(scheduled_principal('A'))", REST),
        ),
        # 15 of 30 paid, then 15 + 30; at legal final the rest
        "to pay scheduled principal of A",
        {"interest": [20, 60, 60]},
        {"principal A": [15, 45, 40], "missed A": [15, 0, 0]},
    ),
    Row(
        "sculpted to a debt service coverage of 1.25",
        deal(
            a(amortisation="{sculpted: {dscr: 1.25, first: 2027-01-15}}"),
            clauses=("pay(interest('A'))", "pay(scheduled_principal('A'))", REST),
        ),
        # 25 / 1.25 - 5 = 15; 30 / 1.25 - 4.25 = 19.75; at legal final the balance of 65.25
        "to pay scheduled principal of A",
        {"revenue": [25, 30, 90]},
        {"principal A": [15, 19.75, 65.25]},
    ),
    Row(
        "bullet",
        deal(a(), clauses=("pay(interest('A'))", "pay(scheduled_principal('A'))", REST)),
        "to pay scheduled principal of A",
        {"interest": [9, 9, 120]},
        {"principal A": [0, 0, 100], "residual E": [4, 4, 15]},
    ),
    Row(
        "anticipated repayment: full sweep, then additional interest, deferred, after principal",
        deal(
            a(anticipated_repayment="2027-01-15", additional_rate=0.02),
            clauses=(
                "pay(interest('A'))",
                "pay(principal('A')).when(on_or_after('2027-01-15'))",
                "pay(additional_interest('A'))",
                REST,
            ),
        ),
        # 2 % from January 2027 on: on 60 for 2027 (1.2), on 50 for 2028 (1.0)
        "to pay principal of A, if the payment date falls on or after 15 January 2027",
        {"interest": [45, 13, 60]},
        {"principal A": [40, 10, 50], "interest A": [5, 3, 2.5 + 2.2], "residual E": [0, 0, 5.3]},
    ),
    Row(
        "variable funding note with an undrawn fee",
        deal(
            a(balance=20.0, available_until="2028-01-15", revolving="true"),
            fees="[{name: commitment, rate: 0.01, on: undrawn('A')}]",
            clauses=(
                "draw('A', amount=receipt('construction'))",
                "pay(expense('construction'))",
                "pay(fee('commitment'))",
                "pay(interest('A'))",
                "pay(principal('A'))",
                REST,
            ),
        ),
        # undrawn 80, then 100 - 10 = 90 before the draw of 30
        "to draw the collateral's construction for the period on A",
        {"interest": [31.8, 11.4, 60], "construction": [20, 30, 0]},
        {
            "draws A": [20, 30, 0],
            "fee commitment": [0.8, 0.9, 0],
            "interest A": [1, 0.5, 1.5],
            "balance A": [10, 30, 0],
        },
    ),
    Row(
        "delayed draw until a date",
        deal(
            a(balance=0.0, available_until="2027-01-15"),
            clauses=(
                "draw('A', amount=receipt('construction'))",
                "pay(expense('construction'))",
                "pay(interest('A'))",
                REST,
            ),
        ),
        "to draw the collateral's construction for the period on A",
        {"interest": [0, 50, 9], "construction": [40, 40, 0]},
        {"draws A": [40, 0, 0], "interest A": [0, 2, 2], "expense construction": [40, 40, 0]},
    ),
    Row(
        "pari passu group before a junior, out of one amount",
        deal(
            a(60.0, 0.0, "A-1"),
            a(40.0, 0.0, "A-2"),
            a(50.0, 0.0, "B"),
            clauses=(
                "pay(pay(principal('A-1', 'A-2'), sharing='pro rata by balance'), principal('B'), sharing='sequential')"
                ".capped(principal_collections())",
                REST,
            ),
        ),
        "to pay principal of A-1 and principal of A-2, pro rata to their balances and principal of B, in this order, "
        "up to the principal collections of the period",
        {"principal": [50, 70, 40]},
        {"principal A-1": [30, 30, 0], "principal A-2": [20, 20, 0], "principal B": [0, 20, 30]},
    ),
    Row(
        "a group of notes paid to a schedule of its balance, what exceeds it to the companion, then beyond the schedule",
        deal(
            a(30.0, 0.0, "P-1"),
            a(30.0, 0.0, "P-2"),
            a(40.0, 0.0, "companion"),
            definitions="{planned: \"stepped(40, {'2028-01-15': 20, '2029-01-15': 0})\"}",
            clauses=(
                "pay(principal('P-1', 'P-2'), sharing='sequential').capped(balance('P-1', 'P-2') - defined('planned'))",
                "pay(principal('companion', 'P-1', 'P-2'), sharing='sequential')",
                REST,
            ),
        ),
        # 20 of 60, then 15 of the 20 to come to 20, then 25, 10 and the rest
        "up to the balance of P-1 and P-2 minus the planned",
        {"principal": [50, 15, 40]},
        {"principal P-1": [20, 10, 0], "principal P-2": [0, 5, 25], "principal companion": [30, 0, 10]},
    ),
    Row(
        "a series issued later, if the pool covers it too; what it brings buys receivables",
        deal(
            a(50.0),
            a(40.0, 0.05, "B", balance=0.0, available_until="2028-01-15"),
            replacements="[{name: receivables, coupon: {fixed: {rate: 0.1}}, repays: 0}]",
            clauses=(
                "draw('B', amount=undrawn('B')).when(on_or_after('2028-01-15') & "
                "(pool_balance() >= 1.2 * (balance('A') + undrawn('B'))))",
                "pay(purchase('receivables')).capped(drawn('B'))",
                "pay(interest('A', 'B'), sharing='sequential')",
                REST,
            ),
        ),
        "to draw the undrawn commitment of B on B, if the payment date falls on or after 15 January 2028 and the "
        "collateral's pool balance is at least 1.2 times the balance of A plus the undrawn commitment of B",
        # 110 covers 1.2 x 90; B bears 2 and the receivables 4 from the next date on
        {"interest": [10, 10, 10], "pool_balance": [110, 110, 110]},
        {"draws B": [0, 40, 0], "interest B": [0, 0, 2], "residual E": [7.5, 7.5, 9.5]},
    ),
    Row(
        "a warehouse that buys loans, taken out by a term note",
        deal(
            a(60.0, 0.05, "W", balance=0.0, available_until="2027-01-15"),
            a(50.0, 0.05, balance=0.0, available_until="2028-01-15"),
            replacements="[{name: loans, coupon: {fixed: {rate: 0.1}}, repays: 0}]",
            clauses=(
                "draw('W', amount=undrawn('W'))",
                "pay(purchase('loans')).capped(drawn('W'))",
                "draw('A', amount=undrawn('A')).when(on_or_after('2028-01-15'))",
                "pay(interest('W', 'A'), sharing='sequential')",
                "pay(principal('W')).when(on_or_after('2028-01-15'))",
                REST,
            ),
        ),
        # 6 and 50 less 3 of interest; then 6 less 0.35 and 2.5
        "to draw the undrawn commitment of A on A, if the payment date falls on or after 15 January 2028",
        {"interest": [0, 0, 0]},
        {"draws W": [60, 0, 0], "draws A": [0, 50, 0], "principal W": [0, 53, 3.15], "interest A": [0, 0, 2.5]},
    ),
    Row(
        "planned and companion note: the plan first, what exceeds it to the companion",
        deal(
            a(60.0, 0.0, "PAC", amortisation="{equal_instalments: {first: 2027-01-15, count: 3, prepaid: in order}}"),
            a(40.0, 0.0, "companion"),
            clauses=(
                "pay(scheduled_principal('PAC'))",
                "pay(principal('companion', 'PAC'), sharing='sequential')",
                REST,
            ),
        ),
        "to pay scheduled principal of PAC",
        {"principal": [50, 15, 35]},
        {"principal PAC": [20, 15, 25], "principal companion": [30, 0, 10]},
    ),
]

ACCOUNTS = [
    Row(
        "reserve with a fixed target",
        deal(
            a(),
            accounts="[{name: reserve, target: 10, balance: 4}]",
            clauses=("pay(interest('A')).supported_by('reserve')", "pay(top_up('reserve'))", REST),
        ),
        "to pay into the reserve up to its target",
        {"interest": [9, 20, 2]},
        {"account reserve": [8, 10, 7], "interest A": [5, 5, 5], "residual E": [0, 13, 0]},
    ),
    Row(
        "reserve with a floored formula, released as it falls",
        deal(
            a(),
            accounts="[{name: reserve, target: \"max_(0.1 * balance('A'), 6)\", balance: 10}]",
            clauses=("pay(interest('A'))", "pay(principal('A'))", "release('reserve')", REST),
        ),
        "to release from the reserve what exceeds its target",
        {"interest": [25, 40, 60]},
        {"account reserve": [8, 6, 6], "residual E": [2, 2, 60 - 2.2 - 44]},
    ),
    Row(
        "reserve with a stepped target",
        deal(
            a(),
            accounts="[{name: reserve, target: \"stepped(8, {'2028-01-15': 3})\", balance: 8}]",
            clauses=("pay(interest('A'))", "release('reserve')", REST),
        ),
        "to release from the reserve what exceeds its target",
        {"interest": [5, 5, 5]},
        {"account reserve": [8, 3, 3], "residual E": [0, 5, 0]},
    ),
    Row(
        "the reserve is emptied when the pool is gone, whatever its target",
        deal(
            accounts="[{name: reserve, target: 5, balance: 5}]",
            clauses=("release('reserve', to=0).when(pool_balance() <= 0)", REST),
        ),
        "to release all of the reserve, if the collateral's pool balance is at most 0",
        {"interest": [1, 1, 1], "pool_balance": [50, 10, 0]},
        {"account reserve": [5, 5, 0], "residual E": [1, 1, 6]},
    ),
    Row(
        "income by a day count of the account's own, and on collections for half of the period",
        deal(
            accounts="[{name: reserve, balance: 100, rate: 0.1, day_count: 30/360, stays: true, "
            "income_on: \"held('reserve') + 0.5 * interest_collections()\"}]",
            clauses=(REST,),
        ),
        # 10 % of 110, of 111 and of 142.1; what is in it stays
        "to pay the remainder to E",
        {"interest": [20, 0, 40]},
        {"account reserve": [111, 122.1, 136.31], "residual E": [20, 0, 40]},
    ),
    Row(
        "income of an account at an index less a margin",
        deal(
            accounts="[{name: reserve, balance: 100, rate: {floating: {index: SOFR, margin: -0.01}}, day_count: 30/360, "
            "target: 100}]",
            clauses=("release('reserve')", REST),
        ),
        # 2 % of 100; then 0.5 % is charged; then 3 % of 99.5, of which 0.5 fills it again
        "to release from the reserve what exceeds its target",
        {"interest": [0, 0, 0], "rates": {"SOFR": [[0.03, 0.005, 0.04]]}},
        {"account reserve": [100, 99.5, 100], "residual E": [2, 0, 2.485]},
    ),
    Row(
        "income of an account, actual/360",
        deal(
            a(),
            accounts="[{name: reserve, balance: 36, rate: 0.1}]",
            clauses=("release('reserve').when(on_or_after('2028-01-15'))", "pay(interest('A'))", REST),
        ),
        "to release from the reserve what exceeds its target, if the payment date falls on or after 15 January 2028",
        {"interest": [5, 5, 5]},
        {"account reserve": [39.65, 0, 0], "residual E": [0, 39.65 * (1 + 36.5 / 360), 0]},
    ),
    Row(
        "letter of credit: draws are senior claims, the limit holds and the expiry counts",
        deal(
            a(rate=0.1),
            facilities="[{name: LC, limit: 12, coupon: {fixed: {rate: 0.05}}, day_count: 30/360, expires: 2028-01-15}]",
            clauses=("pay(interest('LC'))", "pay(principal('LC'))", "pay(interest('A')).supported_by('LC')", REST),
        ),
        # drawn 8; then 2 are left after 0.4 interest and 1.6 principal: room is 12 - 8 = 4 (repaid today, lent tomorrow)
        "to pay interest on A, drawing where cash does not suffice on the LC",
        {"interest": [2, 2, 9]},
        {"symbol lent LC": [8, 4, 0], "symbol balance LC": [8, 10.4, 1.92], "arrears A": [0, 6, 16]},
    ),
    Row(
        "guarantee of a third party, paid into the deal",
        deal(a(), clauses=INTEREST),
        "to pay interest on A",
        {"interest": [2, 2, 2], "guarantee": [3, 3, 0]},
        {"interest A": [5, 5, 2], "arrears A": [0, 0, 3]},
    ),
    Row(
        "residual value guarantee, applied to principal only",
        deal(a(rate=0.0), clauses=("pay(principal('A')).capped(receipt('guarantee') + receipt('resale'))", REST)),
        "to pay principal of A, up to the collateral's guarantee for the period plus the collateral's resale for the period",
        {"revenue": [9, 9, 9], "resale": [0, 40, 0], "guarantee": [0, 0, 25]},
        {"principal A": [0, 40, 25], "residual E": [9, 9, 9]},
    ),
    Row(
        "principal deficiency ledgers, junior first, made good from income",
        deal(
            a(60.0),
            a(40.0, 0.0, "B"),
            accounts="[{name: principal}]",
            ledgers="[{name: A PDL, account: principal, limit: balance('A')}, "
            "{name: B PDL, account: principal, limit: balance('B')}]",
            clauses=(
                "pay(deposit('principal')).capped(principal_collections())",
                "debit('B PDL', 'A PDL', amount=receipt('losses'))",
                "pay(interest('A'))",
                "pay(credit('A PDL', 'B PDL'), sharing='sequential')",
                "pay(principal('A', 'B'), sharing='sequential').from_('principal')",
                "release('principal')",
                REST,
            ),
        ),
        # losses 45: B bears 40, A 5; income 3 + 8 = 11 less 3 of interest credits A 5, B 3
        "to debit B PDL and A PDL, in this order, with the collateral's losses for the period",
        {"interest": [11, 9, 20], "principal": [10, 0, 0], "losses": [45, 0, 0]},
        {
            "symbol ledger A PDL": [0, 0, 0],
            "symbol ledger B PDL": [37, 30.1, 11.855],
            "principal A": [18, 6.9, 18.245],
            "principal B": [0, 0, 0],
        },
    ),
    Row(
        "interest rate swap, fixed for floating, balance guaranteed",
        deal(
            a(rate=0.0),
            hedges="[{swap: {name: swap, notional: balance('A'), pay: {fixed: {rate: 0.03}}, receive: "
            "{floating: {index: SOFR, margin: 0.0}}, day_count: 30/360}}]",
            clauses=("pay(hedge('swap'))", "pay(principal('A')).capped(50)", REST),
        ),
        "to pay the swap hedge",
        {"interest": [52, 10, 100], "rates": {"SOFR": [[0.01, 0.05, 0.03]]}},
        {"symbol received swap": [0, 1, 0], "principal A": [50, 11, 39]},
    ),
    Row(
        "interest rate cap at 4 %, its premium a fee",
        deal(
            a(rate=0.0),
            hedges="[{cap: {name: cap, notional: balance('A'), index: SOFR, strike: 0.04, day_count: 30/360}}]",
            fees="[{name: premium, amount: 1.5, when: ~on_or_after('2028-01-15')}]",
            clauses=("pay(fee('premium'))", REST),
        ),
        "to pay the premium fee",
        {"interest": [9, 9, 9], "rates": {"SOFR": [[0.03, 0.05, 0.06]]}},
        {"symbol received cap": [0, 1, 2], "residual E": [7.5, 10, 11]},
    ),
    Row(
        "a new interest rate cap, at 5 %, from the extension on",
        deal(
            a(rate=0.0),
            hedges="[{cap: {name: first, notional: 100, index: SOFR, strike: 0.04, ends: 2027-01-15, day_count: 30/360}}, "
            "{cap: {name: second, notional: 100, index: SOFR, strike: 0.05, begins: 2027-01-15, day_count: 30/360}}]",
            clauses=(REST,),
        ),
        "",
        {"interest": [9, 9, 9], "rates": {"SOFR": [[0.06, 0.06, 0.07]]}},
        {"symbol received first": [2, 0, 0], "symbol received second": [0, 1, 2], "residual E": [11, 10, 11]},
    ),
    Row(
        "hedges of what a note is above 60, which end with it and never turn round",
        deal(
            a(rate=0.0),
            hedges="[{cap: {name: cap, notional: balance('A') - 60, index: SOFR, strike: 0.04, day_count: 30/360}}, "
            "{swap: {name: swap, notional: balance('A') - 60, pay: {fixed: {rate: 0.06}}, "
            "receive: {floating: {index: SOFR, margin: 0.0}}, day_count: 30/360}}]",
            clauses=("pay(hedge('swap'))", "pay(principal('A')).capped(30)", REST),
        ),
        "",
        {"interest": [40, 40, 40], "rates": {"SOFR": [[0.05, 0.05, 0.05]]}},
        {"symbol received cap": [0.4, 0.1, 0], "residual E": [10, 10, 10]},
    ),
    Row(
        "cash trap of 50 %",
        deal(
            accounts="[{name: trap}]",
            triggers="[{name: DSCR, test: event('weak')}]",
            clauses=(
                "release('trap').when(~trigger('DSCR'))",
                "pay(deposit('trap')).when(trigger('DSCR')).capped(0.5 * cash())",
                REST,
            ),
        ),
        "to pay into the trap, up to 0.5 times the cash remaining, if the DSCR trigger is on",
        {"interest": [10, 10, 10], "events": {"weak": [[1, 1, 0]]}},
        {"account trap": [5, 10, 0], "residual E": [5, 5, 20]},
    ),
    Row(
        "cash sweep of 75 %",
        deal(a(rate=0.0), clauses=("pay(principal('A')).capped(0.75 * cash())", REST)),
        "to pay principal of A, up to 0.75 times the cash remaining",
        {"interest": [40, 40, 40]},
        {"principal A": [30, 30, 30], "residual E": [10, 10, 10]},
    ),
]

FEES = [
    Row(
        "per annum on the pool balance",
        deal(fees="[{name: servicer, rate: 0.01, on: pool_balance()}]", clauses=("pay(fee('servicer'))", REST)),
        "to pay the servicer fee",
        {"interest": [9, 9, 9], "pool_balance": [100, 80, 50]},
        {"fee servicer": [1, 0.8, 0.5]},
    ),
    Row(
        "a fixed amount a year, capped, with the excess subordinated",
        deal(
            a(),
            fees="[{name: trustee, annual: 3}]",
            clauses=("pay(fee('trustee')).capped(1)", "pay(interest('A'))", "pay(fee('trustee'))", REST),
        ),
        "to pay the trustee fee, up to 1",
        {"interest": [6, 20, 20]},
        {"fee trustee": [1, 5, 3], "interest A": [5, 5, 5], "residual E": [0, 10, 12]},
    ),
    Row(
        "per event: each time, and a share of what is recovered",
        deal(
            fees="[{name: transfer, amount: 2, when: event('transfer')}, "
            "{name: liquidation, amount: 0.1 * receipt('recoveries')}]",
            clauses=("pay(fee('transfer', 'liquidation'), sharing='pro rata by due')", REST),
        ),
        "to pay the transfer fee and the liquidation fee, pro rata to what is due",
        {"interest": [9, 9, 9], "recoveries": [0, 50, 0], "events": {"transfer": [[0, 1, 0]]}},
        {"fee transfer": [0, 2, 0], "fee liquidation": [0, 5, 0]},
    ),
    Row(
        "not cumulative: what a date leaves unpaid lapses",
        deal(
            fees="[{name: monitoring, annual: 3, lapses: true}]",
            clauses=("pay(fee('monitoring')).capped(1)", REST),
        ),
        "to pay the monitoring fee, up to 1",
        {"interest": [6, 6, 0.5]},
        {"fee monitoring": [1, 1, 0.5], "residual E": [5, 5, 0]},
    ),
    Row(
        "each January, and by a table of dates",
        deal(
            fees="[{name: audit, amount: 2, when: yearly('01-01')}, "
            "{name: survey, amount: \"by_date({'2026-06-30': 2, '2028-01-15': 3})\"}]",
            clauses=("pay(fee('audit', 'survey'), sharing='sequential')", REST),
        ),
        # the survey of June 2026 falls due in January 2027
        "to pay the audit fee and the survey fee, in this order",
        {"interest": [9, 9, 9]},
        {"fee audit": [2, 2, 2], "fee survey": [2, 3, 0], "residual E": [5, 4, 7]},
    ),
    Row(
        "a fee for each note that is outstanding",
        deal(
            a(30.0, 0.0),
            a(30.0, 0.0, "B"),
            fees="[{name: agent, amount: \"2 * count(balance('A') > 0, balance('B') > 0)\"}]",
            clauses=("pay(fee('agent'))", "pay(principal('A', 'B'), sharing='sequential')", REST),
        ),
        "to pay the agent fee",
        {"interest": [34, 20, 20]},
        {"fee agent": [4, 2, 2], "principal A": [30, 0, 0], "principal B": [0, 18, 12]},
    ),
    Row(
        "a reserve for fees beyond their cap",
        deal(
            fees="[{name: trustee, annual: 2}]",
            accounts="[{name: reserve}]",
            clauses=(
                "pay(fee('trustee')).capped(1)",
                "pay(deposit('reserve')).capped(fee_due('trustee') - held('reserve'))",
                "release('reserve').when(on_or_after('2029-01-15'))",
                REST,
            ),
        ),
        # 1 more is unpaid at each date
        "up to the fees due to trustee minus the amount in the reserve",
        {"interest": [5, 5, 5]},
        {"fee trustee": [1, 1, 1], "account reserve": [1, 2, 0], "residual E": [3, 3, 6]},
    ),
    Row(
        "income tax of 25 %, after interest, a table of depreciation and losses carried forward; coverage after tax",
        deal(
            a(),
            definitions="{depreciation: \"by_date({'2027-01-15': 10, '2028-01-15': 4})\"}",
            fees="[{name: tax, amount: \"0.25 * taxable(interest_collections() - interest_accrued('A') - "
            "defined('depreciation'))\"}]",
            triggers='[{name: T, test: "dscr() < 3.3"}]',
            clauses=("pay(fee('tax'))", "pay(interest('A'))", REST),
        ),
        # 11 - 5 - 10 = -4; 17 - 5 - 4 = 8 less 4 carried; 20. Before tax the second coverage would be 3.4
        "to pay the tax fee",
        {"interest": [11, 17, 25]},
        {"fee tax": [0, 1, 5], "residual E": [6, 11, 15], "trigger T": [1, 1, 0]},
    ),
    Row(
        "a subsidy that makes up what revenue lacks to 1.3 times the debt service, from a state that is paid nothing back",
        deal(
            a(),
            "{equity: {name: E}}",
            "{equity: {name: state, commitment: 20}}",
            clauses=("draw('state', amount=1.3 * debt_service('A') - receipt('revenue'))", "pay(interest('A'))", REST),
        ),
        "to draw 1.3 times the debt service of the period on A minus the collateral's revenue for the period on state",
        {"revenue": [5, 8, 6]},
        {"draws state": [1.5, 0, 0.5], "residual E": [1.5, 3, 1.5]},
    ),
    Row(
        "tax with losses from before, which offset at most 80 % of an income",
        deal(
            fees='[{name: tax, amount: "0.5 * taxable(interest_collections(), carried=10, limit=0.8)"}]',
            clauses=("pay(fee('tax'))", REST),
        ),
        # 8 of 10 used, then the last 2, then none
        "to pay the tax fee",
        {"interest": [10, 10, 10]},
        {"fee tax": [1, 4, 5]},
    ),
    Row(
        "promote in tiers: pro rata to 8 % a year, a fifth beyond it to the manager, two fifths beyond 12 %",
        deal(
            "{equity: {name: partners, notional: 90}}",
            "{equity: {name: manager, notional: 10}}",
            clauses=(
                "\"pay(residual('partners', 'manager'), shares={'partners': 0.9, 'manager': 0.1})"
                ".capped(hurdle('partners', irr=0.08) / 0.9)\"",
                "\"pay(residual('partners', 'manager'), shares={'partners': 0.72, 'manager': 0.28})"
                ".capped(hurdle('partners', irr=0.12) / 0.72)\"",
                "\"pay(residual('partners', 'manager'), shares={'partners': 0.54, 'manager': 0.46})\"",
            ),
        ),
        # (97.2 - 18) 1.08 = 85.536 of 95.04; (100.8 - 18) 1.12 - 85.536 = 7.2 of 10; 0.54 of the 44.96 that is left
        "in the proportions 0.72 and 0.28, up to what partners lacks to a return of 12 % a year divided by 0.72",
        {"interest": [20, 150, 0]},
        {"residual partners": [18, 117.0144, 0], "residual manager": [2, 32.9856, 0]},
    ),
    Row(
        "incentive fee of 20 % over an internal rate of return of 10 %",
        deal(
            "{equity: {name: E, notional: 100}}",
            "{equity: {name: manager}}",
            clauses=(
                "pay(residual('E')).capped(hurdle('E', irr=0.1))",
                "\"pay(residual('manager', 'E'), shares={'manager': 0.2, 'E': 0.8})\"",
            ),
        ),
        # 110 - 60 = 50; 50 x 1.1 = 55, so that 20 of 75 are shared; nothing is left of the hurdle then
        "to pay the remainder to E, up to what E lacks to a return of 10 % a year",
        {"interest": [60, 75, 10]},
        {"residual manager": [0, 4, 2], "residual E": [60, 71, 8]},
    ),
]

CLAUSES = [
    Row(
        "transfer from one account to another",
        deal(
            accounts="[{name: trap, balance: 9}, {name: reserve}]",
            clauses=(
                "pay(deposit('reserve')).from_('trap').capped(4)",
                "release('reserve').when(on_or_after('2029-01-15'))",
                "release('trap').when(on_or_after('2029-01-15'))",
                REST,
            ),
        ),
        "to pay into the reserve, out of the trap, up to 4",
        {"interest": [0, 0, 0]},
        {"account trap": [5, 1, 0], "account reserve": [4, 8, 0], "residual E": [0, 0, 9]},
    ),
    Row(
        "divert interest until the overcollateralisation of B is 1.2 again, the cure amount in closed form",
        deal(
            a(60.0, 0.0),
            a(30.0, 0.0, "B"),
            clauses=("pay(principal('A', 'B'), sharing='sequential').capped(cure(oc_ratio('B'), 1.2))", REST),
        ),
        # 90 - 96 / 1.2 = 10; then 80 - 90 / 1.2 = 5; then it holds
        "to pay principal of A and principal of B, in this order, up to what must be repaid for the overcollateralisation "
        "of B to stand at 1.2",
        {"interest": [12, 12, 12], "pool_balance": [96, 90, 90]},
        {"principal A": [10, 5, 0], "residual E": [2, 7, 12]},
    ),
    Row(
        "cure from principal proceeds, which the ratio counts",
        deal(
            a(60.0, 0.0),
            a(30.0, 0.0, "B"),
            definitions="{collateral: pool_balance() + cash()}",
            clauses=(
                "pay(principal('A', 'B'), sharing='sequential')"
                ".capped(cure(oc_ratio('B', of=defined('collateral')), 1.25, from_principal=True))",
                REST,
            ),
        ),
        # (1.25 x 90 - 110) / 0.25 = 10: then 100 / 80 = 1.25
        "up to what must be repaid for the overcollateralisation of B, counting the collateral, principal proceeds "
        "being counted, to stand at 1.25",
        {"principal": [20, 0, 0], "pool_balance": [90, 100, 100]},
        {"principal A": [10, 0, 0], "residual E": [10, 0, 0]},
    ),
    Row(
        "cure of interest coverage, most senior first",
        deal(
            a(60.0, 0.05),
            a(40.0, 0.1, "B"),
            clauses=(
                "pay(interest('A', 'B'), sharing='sequential')",
                "pay(principal('A', 'B'), sharing='sequential').capped(cure(ic_ratio('B'), 2.0))",
                REST,
            ),
        ),
        # 7 due on 11.6 must fall to 5.8: 1.2 / 5 % = 24 of A; then 1.8 + 4 on 11.6 stands at 2
        "up to what must be repaid for the interest coverage of B to stand at 2",
        {"interest": [11.6, 11.6, 11.6], "principal": [30, 0, 0]},
        {"principal A": [24, 0, 0], "residual E": [10.6, 5.8, 5.8]},
    ),
    Row(
        "purchase of replacement collateral in the revolving period",
        deal(
            a(),
            replacements="[{name: receivables, coupon: {fixed: {rate: 0.1}}, repays: 0.5}]",
            clauses=(
                "pay(purchase('receivables')).capped(principal_collections()).when(~on_or_after('2028-01-15'))",
                "pay(interest('A'))",
                "pay(principal('A'))",
                REST,
            ),
        ),
        # 40 bought; 4 + 20 arrive, then 2 + 10, with 20 and 10 of par left
        "to pay for the purchase of receivables, up to the principal collections of the period, if the payment date falls "
        "before 15 January 2028",
        {"interest": [5, 5, 5], "principal": [40, 10, 30]},
        {
            "principal A": [0, 34, 43.7],
            "symbol assets receivables": [40, 20, 10],
            "symbol earned receivables": [0, 4, 2],
        },
    ),
    Row(
        "purchase at a discount of what defaults and recovers",
        deal(
            replacements="[{name: loans, coupon: {fixed: {rate: 0.1}}, repays: 0.25, price: 0.8, defaults: 0.2, "
            "severity: 0.6}]",
            clauses=("pay(purchase('loans')).when(~on_or_after('2028-01-15'))", REST),
        ),
        # 100 of par for 80: 20 defaults, 8 recovered; 80 earn 8 and repay 20; then of 60: 12, 4.8, 4.8, 12
        "to pay for the purchase of loans, if the payment date falls before 15 January 2028",
        {"principal": [80, 0, 0]},
        {"residual E": [0, 36, 21.6], "symbol assets loans": [100, 60, 36], "symbol wasted loans": [0, 12, 7.2]},
    ),
    Row(
        "write down, junior first, and write up",
        deal(
            a(60.0, 0.0),
            a(40.0, 0.0, "B"),
            clauses=(
                "write_down('B', 'A', amount=balance('A', 'B') - pool_balance())",
                "write_up('A', 'B', amount=pool_balance() - balance('A', 'B'))",
                REST,
            ),
        ),
        "to write down B and A, in this order, by the balance of A and B minus the collateral's pool balance",
        {"pool_balance": [90, 50, 70]},
        {"balance A": [60, 50, 60], "balance B": [30, 0, 10], "written_down B": [10, 30, -10]},
    ),
    Row(
        "separate interest and principal waterfalls",
        deal(
            a(),
            a(50.0, 0.1, "B"),
            accounts="[{name: principal}]",
            clauses=(
                "pay(deposit('principal')).capped(principal_collections())",
                "pay(interest('A')).supported_by('principal')",
                "pay(interest('B'))",
                "pay(principal('A', 'B'), sharing='sequential').from_('principal')",
                "pay(residual('E')).from_('principal')",
                REST,
            ),
        ),
        "to pay interest on A, drawing where cash does not suffice on the principal",
        {"interest": [12, 2, 20], "principal": [40, 30, 90]},
        {"principal A": [40, 29, 31], "principal B": [0, 0, 50], "interest B": [5, 0, 10], "residual E": [2, 0, 17.45]},
    ),
    Row(
        "a clause skipped leaves its due standing",
        deal(a(), clauses=("pay(interest('A')).when(~event('standstill'))", REST)),
        "to pay interest on A, if no standstill has occurred",
        {"interest": [9, 20, 9], "events": {"standstill": [[1, 0, 0]]}},
        {"interest A": [0, 10, 5], "residual E": [9, 10, 4]},
    ),
]

NUMBERS = [
    Row(
        "a reserve filled to what it lacks",
        deal(
            accounts="[{name: reserve}]",
            clauses=(
                "pay(deposit('reserve')).capped(10 - held('reserve'))",
                "release('reserve').when(on_or_after('2029-01-15'))",
                REST,
            ),
        ),
        "up to 10 minus the amount in the reserve",
        {"interest": [6, 20, 10]},
        {"account reserve": [6, 10, 0], "residual E": [0, 16, 20]},
    ),
    Row(
        "shares of a balance as it stood at the start of the date",
        deal(
            a(rate=0.0),
            clauses=(
                "pay(principal('A')).capped(0.1 * balance('A'))",
                "pay(principal('A')).capped(0.1 * at_start(balance('A')))",
                REST,
            ),
        ),
        "up to 0.1 times the balance of A as of determination",
        {"interest": [30, 30, 30]},
        {"principal A": [20, 16, 12.8], "residual E": [10, 14, 17.2]},
    ),
    Row(
        "a reserve of one period's debt service",
        deal(
            a(90.0, 0.1, amortisation="{equal_instalments: {first: 2027-01-15, count: 3}}"),
            accounts="[{name: reserve, target: debt_service('A')}]",
            clauses=(
                "pay(interest('A'))",
                "pay(scheduled_principal('A'))",
                "pay(top_up('reserve'))",
                "release('reserve')",
                REST,
            ),
        ),
        # 9 + 30, 6 + 30, 3 + 30 of 60 each: the target falls as interest does
        "to pay into the reserve up to its target",
        {"revenue": [60, 60, 60]},
        {"account reserve": [21, 36, 33], "residual E": [0, 9, 30]},
    ),
    Row(
        "turbo: income repays what defaulted",
        deal(a(rate=0.0), clauses=("pay(principal('A')).capped(principal_collections() + defaulted_balance())", REST)),
        "up to the principal collections of the period plus the collateral's defaulted balance",
        {"interest": [10, 10, 10], "principal": [20, 20, 20], "defaulted_balance": [5, 0, 30]},
        {"principal A": [25, 20, 30], "residual E": [5, 10, 0]},
    ),
    Row(
        "interest from interest alone",
        deal(a(), clauses=("pay(interest('A')).capped(interest_collections())", REST)),
        "up to the interest collections of the period",
        {"interest": [3, 9, 5], "principal": [20, 0, 0]},
        {"interest A": [3, 7, 5], "residual E": [20, 2, 0]},
    ),
    Row(
        "a part of every draw reserved",
        deal(
            a(rate=0.0, balance=0.0, available_until="2028-01-15"),
            accounts="[{name: reserve}]",
            clauses=(
                "draw('A', amount=1.25 * receipt('construction'))",
                "pay(deposit('reserve')).capped(0.2 * drawn('A'))",
                "pay(expense('construction'))",
                "release('reserve').when(on_or_after('2029-01-15'))",
                REST,
            ),
        ),
        "up to 0.2 times what was drawn on A",
        {"construction": [40, 20, 0]},
        {"draws A": [50, 25, 0], "account reserve": [10, 15, 0], "expense construction": [40, 20, 0]},
    ),
    Row(
        "costs up to a budget, and a reserve for those beyond it",
        deal(
            accounts="[{name: overrun}]",
            clauses=(
                "pay(expense('operating')).capped(10)",
                "pay(deposit('overrun')).capped(expense_due('operating') - held('overrun'))",
                "release('overrun').when(on_or_after('2029-01-15'))",
                REST,
            ),
        ),
        # 2 over, then 1 over of 11, then 3 over of 13, of which 1 is put aside
        "up to what is owed to vendors for operating minus the amount in the overrun",
        {"revenue": [20, 20, 20], "operating_cost": [12, 9, 12]},
        {"expense operating": [10, 10, 10], "account overrun": [2, 2, 0], "residual E": [8, 10, 12]},
    ),
    Row(
        "junior interest behind a ledger that is too far in debit",
        deal(
            a(60.0, 0.0),
            a(40.0, 0.1, "B"),
            accounts="[{name: principal}]",
            ledgers="[{name: PDL, account: principal, limit: balance('B')}]",
            clauses=(
                "pay(deposit('principal')).capped(principal_collections())",
                "debit('PDL', amount=receipt('losses'))",
                "pay(interest('B')).when(deficiency('PDL') < 20)",
                "pay(credit('PDL'))",
                "pay(principal('A')).from_('principal')",
                REST,
            ),
        ),
        "if the debit balance of PDL is below 20",
        {"interest": [10, 10, 30], "losses": [30, 0, 0]},
        {
            "symbol ledger PDL": [20, 10, 0],
            "interest B": [0, 0, 12],
            "principal A": [10, 10, 10],
            "residual E": [0, 0, 8],
        },
    ),
]

BEFORE = "\"pay(interest('A', 'B'), sharing='sequential')\", \"pay(residual('E'))\""
AFTER = "\"pay(interest('A'))\", \"pay(principal('A'))\", \"pay(interest('B'))\", \"pay(residual('E'))\""


def regimes(rule, before=BEFORE, after=AFTER, *tranches):
    """Two waterfalls and the rule by which the second begins."""
    made = tranches or (a(), a(50.0, 0.1, "B"))
    return f'{{tranches: [{", ".join(made)}], waterfall: {{before: [{before}], after: [{after}]}}, regimes: {{after: "{rule}"}}}}'


RAMP_UP = f"""\
tranches: [{a()}]
accounts: [{{name: ramp-up}}]
waterfall:
  ramp-up:
    - pay(interest('A'))
    - pay(deposit('ramp-up'))
    - pay(residual('E'))
  amortising:
    - release('ramp-up')
    - pay(interest('A'))
    - pay(principal('A'))
    - pay(residual('E'))
regimes:
  amortising: on_or_after('2027-01-15')
"""

REGIMES = [
    Row(
        "ramp-up: what is collected is kept until the amortising regime, from the date after the first",
        RAMP_UP,
        "to pay into the ramp-up",
        {"interest": [20, 20, 120]},
        {
            "interest A": [5, 5, 3.5],
            "principal A": [0, 30, 70],
            "account ramp-up": [15, 0, 0],
            "interest E": [0, 0, 46.5],
        },
    ),
    Row(
        "event of default: the post-enforcement waterfall from the next date on",
        regimes("event_of_default()"),
        "to pay interest on A and interest on B, in this order",
        {"interest": [7, 60, 60]},
        {"interest B": [2, 0, 12.75], "principal A": [0, 55, 45]},
    ),
    Row(
        "grace of one payment date",
        regimes("event_of_default()", BEFORE, AFTER, a(), a(50.0, 0.1, "B", grace=1)),
        "to pay interest on A and interest on B, in this order",
        {"interest": [7, 9, 60]},
        {"interest B": [2, 4, 0], "principal A": [0, 0, 55]},
    ),
    Row(
        "enforcement on the date itself",
        regimes("at_once(event('insolvency'))"),
        "to pay interest on A",
        {"interest": [20, 60, 60], "events": {"insolvency": [[0, 1, 1]]}},
        {"principal A": [0, 55, 45], "interest B": [5, 0, 10]},
    ),
    Row(
        "revolving, then amortising from a date",
        regimes(
            "on_or_after('2027-01-15')",
            "\"pay(interest('A'))\", \"pay(residual('E'))\"",
            "\"pay(interest('A'))\", \"pay(principal('A'))\", \"pay(residual('E'))\"",
            a(),
        ),
        "to pay principal of A",
        {"interest": [45, 45, 45]},
        {"principal A": [0, 40, 42], "residual E": [40, 0, 0]},
    ),
    Row(
        "rapid amortisation for good, on a latched trigger",
        deal(
            a(),
            triggers="[{name: rapid, test: \"receipt('defaults') > 3\", latch: true}]",
            clauses=("pay(interest('A'))", "pay(principal('A')).when(trigger('rapid'))", REST),
        ),
        "to pay principal of A, if the rapid trigger is on",
        {"interest": [25, 25, 25], "defaults": [1, 4, 0]},
        {"principal A": [0, 20, 21], "trigger rapid": [0, 1, 1]},
    ),
    Row(
        "clean-up call at par below 10 % of the pool, and nothing arrives afterwards",
        deal(
            a(),
            clauses=(
                "call(price=pool_balance()).when((pool_balance() < 10) & (pool_balance() + cash() >= "
                "balance('A') + interest_due('A')))",
                "pay(interest('A'))",
                "pay(principal('A'))",
                REST,
            ),
        ),
        "to sell the collateral for the collateral's pool balance, if",
        {"interest": [5, 3, 3], "principal": [70, 22, 8], "pool_balance": [40, 9, 7]},
        # 30 left after the first date; 1.5 of interest; 3 + 22 + 9 = 34 sold and paid
        {"principal A": [70, 30, 0], "interest A": [5, 1.5, 0], "residual E": [0, 2.5, 0]},
    ),
    Row(
        "optional call of the equity, and the regime after call",
        regimes(
            "called()",
            "\"call(price=1.02 * pool_balance()).when(event('call'))\", \"pay(interest('A'))\", "
            "\"pay(principal('A')).when(called())\", \"pay(residual('E'))\"",
            "\"pay(interest('A'))\", \"pay(principal('A'))\", \"pay(residual('E'))\"",
            a(),
        ),
        "to sell the collateral for 1.02 times the collateral's pool balance, if a call has occurred",
        {"interest": [9, 9, 9], "pool_balance": [90, 90, 90], "events": {"call": [[0, 1, 1]]}},
        # 9 + 91.8 = 100.8 pays 5 and 95.8; after the call nothing arrives and 4.2 is unpaid for good
        {"principal A": [0, 95.8, 0], "balance A": [100, 4.2, 4.2], "arrears A": [0, 0, 0.21], "residual E": [4, 0, 0]},
    ),
    Row(
        "make-whole: what is still to come at 3 %, less par, to the holders",
        deal(
            a(),
            clauses=(
                "call(price=110).when(event('call'))",
                "pay(interest('A'))",
                "pay(premium('A')).capped(make_whole('A', rate=0.03)).when(called())",
                "pay(principal('A')).when(called())",
                REST,
            ),
        ),
        "to pay a premium on A, up to the make-whole amount of A at 3 %, if the collateral has been sold",
        {"interest": [5, 5, 5], "events": {"call": [[1, 0, 0]]}},
        # in January 2027: 5 / 1.03 + 105 / 1.03^2 - 100
        {"interest A": [5 + 5 / 1.03 + 105 / 1.03**2 - 100, 0, 0], "principal A": [100, 0, 0]},
    ),
    Row(
        "take-out at maturity: the least of the amount outstanding, 65 % of value and NCF / (1.3 x 8 %), else extend",
        deal(
            a(),
            facilities="[{name: take-out, limit: 1000}]",
            clauses=(
                "draw('take-out', amount=min_(balance('A'), 0.65 * receipt('value'), receipt('revenue') / (1.3 * 0.08)))"
                ".when(on_or_after('2028-01-15') & ~event('freeze'))",
                "pay(interest('A'))",
                "pay(principal('A')).when(on_or_after('2028-01-15'))",
                REST,
            ),
        ),
        "to draw the least of the balance of A, 0.65 times the collateral's value and the collateral's "
        "revenue for the period divided by 0.104 on take-out, if the payment date falls on or after 15 January 2028 and "
        "no freeze has occurred",
        {"revenue": [5.2, 5.2, 5.2], "value": [200, 100, 140], "events": {"freeze": [[0, 0, 0]]}},
        # min(100, 65, 50) = 50; then min(49.8, 91, 50) = 49.8
        {"symbol lent take-out": [0, 50, 49.8], "principal A": [0, 50.2, 49.8], "interest A": [5, 5, 2.49]},
    ),
    Row(
        "the refinancing market is frozen: extend and sweep",
        deal(
            a(),
            facilities="[{name: take-out, limit: 1000}]",
            clauses=(
                "draw('take-out', amount=min_(balance('A'), 0.65 * receipt('value'))).when(~event('freeze'))",
                "pay(interest('A'))",
                "pay(principal('A'))",
                REST,
            ),
        ),
        "to draw the least of the balance of A and 0.65 times the collateral's value on take-out, if no "
        "freeze has occurred",
        {"revenue": [15, 15, 15], "value": [200, 200, 200], "events": {"freeze": [[1, 1, 0]]}},
        {"symbol lent take-out": [0, 0, 79.5], "principal A": [10, 10.5, 79.5], "interest A": [5, 4.5, 3.975]},
    ),
]


def on_dates(phrase, test, arrives, on, *tranches, words="", **parts):
    """A row about a test: a trigger alone, and the dates at which it is on."""
    text = deal(
        *(tranches or (a(),)),
        triggers=f'[{{name: T, test: "{test}"}}]',
        **parts,
        clauses=("pay(interest('A'))", "pay(scheduled_principal('A'))", "pay(residual('E')).when(~trigger('T'))", REST),
    )
    return Row(phrase, text, words or "if the T trigger is off", arrives, {"trigger T": on})


LEVEL = a(90.0, 0.0, amortisation="{equal_instalments: {first: 2027-01-15, count: 3}}")
HAIRCUTS = (
    '{adjusted: "pool_balance() + cash()", '
    "excess: \"max_(receipt('ccc_balance') - 0.075 * defined('adjusted'), 0)\", "
    "carried: \"defined('adjusted')"
    " - defined('excess') * (1 - ratio(receipt('ccc_value'), receipt('ccc_balance'), zero=1))"
    " - (receipt('discount_balance') - receipt('discount_value'))"
    " + min_(receipt('defaulted_value'), receipt('defaulted_recovery'))\"}"
)
TESTS = [
    on_dates("debt service coverage of the period", "dscr() < 1.5", {"revenue": [40, 50, 40]}, [1, 0, 1], LEVEL),
    on_dates("trailing two periods, in sum", "dscr(trailing=2) < 1.5", {"revenue": [30, 61, 20]}, [0, 0, 1], LEVEL),
    # 1.0, 1.33, 1.5 times the 30 due
    Row(
        "trapped below one level, cured at a higher",
        deal(
            LEVEL,
            triggers="[{name: T, test: dscr() < 1.2, cured_by: dscr() >= 1.5}]",
            clauses=("pay(scheduled_principal('A'))", "pay(residual('E')).when(~trigger('T'))", REST),
        ),
        "if the T trigger is off",
        {"revenue": [30, 40, 45]},
        {"trigger T": [1, 1, 0]},
    ),
    # contracted 40 then 20 ahead over 30 a period
    on_dates(
        "forward, over the next period",
        "forward_dscr('A', periods=1) < 1",
        {"revenue": [40, 40, 40], "contracted": [40, 40, 20]},
        [0, 1, 0],
        LEVEL,
    ),
    on_dates(
        "senior coverage beside total",
        "(dscr('A') >= 2) & (dscr() < 2)",
        {"revenue": [12, 14, 20]},
        [1, 1, 0],
        a(),
        a(50.0, 0.05, "B"),
    ),
    # nothing falls due in the first year; then 5 % on 105 is 5.25
    *(
        on_dates(
            f"what is paid in kind is no debt service, {test}",
            test,
            {"revenue": [4, 5, 9], "events": {"pik": [[1, 0, 0]]}},
            on,
            a(capitalises="event('pik')"),
        )
        for test, on in {
            "dscr() < 1.2": [0, 1, 0],
            "ic_ratio('A') < 1.2": [0, 1, 0],
            "debt_service('A') > 5.2": [0, 1, 1],
        }.items()
    ),
    # as of each year before: (30 + 30 / 1.05 + 40 / 1.05^2) / 1.05 = 90.3 over 90, (30 + 40 / 1.05) / 1.05 = 64.9 over
    # 60, and 30 / 1.05 over 30, since of the 40 contracted 30 came
    on_dates(
        "loan life coverage",
        "llcr('A', rate=0.05) < 1.05",
        {"revenue": [30, 30, 30], "contracted": [30, 30, 40]},
        [1, 0, 1],
        LEVEL,
    ),
    Row(
        "loan to value, replacement collateral counted at par",
        deal(
            a(50.0, 0.0),
            replacements="[{name: receivables, coupon: {fixed: {rate: 0}}, repays: 0}]",
            triggers="[{name: T, test: \"ltv('A') > 0.6\"}]",
            clauses=("pay(purchase('receivables')).capped(principal_collections())", REST),
        ),
        # nothing is owned at the second determination; what 100 bought then is there at the third
        "for the purchase of receivables",
        {"principal": [0, 100, 0], "value": [100, 0, 0]},
        {"trigger T": [0, 1, 0]},
    ),
    on_dates("loan to value", "ltv('A') > 0.6", {"interest": [5, 5, 5], "value": [200, 160, 170]}, [0, 1, 0]),
    on_dates(
        "loan to cost",
        "ratio(balance('A'), 120 + cumulative('losses'), zero=0) > 0.65",
        {"interest": [5, 5, 5], "losses": [0, 40, 0]},
        [1, 0, 0],
    ),
    on_dates(
        "overcollateralisation with haircuts: excess CCC at market, discount obligations at cost, defaulted at the "
        "lower of market and recovery",
        "oc_ratio('A', of=defined('carried')) < 1.32198",
        # 475.9125 / 360 = 1.321979...; then without the excess of CCC it is higher
        {
            "principal": [5, 5, 5],
            "pool_balance": [480, 480, 480],
            "ccc_balance": [60, 36, 60],
            "ccc_value": [42, 25.2, 42],
            "discount_balance": [20, 20, 20],
            "discount_value": [15, 15, 15],
            "defaulted_value": [3, 3, 3],
            "defaulted_recovery": [4.5, 4.5, 4.5],
        },
        [1, 0, 1],
        a(360.0, 0.0),
        definitions=HAIRCUTS,
    ),
    Row(
        "interest coverage before senior fees, and after them",
        deal(
            a(),
            fees="[{name: trustee, annual: 1}]",
            triggers="[{name: before, test: \"ic_ratio('A', of=interest_collections()) < 1.2\"}, "
            "{name: after, test: ic_ratio('A') < 1.2}]",
            clauses=("pay(fee('trustee'))", "pay(interest('A'))", "pay(residual('E')).when(~trigger('after'))", REST),
        ),
        # over 5: 6.1, 7.1 and 5.9 before, 5.1, 6.1 and 4.9 after
        "if the after trigger is off",
        {"interest": [6.1, 7.1, 5.9]},
        {"trigger before": [0, 0, 1], "trigger after": [1, 0, 1]},
    ),
    on_dates("interest coverage", "ic_ratio('A') < 1.2", {"interest": [5.9, 6.1, 6]}, [1, 0, 0]),
    on_dates(
        "cumulative loss schedule",
        "cumulative('losses') / 100 > stepped(0.02, {'2028-01-15': 0.05})",
        {"interest": [5, 5, 5], "losses": [3, 1, 2]},
        [1, 0, 1],
    ),
    # 9 %, 4.5 %, 3 %: and no date counts as a cure before there are three to average
    on_dates(
        "average of the last three dates",
        "average(ratio(receipt('defaulted_balance'), pool_balance(), zero=0), 3) > 0.05",
        {"interest": [5, 5, 5], "defaulted_balance": [9, 0, 0], "pool_balance": [100, 100, 100]},
        [1, 1, 0],
    ),
    on_dates("from a date", "on_or_after('2028-01-15')", {"interest": [5, 5, 5]}, [0, 1, 1]),
    on_dates(
        "sponsor and guarantor events",
        "event('sponsor bankruptcy') | event('guarantor default')",
        {"interest": [5, 5, 5], "events": {"sponsor bankruptcy": [[0, 1, 0]], "guarantor default": [[0, 0, 1]]}},
        [0, 1, 1],
    ),
]

ROWS = [*TRANCHES, *ACCOUNTS, *FEES, *CLAUSES, *NUMBERS, *REGIMES, *TESTS]


@pytest.mark.parametrize("name", [name for name in WORDS if hasattr(words, name)])
def test_every_word_is_said_and_runs_in_both_engines(name):
    assert any(re.search(rf"\b{name}\(", row.said) for row in ROWS), f"no row says {name}(...)"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.phrase)
def test_sayable(row):
    """Phrases of indentures, each with its words and its cash, date by date, on both engines."""
    plan = plan_from(row.said)
    printed = "\n".join(waterfall.words() for waterfall in plan.waterfalls.values())
    assert row.words in printed, printed
    for waterfall in plan.waterfalls.values():
        for clause in waterfall.clauses:
            assert parse(str(clause), Clause) == clause  # what is printed as text is read back as the same clause
    flows = flows_from(plan, **row.arrives)
    same_cash(flows, row.cash)
    explained_as_paid(flows)

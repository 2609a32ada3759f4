"""Deals that several test files share: small ones built by hand, and random ones drawn by Hypothesis.

A new claim of the language is one line in `CLAIMS`, a new clause one in `CLAUSES`, a new number one in `AMOUNTS`
or `RATIOS`, a new kind of term one in `KINDS`; everything that draws deals then draws it too.
"""

import dataclasses
import datetime
import functools
import json
from pathlib import Path

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from waterfalls import (
    Account,
    Cap,
    EqualInstalments,
    Equity,
    Facility,
    Fee,
    Fixed,
    Floating,
    Instalments,
    LevelPayments,
    Note,
    Receipts,
    Sculpted,
    Swap,
    Trigger,
    Waterfall,
    distribute,
)
from waterfalls.clauses.pay import Pay
from waterfalls.clock.schedule import schedule
from waterfalls.errors import InvalidTerms
from waterfalls.fields import CASH, EXPENSES
from waterfalls.language.expressions import number
from waterfalls.language.forward import said_by_dates
from waterfalls.plan import Plan, resolve
from waterfalls.terms.ledgers import Ledger
from waterfalls.terms.replacements import Replacement
from waterfalls.words import (
    additional_interest,
    at_once,
    at_start,
    average,
    balance,
    by_date,
    call,
    cash,
    count,
    credit,
    cumulative,
    cure,
    debit,
    debt_service,
    defaulted_balance,
    deficiency,
    defined,
    deposit,
    draw,
    drawn,
    dscr,
    event,
    event_of_default,
    expense,
    expense_due,
    fee,
    fee_due,
    forward_dscr,
    hedge,
    held,
    hurdle,
    ic_ratio,
    interest,
    interest_accrued,
    interest_collections,
    interest_due,
    llcr,
    ltv,
    make_whole,
    max_,
    min_,
    oc_ratio,
    on_or_after,
    pay,
    pool_balance,
    premium,
    principal,
    principal_collections,
    purchase,
    ratio,
    receipt,
    release,
    residual,
    scheduled_principal,
    stepped,
    taxable,
    top_up,
    trigger,
    undrawn,
    write_down,
    write_up,
    yearly,
)

CLOSING = datetime.date(2026, 1, 15)

KINDS = {
    "tranches": (Note, Equity),
    "fees": Fee,
    "accounts": Account,
    "triggers": Trigger,
    "facilities": Facility,
    "hedges": (Swap, Cap),
    "ledgers": Ledger,
    "replacements": Replacement,
}


def golden(name):
    """A golden case: its source, inputs, expected values and tolerance."""
    return json.loads((Path(__file__).parent / "golden" / f"{name}.json").read_text("utf-8"))


# By hand ---------------------------------------------------------------------------------------------------


def clock(periods, frequency="annual", closing=CLOSING):
    """Unadjusted payment dates from 15 January 2026 on, or another day, so that 30/360 accrues exactly 1 / frequency."""
    months = {"annual": 12, "semiannual": 6, "quarterly": 3, "monthly": 1}[frequency]
    return schedule(
        closing=closing,
        first_payment=later(closing, months),
        maturity=later(closing, months * periods),
        frequency=frequency,
        calendar="none",
        convention="unadjusted",
    )


def later(day, months):
    """The same day of a later month (days up to 28 only)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1)


def year(n):
    """The n-th payment date of an annual `clock`."""
    return later(CLOSING, 12 * n)


def plan_of(waterfall, *terms, periods=4, frequency="annual", regimes=None, dates=None):
    """A plan from terms in any order, each put where its kind belongs."""
    parts = {field: [term for term in terms if isinstance(term, kind)] for field, kind in KINDS.items()}
    assert sum(map(len, parts.values())) == len(terms), "a term of a kind that KINDS does not know"
    dates = dates or clock(periods, frequency)
    waterfall = Waterfall((waterfall,)) if isinstance(waterfall, Pay) else waterfall
    return resolve("toy", "USD", dates, **parts, waterfall=waterfall, regimes=regimes)


def paid(plan, rates=None, events=None, scenarios=None, **fields):
    """The flows of a plan by the reference engine, after seeing that the kernel gives the same bits."""
    receipts = Receipts(plan.schedule.ends, **fields, events=events, scenarios=scenarios)
    flows = distribute(plan, receipts, rates=rates, engine="reference")
    same(flows, distribute(plan, receipts, rates=rates, engine="fast"))
    return flows


def same(one, other):
    """Asserts that two runs of one plan are equal to the bit in every symbol."""
    for key in one.plan.outputs:
        np.testing.assert_array_equal(one[key], other[key], err_msg=" ".join(key))


# At random -------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class World:
    """The names that a random deal may speak of, by what bears them."""

    note: tuple[str, ...]
    equity: tuple[str, ...]
    drawable: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()  # of these, those that clauses may read as drawn
    anticipated: tuple[str, ...] = ()  # notes with an additional rate
    foreseen: tuple[str, ...] = ()  # notes whose debt service is known ahead
    fixed: tuple[str, ...] = ()  # of these, those whose whole life is known at a rate: fixed and shortened pro rata
    definition: tuple[str, ...] = ()
    facility: tuple[str, ...] = ()
    fee: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    reserve: tuple[str, ...] = ()  # accounts with a target
    hedge: tuple[str, ...] = ()
    trigger: tuple[str, ...] = ()
    ledger: tuple[str, ...] = ()
    replacement: tuple[str, ...] = ()
    event: tuple[str, ...] = ("breach",)
    expense: tuple[str, ...] = tuple(EXPENSES)
    dates: tuple[datetime.date, ...] = (CLOSING,)
    early: bool = False  # whether things are falling due

    @property
    def tranche(self):
        return self.note + self.equity

    @property
    def debt(self):
        return self.note + self.facility

    @property
    def balance(self):
        return self.note + self.equity + self.facility

    @property
    def support(self):
        return self.account + self.facility


@functools.cache
def some(names, most=3):
    """A few names, each once; None where there are none."""
    return st.lists(st.sampled_from(names), min_size=1, max_size=min(most, len(names)), unique=True) if names else None


NOTHING = st.just([])
ROUND = st.sampled_from([0.0, 1.0, 5.0, 10.0, 25.0, 50.0, 100.0])
ODD = st.floats(0.0, 300.0).map(lambda x: round(x, 6))
MONEY = ROUND | ODD
WEIGHTS = st.sampled_from([0.25, 1.0, 1 / 3, 2.0])
LEVELS = st.sampled_from([0.0, 0.5, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0])

# claim: (what bears its names, what it takes from: two claims on one stock cannot stand in one clause)
CLAIMS = {
    interest: ("debt", "interest"),
    additional_interest: ("anticipated", "additional"),
    principal: ("balance", "balance"),
    scheduled_principal: ("note", "balance"),
    fee: ("fee", "fee"),
    expense: ("expense", "expense"),
    hedge: ("hedge", "hedge"),
    top_up: ("reserve", "account"),
    deposit: ("account", "account"),
    residual: ("equity", "residual"),
    credit: ("ledger", "ledger"),
    purchase: ("replacement", "assets"),
    premium: ("note", "premium"),
}
GREEDY = {deposit, residual, purchase, premium}  # they take whatever there is

# finite numbers, with their arguments: None where the world has no such name
AMOUNTS = {
    balance: lambda world: some(world.tranche + world.facility, 2),
    by_date: lambda world: st.tuples(st.dictionaries(st.sampled_from(world.dates).map(str), MONEY, min_size=1)),
    lambda name: count(balance(name) > 0.0, event_of_default()): lambda world: some(world.note, 1),
    undrawn: lambda world: some(world.drawable, 2),
    held: lambda world: some(world.account, 2),
    expense_due: lambda world: some(world.expense, 1),
    pool_balance: lambda world: NOTHING,
    defaulted_balance: lambda world: NOTHING,
    principal_collections: lambda world: NOTHING,
    interest_collections: lambda world: NOTHING,
    deficiency: lambda world: some(world.ledger, 2),
    lambda name: cure(oc_ratio(name), 1.25): lambda world: some(world.note, 1),
    lambda name: average(balance(name), 3): lambda world: some(world.note, 1),
    cash: lambda world: NOTHING,
    receipt: lambda world: st.sampled_from([["losses"], ["revenue"], ["contracted"]]),
    cumulative: lambda world: st.sampled_from([["losses"], ["principal"]]),
    stepped: lambda world: st.tuples(MONEY, st.dictionaries(st.sampled_from(world.dates).map(str), MONEY, min_size=1)),
    lambda name: hurdle(name, irr=0.12): lambda world: some(world.equity, 1),
}
# and those that terms may not read while things fall due
DUE = {
    interest_accrued: lambda world: some(world.note, 2),
    fee_due: lambda world: some(world.fee, 2),
    lambda name: taxable(interest_collections() - interest_accrued(name), carried=5.0, limit=0.8): lambda world: some(
        world.note, 1
    ),
    interest_due: lambda world: some(world.note, 2),
    drawn: lambda world: some(world.drawn, 2),
    defined: lambda world: some(world.definition, 1),
    debt_service: lambda world: some(world.note, 2),
    lambda name: cure(ic_ratio(name), 1.5): lambda world: some(world.note, 1),
    lambda name: make_whole(name, rate=0.03): lambda world: some(world.fixed, 1),
}
# numbers that may be infinite, hence only compared: (what bears their names, what else they ask)
COUNT = st.integers(1, 3)
OF_STOCKS = (oc_ratio, ltv)  # these may be read while things fall due
RATIOS = {
    oc_ratio: ("note", {}),
    ltv: ("note", {}),
    ic_ratio: ("note", {"trailing": COUNT, "of": st.none() | st.just(interest_collections())}),
    dscr: ("note", {"trailing": COUNT}),
    forward_dscr: ("foreseen", {"periods": COUNT}),
    llcr: ("note", {"rate": st.sampled_from([0.0, 0.08])}),
}
# clause: its positional names and an amount, None where the world has no such name
CLAUSES = {
    "pay": lambda world: pays(world),
    "draw": lambda world: with_amount(draw, some(world.drawable + world.facility), world),
    "release": lambda world: (
        st.builds(release, st.sampled_from(world.account), to=st.none() | amounts(world, 1)) if world.account else None
    ),
    "write_down": lambda world: with_amount(write_down, some(world.tranche), world),
    "write_up": lambda world: with_amount(write_up, some(world.tranche), world),
    "debit": lambda world: with_amount(debit, some(world.ledger), world),
    "call": lambda world: st.builds(lambda price: call(price=price), amounts(world, 1)),
}


def with_amount(word, names, world):
    return None if names is None else st.builds(lambda n, amount: word(*n, amount=amount), names, amounts(world))


@functools.cache
def numbers_of(world):
    """The numbers of a world, each with its arguments; None is a number written out."""
    known = AMOUNTS if world.early else AMOUNTS | DUE
    return [(None, None), *((word, taken) for word, make in known.items() if (taken := make(world)) is not None)]


@functools.cache
def clauses_of(world):
    """The clauses that can be said in a world."""
    kinds = [kind for make in CLAUSES.values() if (kind := make(world)) is not None]
    return st.one_of(kinds[0], *kinds)  # half of them pay


@st.composite
def amounts(draw_, world, deep=2):
    """A finite number of a deal."""
    if not deep or draw_(st.integers(0, 2)) == 0:
        word, taken = draw_(st.sampled_from(numbers_of(world)))
        return draw_(MONEY) if word is None else word(*draw_(taken))
    a, b = draw_(amounts(world, deep - 1)), draw_(amounts(world, deep - 1))
    shape = draw_(st.sampled_from(["+", "-", "*", "/", "min", "max", "start"]))
    if shape in "*/":
        factor = draw_(st.sampled_from([0.01, 0.5, 2.0, 3.0]))
        return a * factor if shape == "*" else a / factor
    if shape == "-":
        return abs(a - b) if isinstance(a - b, float) else a - b  # written out, an amount is refused below 0
    if shape == "+":
        return a + b
    return {"min": min_, "max": max_}[shape](a, b) if shape != "start" else at_start(a)


@st.composite
def moving(draw_, world):
    """A part of what cash moves: an account's, a facility's or what is left."""
    of = [cash(), *map(held, world.account), *map(balance, world.facility), *map(interest_due, world.note)]
    return draw_(st.sampled_from(of)) * draw_(st.sampled_from([0.5, 1.0, 2.0]))


@st.composite
def ratios(draw_, world):
    """A number that may be infinite."""
    known = [
        word for word, (what, _) in RATIOS.items() if getattr(world, what) and (word in OF_STOCKS or not world.early)
    ]
    word = draw_(st.sampled_from([*known, ratio]))
    if word is ratio:
        return ratio(draw_(amounts(world, 1)), draw_(amounts(world, 1)), zero=draw_(LEVELS))
    what, asked = RATIOS[word]
    options = {name: draw_(value) for name, value in asked.items()}
    names = draw_(some(getattr(world, what), 1))
    made = word(*(() if word is dscr and draw_(st.booleans()) else names), **options)
    return at_start(made) if draw_(st.integers(0, 3)) == 0 else made


@st.composite
def conditions(draw_, world, deep=2):
    """A condition of a deal."""
    if deep and draw_(st.integers(0, 3)) == 0:
        a, b = draw_(conditions(world, deep - 1)), draw_(conditions(world, deep - 1))
        return draw_(st.sampled_from([a & b, a | b, ~a]))
    kinds = ["ratio", "ratio", "amount", "date", "year", "default"]
    kind = draw_(st.sampled_from(kinds + ["trigger"] * 2 * bool(world.trigger) + ["event"] * bool(world.event)))
    if kind in ("ratio", "amount"):
        left = draw_(ratios(world) if kind == "ratio" else amounts(world, 1))
        right = draw_(LEVELS if kind == "ratio" else amounts(world, 1))
        if isinstance(left, float):
            left = at_start(left)
        return draw_(st.sampled_from([left < right, left <= right, left > right, left >= right]))
    if kind == "date":
        return on_or_after(draw_(st.sampled_from(world.dates)))
    if kind == "year":
        return yearly(draw_(st.sampled_from(["01-01", "06-30", "12-31"])))
    if kind == "default":
        return event_of_default()
    return (
        trigger(draw_(st.sampled_from(world.trigger)))
        if kind == "trigger"
        else event(draw_(st.sampled_from(world.event)))
    )


@st.composite
def grouped(draw_, made, claims):
    """Claims of which the first two or three stand as one, in a group that may hold another; a group has no name to give
    a share in the clause."""
    count = draw_(st.integers(2, min(3, len(made) - 1)))
    inner = claims[:count]
    if GREEDY & {word for word, _, _ in inner}:
        return made
    kinds = ["sequential", "pro rata by due", "shares"]
    kinds += (
        ["pro rata by balance"] * 2 * ({what for _, what, _ in inner} <= {"note", "debt", "balance", "anticipated"})
    )
    kind, first = draw_(st.sampled_from(kinds)), made[:count]
    if kind == "shares":
        group = pay(*first, shares={name: draw_(WEIGHTS) for _, _, name in inner})
    elif count == 3 and draw_(st.booleans()):
        group = pay(pay(*first[:2], sharing=draw_(st.sampled_from(kinds[:2]))), first[2], sharing=kind)
    else:
        group = pay(*first, sharing=kind)
    return [group, *made[count:]]


@st.composite
def pays(draw_, world):
    """A pay clause: claims and how they share, without modifiers but `from_` and `supported_by`."""
    known = [(word, *kind) for word, kind in CLAIMS.items() if getattr(world, kind[0])]
    known += [(top_up, *CLAIMS[top_up])] * 3 * bool(world.reserve)  # whose targets may read what the clause moves
    claims, taken = [], set()
    for _ in range(draw_(st.sampled_from([1, 1, 2, 3, 4, 5]))):
        word, what, stock = draw_(st.sampled_from(known))
        name = draw_(st.sampled_from(getattr(world, what)))
        if (stock, name) not in taken:
            taken.add((stock, name))
            claims.append((word, what, name))
    made = [word(name) for word, _, name in claims]
    clause = pay(*made) if len(made) == 1 else None
    if clause is None:
        sharings = ["sequential", "shares"]
        if not GREEDY & {word for word, _, _ in claims}:
            sharings.append("pro rata by due")
        if {what for _, what, _ in claims} <= {"note", "debt", "balance", "anticipated"}:
            sharings += ["pro rata by balance"] * 2
        if len(made) > 2 and draw_(st.booleans()):
            made, sharings = draw_(grouped(made, claims)), [each for each in sharings if each != "shares"]
        sharing = draw_(st.sampled_from(sharings))
        if sharing == "shares":
            clause = pay(*made, shares={name: draw_(WEIGHTS) for _, _, name in claims})
        else:
            clause = pay(*made, sharing=sharing)
    greedy = any(word in GREEDY for word, _, _ in claims)
    filled = {name for word, _, name in claims if word in (top_up, deposit, principal)}
    sources = [name for name in world.account if name not in filled]
    if sources and draw_(st.integers(0, 3)) == 0:
        clause = clause.from_(draw_(st.sampled_from(sources)))
    helpers = [
        name for name in (world.account if greedy else world.support) if name not in filled and name != clause.source
    ]
    if helpers and draw_(st.integers(0, 2)) == 0:
        clause = clause.supported_by(*draw_(some(tuple(helpers))))
    if any(word in (residual, premium, purchase) for word, _, _ in claims):
        clause = clause.capped(draw_(MONEY))  # or nothing would be left for the rest of the waterfall
    return clause


@st.composite
def clauses(draw_, world):
    """Any clause with any modifiers."""
    clause = draw_(clauses_of(world))
    for _ in range(draw_(st.sampled_from([0, 0, 1, 2]))):
        clause = clause.when(draw_(conditions(world)))
    for _ in range(draw_(st.sampled_from([0, 0, 1, 2]))):
        clause = clause.capped(draw_(amounts(world)))
    return clause


@st.composite
def waterfalls(draw_, world):
    """One to twelve clauses, then what makes them whole: costs paid, accounts emptied, and the residual."""
    made = draw_(st.lists(clauses(world), min_size=1, max_size=12))
    claimed = {str(claim) for clause in made for claim in getattr(clause, "claims", ())}
    made += [pay(expense(name)) for name in world.expense if str(expense(name)) not in claimed]
    used = {name for clause in made for name in (*clause.supports, clause.source, getattr(clause, "account", None))}
    made += [release(name) for name in world.account if name not in used]
    return Waterfall((*made, pay(residual(draw_(st.sampled_from(world.equity))))))


@st.composite
def schedules(draw_):
    """Payment dates: a few periods of any frequency, on any calendar."""
    frequency = draw_(st.sampled_from(["monthly", "quarterly", "semiannual", "annual"]))
    months = {"monthly": 1, "quarterly": 3, "semiannual": 6, "annual": 12}[frequency]
    closing = draw_(st.sampled_from([CLOSING, datetime.date(2025, 11, 28), datetime.date(2027, 2, 1)]))
    return schedule(
        closing=closing,
        first_payment=later(closing, months),
        maturity=later(closing, months * draw_(st.integers(2, 7))),
        frequency=frequency,
        calendar=draw_(st.sampled_from(["none", "US", "UK + US", "TARGET"])),
        convention=draw_(st.sampled_from(["unadjusted", "following", "modified following"])),
        payment_lag=draw_(st.sampled_from([0, 0, 5, 15])),
    )


@st.composite
def amortisations(draw_, dates, notional, coupon):
    """Each kind of schedule, with each rule for what is prepaid."""
    prepaid = draw_(st.sampled_from(["pro rata", "in order", "inverse order"]))
    first = draw_(st.sampled_from(dates.unadjusted[1:]))
    count = draw_(st.integers(1, dates.periods))
    kind = draw_(st.sampled_from(["none", "level", "equal", "stated", "sculpted"]))
    if kind == "sculpted":
        return Sculpted(1.25, first)
    if kind == "level":
        rate = draw_(st.sampled_from([None, 0.0, 0.05] if isinstance(coupon, Fixed) else [0.0, 0.05]))
        return LevelPayments(first, count, rate=rate, prepaid=prepaid)
    if kind == "equal":
        return EqualInstalments(first, count, share=draw_(st.sampled_from([0.4, 1.0])), prepaid=prepaid)
    if kind == "stated":
        days = draw_(some(dates.unadjusted[1:], 4))
        return Instalments({day: notional * draw_(st.sampled_from([0.0, 0.1, 0.3])) for day in days}, prepaid=prepaid)
    return None


@st.composite
def coupons(draw_, dates):
    """A fixed or a floating rate, with caps, floors and steps."""
    steps = {draw_(st.sampled_from(dates.unadjusted)): 0.005} if draw_(st.integers(0, 3)) == 0 else {}
    while_ = draw_(st.sampled_from([{}, {}, {}, {event("breach"): 0.01}]))
    if draw_(st.booleans()):
        return Fixed(draw_(st.sampled_from([0.0, 0.04, 0.07, 0.123])), step_up=steps, step_up_while=while_)
    low, high = draw_(st.sampled_from([(None, None), (0.01, None), (None, 0.06), (0.02, 0.05)]))
    index = draw_(st.sampled_from(["SOFR", "SONIA"]))
    margin, multiple = draw_(st.sampled_from([(0.0, 1.0), (0.0225, 1.0), (0.0225, 1.0), (0.2, -3.0)]))
    return Floating(index, margin, multiple=multiple, floor=low, cap=high, step_up=steps, step_up_while=while_)


COVER = ratio(interest_collections(), interest_accrued("class A"), zero=99.0)
PAID_IN_KIND = (cash() < interest_accrued("class A"), COVER < 1.5)


@st.composite
def notes(draw_, name, dates):
    """A note of any kind."""
    notional = draw_(st.sampled_from([100.0, 250.0, 1000.0]) | st.floats(50.0, 500.0).map(lambda x: round(x, 2)))
    ard = draw_(st.none() | st.sampled_from(dates.unadjusted))
    until = draw_(st.none() | st.sampled_from(dates.unadjusted))
    whole = draw_(st.booleans())
    coupon, lapses = draw_(coupons(dates)), draw_(st.sampled_from([False, False, False, True]))
    return Note(
        name,
        notional,
        coupon=coupon,
        balance=None if whole else notional * draw_(st.sampled_from([0.0, 0.3, 1.0])),
        arrears=draw_(st.sampled_from([0.0, 0.0, 7.5])),
        day_count=draw_(st.sampled_from([None, "actual/actual ISDA", "30E/360"])),
        deferrable=draw_(st.booleans()),
        grace=0 if lapses else draw_(st.sampled_from([0, 0, 1])),
        interest_on_arrears=False if lapses else draw_(st.sampled_from([False, True, Fixed(0.1)])),
        lapses=lapses,
        interest_on=draw_(st.sampled_from([None] * 5 + [pool_balance(), balance("class A")])),
        capitalises=draw_(
            st.sampled_from([None] * 6 + [~on_or_after(dates.unadjusted[1]), event("breach"), *PAID_IN_KIND])
        ),
        anticipated_repayment=ard,
        additional_rate=0.0 if ard is None else draw_(st.sampled_from([0.0, 0.03])),
        amortisation=draw_(amortisations(dates, notional, coupon)),
        maturity=draw_(st.none() | st.sampled_from(dates.unadjusted[1:])),
        available_until=until,
        revolving=until is not None and draw_(st.booleans()),
    )


def a_tenth(of):
    return 0.1 * of


def foreseen(note):
    """Whether the debt service of a note is known ahead."""
    return not isinstance(note.amortisation, Sculpted) and note.interest_on is None


def whole_life_is_known(note):
    """Whether what a note pays a unit of its balance is known to the end."""
    return (
        isinstance(note.coupon, Fixed)
        and note.coupon.fixed
        and (note.capitalises is None or said_by_dates(note.capitalises))
        and getattr(note.amortisation, "prepaid", "pro rata") == "pro rata"
    )


# what only an unlucky draw says: a date after the end of a commitment, a number read where it means nothing
OF_THE_DRAW = ("which ends on", "put it after the draw", "when it is 0: put it before", "so it is no level")


@st.composite
def plans(draw_):
    """A random deal, resolved: two to eight tranches, accounts, fees, triggers, one to three regimes."""
    dates = draw_(schedules())
    made = [draw_(notes(f"class {letter}", dates)) for letter in "ABCDEFG"[: draw_(st.integers(1, 7))]]
    owners = [Equity("E", draw_(MONEY), commitment=1.0 + draw_(MONEY))]
    drawable = ("E", *(note.name for note in made if note.available_until is not None))
    names = ("reserve", "liquidity", "trap", "capex")[: draw_(st.integers(0, 4))]
    world = World(
        note=tuple(note.name for note in made),
        equity=("E",),
        drawable=drawable,
        anticipated=tuple(note.name for note in made if note.additional_rate),
        dates=dates.unadjusted,
        expense=tuple(EXPENSES)[: draw_(st.integers(0, 2))],
        foreseen=tuple(note.name for note in made if foreseen(note)),
        fixed=tuple(note.name for note in made if foreseen(note) and whole_life_is_known(note)),
        fee=("trustee", "servicer")[: draw_(st.integers(0, 2))],
        facility=("letter of credit", "liquidity line")[: draw_(st.sampled_from([0, 0, 1, 2]))],
        account=names,
        reserve=tuple(name for name in names if name != "trap"),
        hedge=("swap", "cap")[slice(*sorted(draw_(st.tuples(st.integers(0, 2), st.integers(0, 2)))))],
        ledger=("A ledger", "B ledger")[: draw_(st.sampled_from([0, 0, 1, 2])) * bool(names)],
    )
    early = dataclasses.replace(world, early=True)
    definitions = {name: number(draw_(amounts(world, 1))) for name in ("adjusted balance",)[: draw_(st.integers(0, 1))]}
    world = dataclasses.replace(world, definition=tuple(definitions))
    base = st.sampled_from(world.note).map(balance) | st.just(pool_balance()) | amounts(early, 1).map(number)
    fees = [
        draw_(
            st.builds(Fee, st.just(name), annual=MONEY, lapses=st.booleans())
            | st.builds(Fee, st.just(name), amount=amounts(early, 1), when=conditions(early, 1))
            | st.builds(Fee, st.just(name), amount=st.sampled_from(world.note).map(interest_accrued).map(a_tenth))
            | st.builds(Fee, st.just(name), rate=st.just(0.01), on=base, arrears=MONEY)
        )
        for name in world.fee
    ]
    facilities = [
        Facility(
            name,
            draw_(st.sampled_from([20.0, 150.0])),
            coupon=draw_(coupons(dates)),
            balance=draw_(st.sampled_from([0.0, 10.0])),
            expires=draw_(st.none() | st.sampled_from(dates.unadjusted)),
            revolving=draw_(st.booleans()),
        )
        for name in world.facility
    ]
    hedges = [
        Swap(name, notional=draw_(base), pay=draw_(coupons(dates)), receive=draw_(st.none() | coupons(dates)))
        if name == "swap"
        else Cap(
            name, notional=draw_(base), index="SOFR", strike=draw_(st.sampled_from([0.01, 0.05])),
            ends=draw_(st.none() | st.sampled_from(dates.unadjusted[1:])),
        )
        for name in world.hedge
    ]  # fmt: skip
    accounts = [
        Account(
            name,
            target=draw_(amounts(world) | moving(world)) if name in world.reserve else None,
            balance=draw_(MONEY),
            rate=0.0 if on is None and draw_(st.booleans()) else 0.03,
            day_count=draw_(st.sampled_from(["actual/360", "30/360"])),
            income_on=on,
        )
        for name in names
        for on in [draw_(st.none() | st.none() | st.just(interest_collections()) | amounts(early, 1))]
    ]
    ledgers = [
        Ledger(
            name,
            account=draw_(st.sampled_from(names)),
            limit=draw_(st.none() | amounts(world, 1)),
            balance=draw_(MONEY),
        )
        for name in world.ledger
    ]
    replacements = [
        Replacement(
            "new assets",
            coupon=draw_(coupons(dates)),
            repays=ratio(draw_(amounts(early, 1)), 100.0, zero=0.0),
            defaults=draw_(
                st.sampled_from([0.0, 0.1, 1.0]) | amounts(early, 1).map(lambda x: ratio(x, 100.0, zero=0.0))
            ),
            severity=draw_(st.sampled_from([0.0, 0.6, 1.0])),
            price=draw_(st.sampled_from([0.8, 1.0])),
            balance=draw_(MONEY),
        )
        for _ in range(draw_(st.sampled_from([0, 0, 1])))
    ]
    world = dataclasses.replace(world, replacement=tuple(each.name for each in replacements))
    triggers = []
    for name in ("DSCR", "OC", "breach")[: draw_(st.integers(0, 3))]:
        test = draw_(conditions(world))
        triggers.append(
            Trigger(
                name,
                test=test,
                cure=draw_(st.integers(1, 3)),
                cured_by=draw_(st.none() | conditions(world)),
                latch=draw_(st.booleans()),
                on=draw_(st.booleans()),
            )
        )
        world = dataclasses.replace(world, trigger=(*world.trigger, name))
    regimes = ("normal", "rapid", "enforcement")[: draw_(st.sampled_from([1, 1, 2, 3]))]
    made_waterfalls = {name: draw_(waterfalls(dataclasses.replace(world, drawn=drawable))) for name in regimes}
    terms = {
        "tranches": [*made, *owners],
        "fees": fees,
        "accounts": accounts,
        "triggers": triggers,
        "facilities": facilities,
        "hedges": hedges,
        "ledgers": ledgers,
        "replacements": replacements,
        "definitions": definitions,
        "waterfall": made_waterfalls,
        "regimes": {name: draw_(conditions(world) | conditions(world).map(at_once)) for name in regimes[1:]},
    }
    try:
        return resolve("random", "USD", dates, **terms)
    except InvalidTerms as error:
        if all(any(drawn_so in fault.what for drawn_so in OF_THE_DRAW) for fault in error.faults):
            reject()
        raise


def random_receipts(plan: Plan, seed: int, scenarios: int) -> Receipts:
    """Receipts of every field that the plan may read: quiet paths, droughts, windfalls, whole and odd amounts."""
    rng = np.random.default_rng(seed)
    shape = (scenarios, plan.schedule.periods)
    owed = sum(note.notional for note in plan.notes_by_name.values())

    def path(scale):
        mood = rng.choice([0.0, 0.2, 1.0, 1.0, 5.0, 50.0], size=shape)
        values = rng.uniform(0.0, scale, shape) * mood
        return np.where(rng.random((scenarios, 1)) < 0.5, np.round(values), values)

    fields = {name: path(owed / 20) for name in CASH if rng.random() < 0.6}
    fields |= {EXPENSES[name]: path(owed / 50) for name in plan.expenses}
    fields |= {name: path(owed * 2) for name in ("pool_balance", "defaulted_balance", "value", "contracted")}
    fields |= {"losses": path(owed / 20)}
    events = {"breach": (rng.random(shape) < 0.2).astype(float)}
    return Receipts(plan.schedule.ends, **fields, events=events, scenarios=range(scenarios))


def random_rates(plan: Plan, seed: int, scenarios: int) -> dict:
    """A rate of each index: one for all scenarios, and one that differs."""
    rng = np.random.default_rng(seed + 1)
    periods = plan.schedule.periods
    return {"SOFR": rng.uniform(0.0, 0.08, (scenarios, periods)), "SONIA": rng.uniform(0.0, 0.08, periods)}


SEEDS = st.integers(0, 2**32 - 1)
WORLD = World(
    note=("A-1", "A-2", "class B"),
    equity=("E",),
    drawable=("A-1", "E"),
    drawn=("A-1", "E"),
    fee=("trustee", "servicer"),
    account=("liquidity reserve", "trap"),
    reserve=("liquidity reserve",),
    trigger=("DSCR", "class B deferral"),
    hedge=("swap",),
    facility=("letter of credit",),
    anticipated=("A-2",),
    event=("breach", "parent's bankruptcy"),
)

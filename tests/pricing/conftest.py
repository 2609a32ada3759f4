"""Flows to price: made by a waterfall where the test is about a deal, given amount by amount where it is about numbers."""

import datetime as dt

import deals
import numpy as np
import pytest

from waterfalls.cashflows import Cashflows
from waterfalls.clauses.claims import interest, principal, residual
from waterfalls.clauses.pay import pay
from waterfalls.clock.schedule import Roll, Schedule, schedule
from waterfalls.distribute import distribute
from waterfalls.language.numbers import principal_collections
from waterfalls.plan import resolve
from waterfalls.receipts import Receipts
from waterfalls.terms.coupons import Fixed, Floating
from waterfalls.terms.tranches import Equity, Note

START = dt.date(2026, 1, 15)


def clock(**changed):
    terms = {
        "closing": START,
        "first_payment": dt.date(2026, 4, 15),
        "maturity": dt.date(2031, 1, 15),
        "frequency": "quarterly",
        "calendar": "US",
    }
    return schedule(**{**terms, **changed})


def three_tranches(**changed):
    """A fixed, B floating, equity E."""
    notes = [
        Note("A", 700.0, coupon=Fixed(0.05), rating="AA"),
        Note("B", 200.0, coupon=Floating("SOFR", 0.03, floor=0.0), rating="BBB"),
        Equity("E", 100.0),
    ]
    repaid = pay(principal("A", "B"), sharing="sequential").capped(principal_collections())
    clauses = pay(interest("A")) >> pay(interest("B")) >> repaid
    return resolve("toy", "USD", clock(**changed), tranches=notes, waterfall=clauses >> pay(residual("E")))


@pytest.fixture(scope="session")
def toy():
    """Flows of three tranches, the collateral paying `shares` of what it owes in scenarios of `names`."""

    def made(shares=(1.0, 0.6, 0.0), names=("base", "bad", "dead"), rate=0.04, **changed):
        plan = three_tranches(**changed)
        part = np.asarray(shares, float)[:, None]
        periods = plan.schedule.periods
        receipts = Receipts(
            plan.schedule.ends,
            interest=15.0 * part * np.ones(periods),
            principal=50.0 * part * np.ones(periods),
            scenarios=names,
        )
        return distribute(plan, receipts, rates={"SOFR": rate})

    return made


@pytest.fixture(scope="session")
def paths(toy):
    """Flows of unnamed paths."""

    def made(count, seed=1):
        return toy(np.random.default_rng(seed).uniform(0.0, 1.2, count), range(count))

    return made


@pytest.fixture(scope="session")
def given():
    """Flows of one note "A", said amount by amount: interest and principal (T,) or (S, T), from a balance of 100."""

    def made(
        dates, paid, repaid, *, start=START, balance=100.0, day_count="actual/365F", written_down=0.0, drawn=0.0,
        undrawn=0.0, accrued=None, per_year=4, unadjusted=None, rate=0.05,
    ):  # fmt: skip
        ends = (start, *dates)
        when = Schedule(
            (start, *unadjusted) if unadjusted else ends, ends, ends, Roll(per_year, (unadjusted or dates)[0])
        )
        note = Note(
            "A", balance + undrawn, balance=balance, coupon=Fixed(rate), day_count=day_count,
            available_until=dates[-1] if undrawn else None,
        )  # fmt: skip
        clauses = pay(interest("A")) >> pay(principal("A")) >> pay(residual("E"))
        plan = resolve("given", "USD", when, tranches=[note, Equity("E")], waterfall=clauses)
        paid, repaid, written_down, drawn = (
            np.broadcast_to(
                np.atleast_2d(np.asarray(a, float)), np.broadcast_shapes(np.atleast_2d(paid).shape, (1, len(dates)))
            )
            for a in (paid, repaid, written_down, drawn)
        )
        receipts = Receipts(ends[1:], interest=paid, scenarios=("base",) if len(paid) == 1 else range(len(paid)))
        outputs = np.zeros((1, len(dates), len(plan.outputs), len(paid)))
        left = balance + np.cumsum(drawn - repaid - written_down, axis=1)
        for key, amounts in {
            ("paid", "interest", "A"): paid,
            ("accrued", "interest", "A"): paid if accrued is None else np.broadcast_to(accrued, paid.shape),
            ("principal", "A"): repaid,
            ("written down", "A"): written_down,
            ("drawn", "A"): drawn,
            ("balance", "A"): left,
            ("undrawn", "A"): undrawn - np.cumsum(drawn, axis=1),
        }.items():
            outputs[0, :, plan.outputs.index(key), :] = amounts.T
        return Cashflows(plan, receipts, {}, outputs)

    return made


@pytest.fixture(scope="session")
def golden():
    """A golden case by name."""
    return deals.golden

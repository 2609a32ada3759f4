"""The deal that every benchmark runs: 6 tranches, 3 fees, a reserve, a trap and an interest ledger, 3 triggers with cure."""

import datetime as dt

import numpy as np

from waterfalls.clauses.claims import deposit, fee, interest, principal, residual, top_up
from waterfalls.clauses.pay import pay
from waterfalls.clauses.release import release
from waterfalls.clauses.write_down import write_down
from waterfalls.clock.schedule import schedule
from waterfalls.language.conditions import trigger
from waterfalls.language.memory import cumulative
from waterfalls.language.numbers import balance, pool_balance, principal_collections
from waterfalls.language.ratios import ic_ratio, oc_ratio
from waterfalls.plan import Plan, resolve
from waterfalls.receipts import Receipts
from waterfalls.terms.accounts import Account
from waterfalls.terms.coupons import Fixed, Floating
from waterfalls.terms.fees import Fee
from waterfalls.terms.tranches import Equity, Note
from waterfalls.terms.triggers import Trigger

RATES = {"SOFR": 0.035}
SENIOR, MEZZANINE = ("A-1", "A-2", "A-3"), ("B", "C")

TERMS = {
    "tranches": (
        Note("A-1", 300.0, coupon=Fixed(0.045)),
        Note("A-2", 250.0, coupon=Fixed(0.048)),
        Note("A-3", 200.0, coupon=Floating("SOFR", 0.014)),
        Note("B", 120.0, coupon=Fixed(0.06), deferrable=True, interest_on_arrears=True),
        Note("C", 80.0, coupon=Fixed(0.08), deferrable=True, interest_on_arrears=True),
        Equity("E", 50.0),
    ),
    "fees": (
        Fee("trustee", annual=0.1),
        Fee("servicer", rate=0.0025, on=pool_balance()),
        Fee("incentive", rate=0.001, on=pool_balance()),
    ),
    "accounts": (Account("reserve", target=balance(*SENIOR) * 0.02, balance=15.0), Account("trap"), Account("ledger")),
    "triggers": (
        Trigger("overcollateralisation", test=oc_ratio("C") < 1.01, cure=3),
        Trigger("interest coverage", test=ic_ratio("A-3") < 1.1, cure=2),
        Trigger("losses", test=cumulative("losses") > 60.0, cure=6),
    ),
    "waterfall": (
        pay(fee("trustee", "servicer"), sharing="pro rata by due")
        >> pay(interest(*SENIOR), sharing="pro rata by due").supported_by("reserve")
        >> pay(interest("B")).when(~trigger("overcollateralisation"))
        >> pay(interest("C")).when(~trigger("overcollateralisation") & ~trigger("interest coverage"))
        >> pay(top_up("reserve"))
        >> release("reserve")
        >> pay(principal(*SENIOR, "B", "C"), sharing="sequential").capped(principal_collections())
        >> pay(deposit("ledger")).capped(0.2).when(~trigger("interest coverage"))
        >> pay(principal(*SENIOR), sharing="pro rata by balance").when(trigger("overcollateralisation"))
        >> pay(interest("B", "C"), sharing="sequential")
        >> pay(fee("incentive"))
        >> pay(deposit("trap")).when(trigger("losses"))
        >> pay(principal("A-1")).from_("trap").when(trigger("overcollateralisation"))
        >> release("trap").when(~trigger("losses"))
        >> release("ledger").when(trigger("interest coverage"))
        >> write_down("E", "C", "B", amount=balance(*SENIOR, *MEZZANINE, "E") - pool_balance()).when(trigger("losses"))
        >> pay(residual("E"))
    ),
}


def standard(periods: int = 360, **changed) -> Plan:
    """The deal on monthly dates; `changed` terms replace its own."""
    last = dt.date(2026 + (periods - 1) // 12, (periods - 1) % 12 + 1, 15)
    dates = schedule(
        closing=dt.date(2025, 12, 15),
        first_payment=dt.date(2026, 1, 15),
        maturity=last,
        frequency="monthly",
        calendar="none",
    )
    assert dates.periods == periods
    return resolve("standard", "USD", dates, **{**TERMS, **changed})


def pool(plan: Plan, scenarios: int, seed: int = 1) -> Receipts:
    """A pool of 1,000 that prepays and defaults at rates drawn by scenario, with shocks by period."""
    rng, periods = np.random.default_rng(seed), plan.schedule.periods
    prepaid = rng.uniform(0.002, 0.02, (scenarios, 1))
    failed = rng.uniform(0.0, 0.003, (scenarios, 1)) * rng.uniform(0.0, 2.0, (scenarios, periods))
    left = 1000.0 * np.cumprod(1.0 - prepaid - failed, axis=1)
    before = np.concatenate([np.full((scenarios, 1), 1000.0), left[:, :-1]], axis=1)
    defaults = before * failed
    return Receipts(
        plan.schedule.ends,
        interest=before * 0.07 / 12,
        principal=before * prepaid,
        recoveries=0.4 * defaults,
        pool_balance=left,
        losses=0.6 * defaults,
        scenarios=range(scenarios),
    )


def streamed(paths: int):
    """The deal with a pool of loans, and so many generated paths of prepayment and default."""
    from structuring import Deal, LoanPool, Paths

    deal = Deal(
        "standard",
        closing=dt.date(2025, 12, 15),
        first_payment=dt.date(2026, 1, 15),
        maturity=dt.date(2055, 12, 15),
        frequency="monthly",
        calendar="none",
        collateral=LoanPool.level_pay(balance=1000.0, rate=0.07, remaining_term=360),
        **TERMS,
    )

    def draw(draws):
        return {"prepayment": 0.02 * draws.uniform(1), "default": 0.003 * draws.uniform(1, stream=1)}

    return deal, Paths(paths, seed=1, draw=draw)

"""Every word of the language, in one place: `from waterfalls.words import *` is all that a term sheet needs to be typed.

Importing this also lets texts be read, since a word is known once its module is loaded.
"""

from waterfalls.claims import (
    additional_interest,
    deposit,
    expense,
    fee,
    hedge,
    interest,
    principal,
    residual,
    scheduled_principal,
    top_up,
)
from waterfalls.clauses.draw import draw
from waterfalls.clauses.pay import pay
from waterfalls.clauses.release import release
from waterfalls.clauses.write_down import write_down, write_up
from waterfalls.conditions import always, event, event_of_default, on_or_after, trigger
from waterfalls.formulas import at_start, max_, min_, ratio, stepped
from waterfalls.memory import cumulative, hurdle
from waterfalls.numbers import (
    balance,
    cash,
    defaulted_balance,
    drawn,
    expense_due,
    held,
    interest_collections,
    interest_due,
    pool_balance,
    principal_collections,
    receipt,
    undrawn,
)
from waterfalls.ratios import debt_service, dscr, ic_ratio, ltv, oc_ratio

__all__ = [
    "additional_interest",
    "always",
    "at_start",
    "balance",
    "cash",
    "cumulative",
    "debt_service",
    "defaulted_balance",
    "deposit",
    "draw",
    "drawn",
    "dscr",
    "event",
    "event_of_default",
    "expense",
    "expense_due",
    "fee",
    "hedge",
    "held",
    "hurdle",
    "ic_ratio",
    "interest",
    "interest_collections",
    "interest_due",
    "ltv",
    "max_",
    "min_",
    "oc_ratio",
    "on_or_after",
    "pay",
    "pool_balance",
    "principal",
    "principal_collections",
    "ratio",
    "receipt",
    "release",
    "residual",
    "scheduled_principal",
    "stepped",
    "top_up",
    "trigger",
    "undrawn",
    "write_down",
    "write_up",
]

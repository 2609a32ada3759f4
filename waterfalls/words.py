"""Every word of the language, in one place: `from waterfalls.words import *` is all that a term sheet needs to be typed.

Importing this also lets texts be read, since a word is known once its module is loaded. Last come the words of other
packages, in modules that they name as entry points of the group `firstloss.words`; how-to: docs/howto/own-words.md.
"""

from waterfalls.clauses.call import call, called, premium
from waterfalls.clauses.claims import (
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
from waterfalls.clauses.debit import credit, debit, deficiency
from waterfalls.clauses.draw import draw
from waterfalls.clauses.pay import pay
from waterfalls.clauses.purchase import purchase
from waterfalls.clauses.release import release
from waterfalls.clauses.write_down import write_down, write_up
from waterfalls.doors import offered
from waterfalls.language.conditions import always, at_once, event, event_of_default, on_or_after, trigger
from waterfalls.language.cures import cure
from waterfalls.language.definitions import defined
from waterfalls.language.formulas import at_start, max_, min_, ratio, stepped
from waterfalls.language.forward import forward_dscr, llcr, make_whole
from waterfalls.language.memory import average, cumulative, hurdle
from waterfalls.language.numbers import (
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
from waterfalls.language.ratios import debt_service, dscr, ic_ratio, ltv, oc_ratio

__all__ = [
    "additional_interest",
    "always",
    "at_once",
    "at_start",
    "average",
    "balance",
    "call",
    "called",
    "cash",
    "credit",
    "cumulative",
    "cure",
    "debit",
    "debt_service",
    "defaulted_balance",
    "deficiency",
    "defined",
    "deposit",
    "draw",
    "drawn",
    "dscr",
    "event",
    "event_of_default",
    "expense",
    "expense_due",
    "fee",
    "forward_dscr",
    "hedge",
    "held",
    "hurdle",
    "ic_ratio",
    "interest",
    "interest_collections",
    "interest_due",
    "llcr",
    "ltv",
    "make_whole",
    "max_",
    "min_",
    "oc_ratio",
    "on_or_after",
    "pay",
    "pool_balance",
    "premium",
    "principal",
    "principal_collections",
    "purchase",
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

offered("firstloss.words")

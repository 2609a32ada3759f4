"""Every word of the language, in one place: `from waterfalls.words import *` is all that a term sheet needs to be typed.

Importing this also lets texts be read, since a word is known once its module is loaded. Last come the words of other
packages, in modules that they name as entry points of the group `firstloss.words`; how-to: docs/howto/own-words.md.
"""

import waterfalls.doors as _doors
from waterfalls.clauses.call import call as call
from waterfalls.clauses.call import called as called
from waterfalls.clauses.call import premium as premium
from waterfalls.clauses.claims import additional_interest as additional_interest
from waterfalls.clauses.claims import deposit as deposit
from waterfalls.clauses.claims import expense as expense
from waterfalls.clauses.claims import fee as fee
from waterfalls.clauses.claims import hedge as hedge
from waterfalls.clauses.claims import interest as interest
from waterfalls.clauses.claims import principal as principal
from waterfalls.clauses.claims import residual as residual
from waterfalls.clauses.claims import scheduled_principal as scheduled_principal
from waterfalls.clauses.claims import top_up as top_up
from waterfalls.clauses.debit import credit as credit
from waterfalls.clauses.debit import debit as debit
from waterfalls.clauses.debit import deficiency as deficiency
from waterfalls.clauses.draw import draw as draw
from waterfalls.clauses.pay import pay as pay
from waterfalls.clauses.purchase import purchase as purchase
from waterfalls.clauses.release import release as release
from waterfalls.clauses.write_down import write_down as write_down
from waterfalls.clauses.write_down import write_up as write_up
from waterfalls.language.conditions import always as always
from waterfalls.language.conditions import at_once as at_once
from waterfalls.language.conditions import event as event
from waterfalls.language.conditions import event_of_default as event_of_default
from waterfalls.language.conditions import on_or_after as on_or_after
from waterfalls.language.conditions import trigger as trigger
from waterfalls.language.conditions import yearly as yearly
from waterfalls.language.cures import cure as cure
from waterfalls.language.definitions import defined as defined
from waterfalls.language.formulas import at_start as at_start
from waterfalls.language.formulas import by_date as by_date
from waterfalls.language.formulas import count as count
from waterfalls.language.formulas import max_ as max_
from waterfalls.language.formulas import min_ as min_
from waterfalls.language.formulas import ratio as ratio
from waterfalls.language.formulas import stepped as stepped
from waterfalls.language.forward import forward_dscr as forward_dscr
from waterfalls.language.forward import llcr as llcr
from waterfalls.language.forward import make_whole as make_whole
from waterfalls.language.memory import average as average
from waterfalls.language.memory import cumulative as cumulative
from waterfalls.language.memory import hurdle as hurdle
from waterfalls.language.memory import taxable as taxable
from waterfalls.language.numbers import balance as balance
from waterfalls.language.numbers import cash as cash
from waterfalls.language.numbers import defaulted_balance as defaulted_balance
from waterfalls.language.numbers import drawn as drawn
from waterfalls.language.numbers import expense_due as expense_due
from waterfalls.language.numbers import fee_due as fee_due
from waterfalls.language.numbers import held as held
from waterfalls.language.numbers import interest_accrued as interest_accrued
from waterfalls.language.numbers import interest_collections as interest_collections
from waterfalls.language.numbers import interest_due as interest_due
from waterfalls.language.numbers import pool_balance as pool_balance
from waterfalls.language.numbers import principal_collections as principal_collections
from waterfalls.language.numbers import receipt as receipt
from waterfalls.language.numbers import undrawn as undrawn
from waterfalls.language.ratios import debt_service as debt_service
from waterfalls.language.ratios import dscr as dscr
from waterfalls.language.ratios import ic_ratio as ic_ratio
from waterfalls.language.ratios import ltv as ltv
from waterfalls.language.ratios import oc_ratio as oc_ratio

_doors.offered("firstloss.words")

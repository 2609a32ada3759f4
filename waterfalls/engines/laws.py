"""The laws of claims and cash that every run is held to, said once: the fast engine proves them date by date inside its
program, `Cashflows.check` on the flows that were kept.

debts      opening owed + accrued = paid + capitalised + lapsed + closing owed
balances   opening + draws + capitalised = principal + written down - written up + closing
accounts   opening + deposits + income = withdrawals + closing
ledgers    opening + debited = credited + closing
assets     opening + bought = repaid + defaulted + sold + closing
cash       opening + collections + draws + withdrawals + hedge receipts = all payments + deposits + closing
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from waterfalls.language.machine import Key
    from waterfalls.plan import Plan

TOLERANCE = 1e-9  # of the deal's notional: what sums of rounded numbers may miss by


@dataclasses.dataclass(frozen=True)
class Law:
    """Of every date: the sum of `opening` (before it), `came` and `collected` equals the sum of `went`.

    `collected` are inputs, each counted as far as a symbol says where one is named.
    """

    what: str
    opening: tuple[Key, ...] = ()
    came: tuple[Key, ...] = ()
    went: tuple[Key, ...] = ()
    collected: tuple[tuple[Key, Key | None], ...] = ()


def tolerance(plan: Plan) -> float:
    """By how much the two sides of a law may differ, in currency units."""
    return TOLERANCE * plan.notional


def laws(plan: Plan) -> Iterator[Law]:
    """Every law of a plan."""
    known = {*plan.opening, *plan.flows}

    def there(*keys: Key) -> tuple[Key, ...]:
        return tuple(key for key in keys if key in known)

    came: list[Key] = list(there(("proceeds",)))
    went: list[Key] = []
    for key in plan.outputs:
        name, stock = key[-1], key in plan.opening
        if key[0] == "owed" and key[1] != "scheduled":
            capitalised = there(("capitalised", name)) if key[1] == "interest" else ()
            gone = (("paid", *key[1:]), *capitalised, *there(("lapsed", *key[1:])))
            yield Law(" ".join(key[1:]), (key,), (("accrued", *key[1:]),), (*gone, key))
            went.append(("paid", *key[1:]))
        elif key[0] == "balance":
            added = there(("drawn", name), ("lent", name), ("capitalised", name), ("written up", name))
            yield Law(
                f"the balance of {name}", (key,), added, (*there(("principal", name), ("written down", name)), key)
            )
            came += there(("drawn", name), ("lent", name))
            went += there(("principal", name))
        elif key[0] == "account":
            in_, out = ("deposited", name), ("withdrawn", name)
            yield Law(f"the account {name}", (key,), (in_, ("income", name)), (out, key))
            came.append(out)
            went.append(in_)
        elif key[0] == "ledger":
            yield Law(f"the ledger {name}", (key,), (("debited", name),), (("credited", name), key))
        elif key[0] == "assets":
            gone = (("repaid", name), ("defaulted", name), ("sold", name))
            yield Law(f"the assets {name}", (key,), (("bought", name),), (*gone, key))
            came += [("earned", name), ("repaid", name), ("recovered", name)]
        elif key[0] == "received":
            came.append(key)
        elif key[0] in ("residual", "premium", "spent") and not stock:
            went.append(key)
    live = ("live",) if ("live",) in known else None
    yield Law("cash", (("cash",),), tuple(came), (*went, ("cash",)), ((("receipt", "cash"), live),))


def never_negative(plan: Plan) -> Iterator[Key]:
    """The outputs that no deal may make negative: all but what a negative rate or an odd fee may accrue."""
    return (key for key in plan.outputs if key[0] not in ("accrued", "income"))

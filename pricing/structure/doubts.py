"""Doubts about a solved structure: what is allowed, and most often not meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pricing.structure.solve import Structured
from pricing.structure.terms.checks import odd_levels
from pricing.structure.terms.sizing_test import SizingTest
from pricing.structure.workbench import note_of, path_of, tranche_of
from waterfalls.language.expressions import Constant

COMPARED = re.compile(r"(?P<word>\w+)\(.*\) (?:<|<=|>|>=) (?P<level>[\d.]+)")


def doubts(answer: Structured) -> list[str]:
    """What a reader of the answer would else not see, a sentence each."""
    levels = (fault.what for fault in odd_levels(answer.terms))
    return [*dict.fromkeys(levels), *at_triggers(answer), *of_coupons(answer), *left_as_given(answer)]


def level(test: SizingTest) -> float | None:
    """The level of a test where it is one number."""
    return test.level.value if isinstance(test.level, Constant) else None


def at_triggers(answer: Structured) -> Iterator[str]:
    """Sizes that stand at the level of a trigger of the deal: the first scenario is at its edge."""
    for bound in answer.bounds:
        what = next((name for name in answer.terms.sizes if path_of(name) == bound.path), bound.path)
        for test in dict.fromkeys(reading.test for reading in bound.binding):
            for trigger in answer.deal.triggers:
                found = COMPARED.fullmatch(str(trigger.test))
                of = "" if test.of is None else str(test.of)
                if found and float(found["level"]) == level(test) and of.startswith(f"{found['word']}("):
                    yield (
                        f"{what} is held at {test}, where the trigger {trigger.name!r} ({trigger.test}) is: "
                        "a little less cash than in that scenario trips it"
                    )


def of_coupons(answer: Structured) -> Iterator[str]:
    """Coupons that are solved at a quote of the market, and follow no average life."""
    terms = answer.terms
    quoted = [name for name in terms.coupons if not terms.spreads.get(note_of(answer.deal, name).rating or "")]
    if quoted:
        yield f"coupons of {', '.join(quoted)}: solved at the quotes of the market file, whatever their average lives; no `spreads` are said"
    sized = (name for name in terms.sized if name not in terms.coupons)
    if kept := [name for name in sized if hasattr(tranche_of(answer.deal, name), "coupon")]:
        yield f"coupons of {', '.join(kept)}: as the deal file says; `coupons: {{{kept[0]}: par}}` would solve them"


def left_as_given(answer: Structured) -> Iterator[str]:
    """Accounts that are filled to a target when the deal begins, and whose balance does not follow the sizes."""
    for account in answer.deal.accounts:
        path = f"accounts[{account.name!r}].balance"
        balance = account.balance
        if answer.terms.sized and account.target is not None and balance > 0.0 and path not in answer.solved:
            yield f"{path}: left at {balance / 1e6:,.1f} million whatever its target asks for at these sizes; no `amounts` set it"

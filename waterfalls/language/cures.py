"""Cures: how much principal must be repaid for a failing coverage ratio to pass, in closed form."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from waterfalls.errors import InvalidTerms
from waterfalls.language.expressions import Number, finite, number
from waterfalls.language.machine import Machine, Value
from waterfalls.language.ratios import Coverage, Flow, interest_of
from waterfalls.language.vocabulary import word


@dataclasses.dataclass(frozen=True)
class Cure(Number):
    """The principal to repay, most senior first, after which a coverage ratio stands at `level`; 0 where it does.

    oc_ratio N / D:  x = D - N / level; if N falls by what is paid (`from_principal`: the cash that pays was counted in
    N), x = (level D - N) / (level - 1). ic_ratio C / I: each unit repaid on a note saves what a unit accrued in the
    period, so the notes are repaid in order of seniority until I has fallen to C / level.
    """

    reads_start: ClassVar[bool] = True
    test: Coverage
    level: float
    from_principal: bool = False

    def settle(self, m: Machine) -> Value:
        top, bottom = (side.settle(m) for side in self.test.terms(m.plan))
        if self.test.word == "oc_ratio":
            if self.from_principal:
                return m.max_((bottom * self.level - top) / (self.level - 1.0), 0.0)
            return m.max_(bottom - top / self.level, 0.0)
        cured = left = 0.0
        rates = []
        for name in m.plan.down_to(self.test.name):
            due = Flow(interest_of(m.plan, [name])).settle(m)
            rates.append(m.ratio(due, m.at_start()["balance", name], 0.0))
            left = left + m["balance", name] * rates[-1]
        left = left - top / self.level
        for name, rate in zip(m.plan.down_to(self.test.name), rates, strict=True):
            needed = m.select(m.either(m.gt(rate, 0.0), m.gt(0.0, rate)), m.max_(m.ratio(left, rate, 0.0), 0.0), 0.0)
            paid = m.min_(m["balance", name], needed)
            cured = cured + paid
            left = left - paid * rate
        return cured

    def words(self) -> str:
        source = ", principal proceeds being counted," if self.from_principal else ""
        return f"what must be repaid for {self.test.words()}{source} to stand at {number(self.level).words()}"

    def __str__(self) -> str:
        tail = ", from_principal=True" if self.from_principal else ""
        return f"cure({self.test}, {number(self.level)}{tail})"


@word
def cure(test: Number, level: float, *, from_principal: bool = False) -> Number:
    """What must be repaid, most senior first, for `oc_ratio` or `ic_ratio` to stand at `level`: use it as a cap."""
    if not isinstance(test, Coverage) or test.word == "ltv" or test.trailing > 1:
        raise InvalidTerms(f"cure takes oc_ratio(...) or ic_ratio(...) of one period, got {test}")
    level = finite(level)
    if not level > (1.0 if from_principal else 0.0):
        raise InvalidTerms(f"the level of a cure must be above {1 if from_principal else 0}, got {level}")
    if from_principal and test.word == "ic_ratio":
        raise InvalidTerms("from_principal applies to oc_ratio: principal proceeds do not count as interest cover")
    return Cure(test, level, bool(from_principal))

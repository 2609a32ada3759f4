"""The loop's assumptions: each with a low and a high value and its reason, and the file that says them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, field
from pathlib import Path
from typing import Any

from pricing.bearers.institutions import Institutions
from structuring.documents.yaml_and_json import load_term
from structuring.runs.book import Book
from waterfalls.bounds import decimal_meant
from waterfalls.errors import Fault, refuse, strangers, unknown
from waterfalls.terms.bounded_numbers import NotNegative
from waterfalls.terms.term import term

MARK = "firstloss-loop"
KINDS = ("story on", "size of", "depth of", "capital of", "redemptions of")  # what a range may be a multiple of
SHARES = ("mandates", "semi_liquid", "gate", "margined", "lines", "spillover", "issuance", "debt_funded")
ALONE = ("spreads", "supply")


@term
class Assumed:
    """A number that no source gives: what is taken, how low and how high it may be, and why."""

    value: NotNegative
    _: KW_ONLY
    low: NotNegative
    high: NotNegative
    reason: str

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        low, value, high = fields.get("low"), fields.get("value"), fields.get("high")
        if low is not None and value is not None and high is not None and not low <= value <= high:
            yield Fault("value", f"must lie between low {low:g} and high {high:g}, got {value:g}")


@term
class LoopTerms:
    """What each channel of the loop needs. `ranges` are multiples of what other files say, by a name such as `size of fleets`.

    ratings: notch, mandates.  redemptions: semi_liquid, leaving, gate.  margin: margined, haircut, lines, advance.
    spreads: spillover.  refinancing: coverage, needed, dispersion.  funding: issuance, debt_funded, demand.
    `groups` names deals together, for `story on` and `size of`. The channels' formulas stand in `channels`.
    """

    notch: Assumed
    _: KW_ONLY
    mandates: Mapping[str, Assumed] = field(default_factory=dict)
    semi_liquid: Mapping[str, Assumed] = field(default_factory=dict)
    leaving: Assumed
    gate: Assumed
    margined: Mapping[str, Assumed] = field(default_factory=dict)
    haircut: Assumed
    lines: Mapping[str, Assumed] = field(default_factory=dict)
    advance: Assumed
    spillover: Assumed
    coverage: Assumed
    needed: Assumed
    dispersion: Assumed
    issuance: Assumed
    debt_funded: Assumed
    demand: Assumed
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ranges: Mapping[str, Assumed] = field(default_factory=dict)

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        for name in SHARES:
            said = fields.get(name, {})
            for who, one in said.items() if isinstance(said, Mapping) else [("", said)]:
                if one.high > 1.0:
                    place = f"{name}[{who!r}].high" if who else f"{name}.high"
                    yield Fault(place, f"is a share, at most 1, got {one.high:g}{decimal_meant(one.high)}")

    @property
    def assumptions(self) -> dict[str, Assumed]:
        """Every assumption by its name, those of a class of investors as `mandates of insurers`, in the file's order."""
        found: dict[str, Assumed] = {}
        for name in ("notch", "mandates", "semi_liquid", "leaving", "gate", "margined", "haircut", "lines", "advance",
                     "spillover", "coverage", "needed", "dispersion", "issuance", "debt_funded", "demand"):  # fmt: skip
            said = getattr(self, name)
            found |= (
                {name: said} if isinstance(said, Assumed) else {f"{name} of {who}": one for who, one in said.items()}
            )
        return found | dict(self.ranges)

    @property
    def values(self) -> dict[str, float]:
        """What is taken, by name."""
        return {name: one.value for name, one in self.assumptions.items()}


def load_loop(path: Path | str) -> LoopTerms:
    """A loop from a file that begins with `firstloss-loop: 1`; every fault is told at once with its place."""
    return load_term(path, LoopTerms, mark=MARK)


def check(loop: LoopTerms, book: Book, known: Institutions) -> None:
    """Refuses names of deals, groups, institutions and markets that are not there."""
    names = [one.name for one in known.institutions]

    def faults() -> Iterator[Fault]:
        for group, deals in loop.groups.items():
            yield from strangers(f"loop.groups[{group!r}]", "deal of the book", deals, book.deals)
        for place in ("mandates", "semi_liquid", "margined", "lines"):
            yield from strangers(f"loop.{place}", "institution", getattr(loop, place), names)
        for name in loop.ranges:
            kind = next((kind for kind in KINDS if name.startswith(f"{kind} ")), None)
            if kind is None and name not in ALONE:
                yield Fault("loop.ranges", unknown("range", name, [*ALONE, *(f"{kind} ..." for kind in KINDS)]))
            elif kind is not None:
                lists = {"story on": loop.groups, "size of": loop.groups, "depth of": known.depth}
                yield from strangers("loop.ranges", kind, [name.removeprefix(f"{kind} ")], lists.get(kind, names))

    refuse(faults())

"""The errors that this project raises on purpose, as one tree.

FirstLossError
├── InvalidTerms (ValueError)      the terms do not make sense: one message, every fault with its place
├── UnknownName (KeyError)         a name that nothing in the deal bears, with the nearest that something does
├── CannotPrice (ValueError)       a curve, spread, quote or fixing is missing or out of reach
├── Unbalanced (ArithmeticError)   cash or a claim got lost: always a defect of ours, never of the terms
└── TooLarge (MemoryError)         a result that would not fit, with its estimated size
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

TOLD = 20  # faults that a message tells one by one
DATE = re.compile(r"datetime\.date\((\d+), (\d+), (\d+)\)")
LONGEST = 200  # characters of a name that a message tells whole
FEW = 12  # names that a message lists beside the nearest


class FirstLossError(Exception):
    """Everything this project raises on purpose."""


class Fault(NamedTuple):
    """One thing wrong with terms: where it stands and what is wrong there; in a file, the line as well."""

    place: str
    what: str
    line: int | None = None

    def __str__(self) -> str:
        where = ", ".join(filter(None, (f"line {self.line}" if self.line else "", self.place)))
        return f"{where}: {self.what}" if where else self.what


class InvalidTerms(FirstLossError, ValueError):
    """Terms that do not make sense; `faults` holds every one found, in the order of the document."""

    def __init__(self, faults: str | Fault | Sequence[Fault], title: str = "") -> None:
        found = [Fault("", faults)] if isinstance(faults, str) else [faults] if isinstance(faults, Fault) else faults
        self.faults = tuple(dict.fromkeys(found))
        lines = [str(fault) for fault in self.faults]
        many = f"{len(lines):,} faults" if len(lines) > 1 else "1 fault"
        heading = f"{title}, {many}:" if title else f"{many}:"
        lines = [*lines[:TOLD], *counted(self.faults[TOLD:])]
        super().__init__(lines[0] if len(lines) == 1 and not title else "\n  ".join([heading, *lines]))


class UnknownName(FirstLossError, KeyError):
    """A name that nothing bears; `fault` says so with its place, where that is known."""

    def __init__(self, what: str, name: object, known: Iterable[object], place: str = "") -> None:
        names = [str(candidate) for candidate in known]
        self.fault = Fault(place, unknown(what, name, names))
        super().__init__(what, name, names, place)  # from which a worker's error is made anew where it is received

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.fault)


class CannotPrice(FirstLossError, ValueError):
    """A value that the market given does not determine."""


class Unbalanced(FirstLossError, ArithmeticError):
    """Cash or a claim that is not accounted for."""


class TooLarge(FirstLossError, MemoryError):
    """A result that would not fit in memory."""


def counted(faults: Sequence[Fault]) -> list[str]:
    """Faults by their kind, with how many there are: those that a message does not tell one by one."""
    if not faults:
        return []
    kinds: dict[str, int] = {}
    for fault in faults:
        kind = str(Fault(fault.place.rpartition(", ")[2], fault.what.partition(", got ")[0]))
        kinds[kind] = kinds.get(kind, 0) + 1
    most = sorted(kinds.items(), key=lambda item: -item[1])
    told = [f"{count:,} more, {kind}" for kind, count in most[:TOLD]]
    if rest := sum(count for _, count in most[TOLD:]):
        told.append(f"{rest:,} more of {len(most) - TOLD:,} other kinds")
    return [*told, "each of them: firstloss validate DEAL --csv, or .faults of this error"]


def unknown(what: str, name: object, known: Iterable[object]) -> str:
    """The sentence for a name that nothing bears: what was given, the nearest, what is allowed.

    A long list of what is allowed is left out where the nearest is told.
    """
    names = list(dict.fromkeys(str(candidate) for candidate in known))
    near = nearest(name, names)
    given = repr(name) if isinstance(name, str) and len(name) <= LONGEST else shown(name)
    if near and len(names) > FEW:
        return f"there is no {what} {given}. Did you mean {near!r}?"
    hint = f" Did you mean {near!r}?" if near else ""
    listed = ", ".join(repr(candidate) for candidate in names[:40]) + (" and more" if len(names) > 40 else "")
    return f"there is no {what} {given}.{hint} " + (f"Known: {listed}." if names else "None is declared.")


UNITS = {
    "": 1.0, "x": 1.0, "%": 1e-2, "bp": 1e-4, "bps": 1e-4, "k": 1e3, "m": 1e6, "mm": 1e6, "mn": 1e6, "million": 1e6,
    "bn": 1e9, "billion": 1e9,
}  # fmt: skip
AMOUNT = re.compile(r"(?:[A-Z]{3} |[$€£])?(-?\d[\d,]*(?:\.\d+)?) ?([a-z%]*)")


def number_meant(given: object) -> str:
    """The advice `: write 0.0625` for a text such as 6.25%, 200m or USD 200,000,000 where a number is wanted, else nothing."""
    found = AMOUNT.fullmatch(given.strip()) if isinstance(given, str) else None
    if found is None or found[2] not in UNITS:
        return ""
    return f": write {float(found[1].replace(',', '')) * UNITS[found[2]]:.12g}"


def strangers(
    place: str, what: str, names: Iterable[object], known: Collection[object], *, keyed: bool = False
) -> Iterator[Fault]:
    """A fault for each of some names that nothing bears: at one place, or where they are keys of it, at their own."""
    for name in names:
        if not borne(name, known):
            yield Fault(f"{place}[{name!r}]" if keyed else place, unknown(what, name, known))


def repeated(names: Iterable[str]) -> dict[str, int]:
    """Names that stand more than once, in alphabetical order, and how often each does."""
    return {name: times for name, times in sorted(Counter(names).items()) if times > 1}


def refuse(faults: Iterable[Fault], title: str = "") -> None:
    """Raises `InvalidTerms` of all faults at once, where there are any."""
    if found := list(faults):
        raise InvalidTerms(found, title)


def refuse_unknown(what: str, name: object, known: Collection[object]) -> None:
    """Raises `UnknownName` of a name that nothing bears."""
    if not borne(name, known):
        raise UnknownName(what, name, known)


def borne(name: object, known: Collection[object]) -> bool:
    """Whether something of those known bears a name; what cannot be a name, such as an array, nothing bears."""
    return isinstance(name, Hashable) and name in known


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that is most like a name, if one is."""
    given = difflib.SequenceMatcher(b=str(name).lower())
    best, most = None, 0.5
    for candidate in known:  # of those that are equally like it, the first
        given.set_seq1(candidate.lower())
        if given.quick_ratio() >= most and (like := given.ratio()) >= most and (best is None or like > most):
            best, most = candidate, like
    return best


def shown(value: object) -> str:
    """A value as a message shows it: short, on one line; what the language says by its text, a date as a file has it."""
    text = str(value) if hasattr(type(value), "words") else " ".join(repr(value).split())
    text = DATE.sub(lambda found: repr(f"{found[1]:0>4}-{found[2]:0>2}-{found[3]:0>2}"), text)
    return text if len(text) <= 60 else text[:57] + "..."

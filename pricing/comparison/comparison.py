"""Compares two deals, or two versions of one: which terms differ, and how prices and losses change."""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from structuring.deals.deal import Deal
from structuring.documents.plain_data import Loader
from structuring.documents.whole_files import unshield
from structuring.documents.yaml_and_json import STEP
from waterfalls.doors import need
from waterfalls.errors import Fault, InvalidTerms, unknown
from waterfalls.terms.term import MISSING, field_types, is_a, is_term, is_union, kind_of, plain, read_term

if TYPE_CHECKING:
    import pandas as pd

MEASURES = ("clean", "wal", "z_spread", "yield_to_maturity")
CELL = ("scenario", "shock", "tranche")
LOSSES = ("credit_loss", "market_loss", "total_loss")
ALIKE = 0.6  # of two names or clauses: less alike are different things


@dataclasses.dataclass(frozen=True)
class Difference:
    """One place at which two documents differ; None where one of them says nothing there."""

    place: str
    a: Any
    b: Any


def differences(a: Any, b: Any, place: str = "") -> Iterator[Difference]:
    """Where two plain documents differ, field by field, each with its path.

    Items of a list are the same thing where they bear the same name, else the nearest; clauses by their text.
    """
    if a == b:
        return
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        same = len(a) == len(b) == 1 and list(a) == list(b) and isinstance(next(iter(a.values())), Mapping)
        if same and place.endswith("]"):  # {note: {...}}: the name in the path says it already
            kind = next(iter(a))
            yield from differences(a[kind], b[kind], place)
            return
        for key in dict.fromkeys([*a, *b]):
            step = f"[{key!r}]" if not str(key).isidentifier() else f".{key}" if place else str(key)
            yield from differences(a.get(key), b.get(key), f"{place}{step}")
    elif isinstance(a, list) and isinstance(b, list) and (listed(a) or listed(b)):
        for i, j in paired(a, b):
            named = label(b[j], j) if i is None and j is not None else label(a[i or 0], i or 0)
            yield from differences(None if i is None else a[i], None if j is None else b[j], f"{place}[{named}]")
    else:
        yield Difference(place, a, b)


def listed(items: list[Any]) -> bool:
    """Whether a list is of things with names, or of clauses, and not of numbers."""
    return any(isinstance(item, (Mapping, str)) for item in items)


def name_of(item: Any) -> str:
    """The name of a thing in a list; a clause is its own."""
    while isinstance(item, Mapping) and len(item) == 1 and isinstance(next(iter(item.values())), Mapping):
        item = next(iter(item.values()))
    return str(item.get("name", item)) if isinstance(item, Mapping) else str(item)


def label(item: Any, position: int) -> str:
    """How a path names an item: by its name, a clause by its position."""
    return repr(name_of(item)) if isinstance(item, Mapping) else str(position)


def paired(a: list[Any], b: list[Any]) -> Iterator[tuple[int | None, int | None]]:
    """The positions of the same things in two lists, in the order of the first; then those that only the second has."""
    first, second = [name_of(item) for item in a], [name_of(item) for item in b]
    if any(isinstance(item, Mapping) for item in a + b):
        same = {first.index(name): second.index(name) for name in first if name in second}
    else:  # clauses: what stands in both, in order
        blocks = difflib.SequenceMatcher(a=first, b=second, autojunk=False).get_matching_blocks()
        same = {block.a + n: block.b + n for block in blocks for n in range(block.size)}
    left = [j for j in range(len(b)) if j not in same.values()]
    for i, name in enumerate(first):
        near = None if i in same else max(left, key=lambda j: likeness(name, second[j]), default=None)
        if near is not None and likeness(name, second[near]) > ALIKE:
            same[i] = near
            left.remove(near)
        yield i, same.get(i)
    yield from ((None, j) for j in left)


def likeness(one: str, other: str) -> float:
    """How much of two texts is the same, from 0 to 1."""
    return difflib.SequenceMatcher(a=one, b=other, autojunk=False).ratio()


# What it does -------------------------------------------------------------------------------------------------------


def side_by_side(a: pd.DataFrame, b: pd.DataFrame, keys: Sequence[str], measures: Sequence[str]) -> pd.DataFrame:
    """A row a key and measure: the number of both frames and its change, b - a; NaN where only one has the key.

    Keys stand in the order of the first frame, then those that only the second has.
    """
    import pandas as pd

    one, other = (frame[[*keys, *measures]].astype(dict.fromkeys(keys, str)).set_index(list(keys)) for frame in (a, b))
    order = one.index.append(other.index.difference(one.index, sort=False))
    rows = [
        pd.DataFrame({"measure": name, "a": one[name].reindex(order), "b": other[name].reindex(order)}, index=order)
        for name in measures
    ]
    found: Any = (
        pd.concat(rows).assign(position=[*range(len(order))] * len(measures)).sort_values("position", kind="stable")
    )
    return found.drop(columns="position").assign(change=lambda frame: frame["b"] - frame["a"]).reset_index()


def by_class(losses: pd.DataFrame) -> pd.DataFrame:
    """The long losses of one deal, summed over tranches: a row a scenario, shock and investor class."""
    keys = ["scenario", "shock", "investor_class"]
    texts: Any = losses.astype(dict.fromkeys(keys, str))
    return texts.groupby(keys, sort=False)[list(LOSSES)].sum().reset_index()


def read_result(folder: Path, name: str) -> pd.DataFrame:
    """A table that `firstloss run` wrote into a folder, by --out or --parquet."""
    import pandas as pd

    file = folder / f"{name}.csv"
    if file.is_file():  # a scenario may be called "NA", a tranche "01"
        texts: Any = dict.fromkeys(("deal", "currency", *CELL, "investor_class", "status"), str)
        frame = pd.read_csv(file, dtype=texts, keep_default_na=False, na_values=[""])
        return frame.assign(**{name: frame[name].map(unshield, na_action="ignore") for name in texts if name in frame})
    file = folder / f"{name}.parquet"
    if file.is_file():
        need("pyarrow")
        return pd.read_parquet(file)
    raise InvalidTerms(
        f"the folder {str(folder)!r} holds neither a deal.yaml nor a result ({name}.csv or {name}.parquet): "
        "firstloss run DEAL --out FOLDER writes one"
    )


# A deal with some of its terms changed ------------------------------------------------------------------------------


def changed(deal: Deal, changes: Sequence[str]) -> Deal:
    """A deal with terms set, each `path=value`: paths are those of a deal file's faults, items of lists by name too.

        accounts['reserve'].balance=1e6     tranches[1].note.notional=500e6     definitions['months']=12

    The value is read as in a deal file. Faults of the changed deal are told as those of a file are.
    """
    document: Any = plain(deal)
    for change in changes:
        path, sign, text = change.partition("=")
        if not sign:
            raise InvalidTerms(f"--set takes path=value, such as maturity=2031-01-15; got {change!r}")
        try:
            value = yaml.load(text, Loader)
        except yaml.YAMLError:
            raise InvalidTerms(f"--set {path}: the value {text!r} cannot be read") from None
        put(document, Deal, [next(filter(None, match.groups()), "") for match in STEP.finditer(path)], value, path)
    found: list[Fault] = []
    made = read_term(Deal, document, "", found)
    if made is MISSING or found:
        raise InvalidTerms([Fault(fault.place.lstrip("."), fault.what) for fault in found], title="the changed deal")
    return made


def put(data: Any, wanted: Any, steps: Sequence[str], value: Any, path: str) -> None:
    """Sets what stands at the end of some steps in a plain document of a `wanted`."""
    step, *more = steps or [""]
    if isinstance(data, list):
        names = [name_of(item) for item in data]
        if not (step.isdigit() and int(step) < len(data)) and step not in names:
            raise InvalidTerms(Fault(path, unknown("item", step, names)))
        key: Any = int(step) if step.isdigit() and step not in names else names.index(step)
        inner = typing.get_args(wanted)[0] if is_a(wanted, tuple) else None
    elif isinstance(data, dict):
        key = step
        fields = {name: kind for name, kind in field_types(wanted).items() if name != "_"} if is_term(wanted) else {}
        if fields and step not in fields:
            raise InvalidTerms(Fault(path, unknown("field", step, fields)))
        if not fields and more and step not in data:
            raise InvalidTerms(Fault(path, unknown("entry", step, data)))
        inner = fields.get(step, typing.get_args(wanted)[-1] if is_a(wanted, Mapping) else None)
    else:
        raise InvalidTerms(f"{path}: {data!r} has no parts")
    if not more:
        data[key] = value
        return
    if isinstance(data, dict) and key not in data:
        raise InvalidTerms(
            f"{path}: the deal says nothing at {step!r}, so nothing inside it can be changed: set all of it"
        )
    put(*inside(data[key], inner, more), value, path)


def inside(data: Any, wanted: Any, steps: Sequence[str]) -> tuple[Any, Any, Sequence[str]]:
    """What a value is a document of, where its type leaves several: past its outer key, which a path may leave out."""
    branches = (
        [branch for branch in typing.get_args(wanted) if branch is not type(None)] if is_union(wanted) else [wanted]
    )
    terms = {kind_of(branch): branch for branch in branches if is_term(branch)}
    if len(terms) > 1 and isinstance(data, dict) and len(data) == 1:
        kind = next(iter(data))
        return data[kind], terms[kind], steps[1:] if steps[0] == kind else steps
    kinds = (list, tuple) if isinstance(data, list) else (dict, Mapping)
    fitting = [b for b in branches if is_term(b) if isinstance(data, dict)] or [
        b for b in branches if is_a(b, kinds[1])
    ]
    return data, next(iter(fitting), None), steps

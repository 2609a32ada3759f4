"""Documents: YAML 1.2 or JSON in, every fault at once; terms out, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from structuring.documents.plain_data import Dumper, parsed
from structuring.documents.tables import Elsewhere
from structuring.documents.whole_files import write
from waterfalls.errors import Fault, FirstLossError, InvalidTerms, UnknownName, shown
from waterfalls.terms.term import MISSING, plain, read_term

T = TypeVar("T")
MEANINGS = Path(__file__).with_name("meanings.yaml")  # of every field of a document


STEP = re.compile(r"\[(?:'([^']*)'|\"([^\"]*)\"|([^\]]*))\]|([^.\[]+)")  # ['name'], ["it's"], [0], field
QUOTED = re.compile(r"^there is no [\w ]+ '([^']*)'")


def line_of(fault: Fault, root: yaml.Node | None) -> int | None:
    """The line of what a fault is about."""
    return path_of(fault, root)[-1][1]


def path_of(fault: Fault, root: yaml.Node | None) -> list[tuple[yaml.Node | None, int | None]]:
    """What a fault's place leads through as far as it stands in the file, and there the name that is wrong; with lines."""
    path: list[tuple[yaml.Node | None, int | None]] = [(root, None)]
    for match in STEP.finditer(fault.place.partition(", row ")[0].partition(", sheet ")[0]):
        step = next(filter(None, match.groups()), "")
        node = path[-1][0]
        below = beneath(node, step) or beneath(node, step.partition(", ")[0])  # a table: holdings, holders.csv, row 2
        if below is None:
            break
        path.append(below)
    named, (node, _) = QUOTED.match(fault.what), path[-1]
    below = beneath(node, named[1]) if named and not isinstance(node, yaml.SequenceNode) else None
    return [*path, below] if below else path


def cut_by_comma(fault: Fault, root: yaml.Node | None) -> Fault:
    """A fault with its likely cause where a comma in a text became a key without a value: `{assumption: at par, or so}`."""
    inside, node = [None, *(node for node, _ in path_of(fault, root))][-2:]
    entries = inside.value if isinstance(inside, yaml.MappingNode) and inside.flow_style else ()
    after = [
        key.end_mark.buffer[key.end_mark.pointer : value.end_mark.pointer] for key, value in entries if value is node
    ]
    if not after or after[0].strip():  # a colon, and what stands after it
        return fault
    return fault._replace(what=f"{fault.what.removesuffix('.')}. A comma ends a text: quote one that holds a comma")


def in_its_table(fault: Fault, data: Any) -> Fault:
    """A fault between the document and a table that it names, with the file, and the row in which the wrong name stands."""
    for match in STEP.finditer(fault.place):
        step = next(filter(None, match.groups()), "")
        if isinstance(data, list):
            data = data[int(step)] if step.isdigit() and int(step) < len(data) else None
        else:
            data = data.get(step) if isinstance(data, Mapping) else None
        if isinstance(data, Elsewhere):
            if not data.sound:
                break  # it has told its own faults
            named = QUOTED.match(fault.what)
            return Fault(f"{fault.place[: match.end()]}, {data.place_of(named[1] if named else None)}", fault.what)
    return fault


def beneath(node: yaml.Node | None, step: str) -> tuple[yaml.Node, int] | None:
    """What a step of a path leads to, and its line."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return value, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode) and step.isdigit() and int(step) < len(node.value):
        return (item := node.value[int(step)]), item.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):  # one of several terms, by its name
        for item in node.value:
            name = beneath(item, "name")
            if name is not None and name[0].value == step:
                return item, item.start_mark.line + 1
    return None


def load_term(path: Path | str, cls: type[T], *, mark: str, text: str | None = None) -> T:
    """A term from a file whose top says what it is, `firstloss: 1`; every fault is told at once with its line and place.

    Where it takes holdings or a list of like things it may name a table, `{file: holders.xlsx}`, relative to its folder.
    `text` is read in place of what the file holds, where it has not been saved yet.
    """
    read, root, twice = parsed(path, text)
    data = Elsewhere.found_in(read, Path(path).parent)
    if not isinstance(data, Mapping) or mark not in data:
        kind = (
            next((key for key in data if str(key).startswith("firstloss")), None) if isinstance(data, Mapping) else None
        )
        hint = f"; it begins with '{kind}: {shown(read[kind])}', so it is another kind of file" if kind else ""
        raise InvalidTerms(
            f"{path} does not begin with '{mark}: 1', so it is not a {mark.replace('-', ' ')} file{hint}"
        )
    if read[mark] != 1:
        raise InvalidTerms(f"{path} says '{mark}: {shown(read[mark])}'; this release reads version 1")
    found: list[Fault] = []
    made = read_term(cls, {key: value for key, value in data.items() if key != mark}, "", found)
    if made is MISSING or found or twice:
        found = [in_its_table(cut_by_comma(fault, root), data) for fault in found]
        told = [Fault(fault.place.lstrip("."), fault.what, line_of(fault, root)) for fault in found]
        raise InvalidTerms(sorted(twice + told, key=lambda fault: fault.line or 0), title=str(path))
    return made


def lined(faults: Iterable[Fault], path: Path | str, text: str | None = None) -> list[Fault]:
    """What is wrong with a file, or doubtful in it, with the lines in which it stands and in their order."""
    root = parsed(path, text)[1]
    told = [fault._replace(line=line_of(fault, root)) for fault in faults]
    return sorted(told, key=lambda fault: fault.line or 0)


def with_lines(error: InvalidTerms | UnknownName, path: Path | str) -> FirstLossError:
    """What a run found wrong with the terms of a file, with the lines in which they stand; as it was if none does."""
    told = lined(error.faults if isinstance(error, InvalidTerms) else (error.fault,), path)
    return InvalidTerms(told, title=str(path)) if any(fault.line for fault in told) else error


def as_yaml(data: Any) -> str:
    """A document as YAML, in the order it has."""
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)


def save_term(term: Any, path: Path | str, *, mark: str) -> None:
    """Writes a term to a YAML or JSON file that `load_term` reads back to an equal one."""
    path = Path(path)
    data = {mark: 1, **plain(term)}
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n" if path.suffix == ".json" else as_yaml(data)
    write(path, text)

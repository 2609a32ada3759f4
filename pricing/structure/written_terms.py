"""The terms that were solved as a file: the text of the file they were read from, its comments kept, with goals in place."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from pricing.structure.terms.checks import placed
from pricing.structure.terms.place import steps_of
from pricing.structure.terms.sizing_test import SizingTest
from pricing.structure.terms.structure_terms import MARK, Structure, load_structure
from structuring.documents.plain_data import Loader
from structuring.documents.whole_files import write
from structuring.documents.yaml_and_json import beneath, save_term
from waterfalls.errors import FirstLossError

GOAL = "# by --goal"


def write_terms(terms: Structure, source: Path, file: Path) -> None:
    """Writes terms to a file that reads back to them: the text of `source` with what goals changed, or all anew."""
    text = source.read_text(encoding="utf-8") if source.suffix in (".yaml", ".yml") and source.is_file() else None
    try:
        made = None if text is None else with_changes(text, load_structure(source), terms)
        if made is not None:
            write(file, made)
            if load_structure(file) == terms:
                return
    except (FirstLossError, yaml.YAMLError):
        pass
    save_term(terms, file, mark=MARK)


def with_changes(text: str, before: Structure, after: Structure) -> str:
    """The text of a structure file with each test that differs in place of the one there, and each new one at the end of its list."""
    there = dict(placed(before))
    for place, test in placed(after):
        if there.get(place) != test:
            text = with_test_at(text, place, test, added=place not in there)
    return text


def with_test_at(text: str, place: str, test: SizingTest, *, added: bool) -> str:
    """The text with a test at its place, or behind the last of its list; in a list of its own where there is none."""
    node: yaml.Node | None = yaml.compose(text, Loader)
    *steps, last = steps_of(place)
    said = json.dumps(str(test), ensure_ascii=False)
    for step in steps:
        below = beneath(node, step)
        node = None if below is None else below[0]
    if not isinstance(node, yaml.SequenceNode) or not node.value:  # the whole has no test yet
        return f"{text.rstrip()}\n\nmust:\n  - {said} {GOAL}\n"
    item = node.value[-1 if added else int(last)]
    begin, end = item.start_mark.index, item.end_mark.index
    if node.flow_style:
        return text[:end] + f", {said}" + text[end:] if added else text[:begin] + said + text[end:]
    stop = text.find("\n", end)
    stop = len(text) if stop < 0 else stop
    if added:
        return text[:stop] + "\n" + " " * (item.start_mark.column - 2) + f"- {said} {GOAL}" + text[stop:]
    rest = text[end:stop].strip()
    return text[:begin] + f"{said} {GOAL}{f'; {rest[1:].strip()}' if rest else ''}" + text[stop:]

"""The solved deal as a file: the text of the deal's own file, its comments kept, with every solved figure in place and marked."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from pricing.structure.par import coupon_of
from pricing.structure.solve import Structured
from pricing.structure.terms.place import steps_of, value_at
from pricing.structure.workbench import note_of, path_of
from pricing.structure.written_terms import write_terms
from structuring.deals.deal_files import MARK, load_deal
from structuring.documents.plain_data import Dumper, Loader
from structuring.documents.whole_files import folder as make
from structuring.documents.whole_files import write
from structuring.documents.yaml_and_json import as_yaml, beneath
from waterfalls.errors import FirstLossError, InvalidTerms
from waterfalls.terms.coupons import Fixed
from waterfalls.terms.term import plain

HEAD = "# Solved by firstloss structure"  # the first line of what it writes, by which it knows its own
BESIDE = ("scenarios.yaml", "market.yaml")


class Figure(NamedTuple):
    """A solved figure: where it stands, its text, and what is said of it."""

    path: str
    text: str
    comment: str


def figures(answer: Structured) -> list[Figure]:
    """Every solved figure with its comment: what holds it where it is."""
    deal, terms = answer.deal, answer.terms
    bound = {found.path: found for found in answer.bounds}
    found: list[Figure] = []
    for name, tests in terms.sizes.items():
        path = path_of(name)
        said = "the rest of the uses" if isinstance(tests, str) else "as given"
        said = held_by(bound[path].binding, bound[path].rest) if path in bound else said
        found.append(Figure(path, number(value_at(deal, path)), f"solved: {said}"))
    for path, sought in terms.numbers.items():
        found.append(
            Figure(
                path, number(value_at(deal, path)), f"solved: the {sought.best}; {held_by(bound[path].binding, False)}"
            )
        )
    for name, price in terms.coupons.items():
        note = note_of(deal, name)
        field = "rate" if isinstance(note.coupon, Fixed) else "margin"
        at = "par" if isinstance(price, str) else f"a price of {price:g}"
        found.append(Figure(f"tranches[{name!r}].coupon.{field}", number(coupon_of(note)), f"solved: sold at {at}"))
    for name, schedule in terms.schedules.items():
        text = flow({"instalments": plain(note_of(deal, name).amortisation)})
        ratio = "ratios by date" if isinstance(schedule.ratio, Mapping) else f"{schedule.ratio:g}x"
        found.append(Figure(f"tranches[{name!r}].amortisation", text, f"solved: sculpted to {ratio}"))
    for path, said in terms.amounts.items():
        found.append(Figure(path, number(value_at(deal, path)), f"solved: {said}"))
    return found


def held_by(binding: Any, rest: bool) -> str:
    """What holds a size where it is."""
    said = [str(reading.test) for reading in binding] + (["what the uses need"] if rest else [])
    return f"held by {' and '.join(said)}" if said else "at its limit"


def number(value: float) -> str:
    """A number that reads back to itself."""
    return repr(float(value))


def flow(data: Any) -> str:
    """A document on one line."""
    return yaml.dump(data, Dumper=Dumper, default_flow_style=True, sort_keys=False, width=10**9).strip()


def written(answer: Structured, text: str | None) -> str:
    """The text of a solved deal: `text`, that of its own file, with the solved figures in place; made anew where there is none."""
    if text is None:
        text = as_yaml({MARK: 1, **plain(answer.deal)})
    runs = f"{answer.runs} runs of a scenario, {answer.candidates} structures tried"
    return f"{HEAD}: {runs}. Each solved figure is marked.\n" + marked(text, figures(answer))


def quotes(answer: Structured) -> list[Figure]:
    """The quotes of what is sold at the spread of new paper."""
    return [
        Figure(
            f"quotes[{name!r}]", number(answer.market.quotes[name].value), "solved: the spread of new paper of its life"
        )
        for name in answer.terms.coupons
        if answer.terms.spreads.get(note_of(answer.deal, name).rating or "")
    ]


def marked(text: str, asked: list[Figure]) -> str:
    """A text with figures in place, each with its comment at the end of its line."""
    for figure in asked:
        text = placed(text, figure)
    comments: dict[int, list[str]] = {}
    for figure in asked:
        comments.setdefault(end_line(text, figure.path), []).append(figure.comment)
    lines = text.split("\n")
    for line, said in comments.items():
        lines[line] = (
            f"{lines[line].rstrip()}{' ;' if '  # ' in lines[line] or ' # ' in lines[line] else '  #'} {'; '.join(dict.fromkeys(said))}"
        )
    return "\n".join(lines)


def node_at(root: yaml.Node, path: str) -> tuple[yaml.Node, list[str]]:
    """The node a path leads to as far as it stands in a file, and the steps that are left."""
    node, steps = root, steps_of(path)
    while steps:
        below = beneath(node, steps[0])
        if below is None and isinstance(node, yaml.MappingNode) and len(node.value) == 1:  # {note: {...}}: an outer key
            below = beneath(node, node.value[0][0].value)
            if below is not None and isinstance(below[0], yaml.MappingNode):
                node = below[0]
                continue
        if below is None and isinstance(node, yaml.SequenceNode):
            below = named_in(node, steps[0])
        if below is None:
            break
        node, steps = below[0], steps[1:]
    return node, steps


def named_in(node: yaml.SequenceNode, name: str) -> tuple[yaml.Node, int] | None:
    """An item of a list by its name, beneath its outer key too."""
    for item in node.value:
        inner = item.value[0][1] if isinstance(item, yaml.MappingNode) and len(item.value) == 1 else item
        found = beneath(inner, "name") if isinstance(inner, yaml.MappingNode) else None
        if found is not None and found[0].value == name:
            return inner, inner.start_mark.line + 1
    return None


def placed(text: str, figure: Figure) -> str:
    """The text with a figure at its place, in a new entry where the file says nothing there."""
    root = yaml.compose(text, Loader)
    assert root is not None
    node, left = node_at(root, figure.path)
    if not left:
        begin, end = node.start_mark.index, node.end_mark.index
        while text[begin:end].endswith(("\n", " ")):
            end -= 1
        return text[:begin] + figure.text + text[end:]
    if len(left) > 1 or not isinstance(node, yaml.MappingNode) or not node.value:
        raise InvalidTerms(f"{figure.path} is not in the file, so that the solved figure has no place")
    key, (first, last) = left[0], (node.value[0][0], node.value[-1][1])
    end = last.end_mark.index
    while text[:end].endswith(("\n", " ")):
        end -= 1
    joined = f", {key}: " if node.flow_style else "\n" + " " * first.start_mark.column + f"{key}: "
    line = text.find("\n", end)
    if not node.flow_style and line >= 0:  # behind the comment of the line
        end = line
    return text[:end] + joined + figure.text + text[end:]


def end_line(text: str, path: str) -> int:
    """The line on which a figure ends."""
    root = yaml.compose(text, Loader)
    assert root is not None
    node, _ = node_at(root, path)
    end = node.end_mark.index
    while text[:end].endswith(("\n", " ")):
        end -= 1
    return text.count("\n", 0, end)


def write_structured(
    answer: Structured, folder: Path, source: Path, used: Mapping[str, Path | None] | None = None
) -> list[Path]:
    """Writes a folder with the solved deal and, beside it, what it was solved with; gives the files.

    `used` names files that were read in place of those beside the deal: {"structure.yaml": other}.
    A folder is written over only where its deal was written here. What is written is read back: it must be the deal solved.
    """
    file = folder / "deal.yaml"
    if file.exists() and not file.read_text(encoding="utf-8").startswith(HEAD):
        raise InvalidTerms(
            f"{folder} holds a deal.yaml that is not one solved here: nothing is overwritten, so give another --out"
        )
    make(folder)
    text = source.read_text(encoding="utf-8") if source.suffix in (".yaml", ".yml") else None
    try:
        write(file, written(answer, text))
        same = load_deal(file) == answer.deal
    except (FirstLossError, AssertionError):
        same = False
    if not same:  # tables in other files, or a layout that cannot be edited
        write(file, written(answer, None))
    if load_deal(file) != answer.deal:
        raise InvalidTerms(f"{file} does not read back to the deal that was solved")
    found = [file]
    for name in BESIDE:
        beside = (used or {}).get(name) or source.with_name(name)
        if beside.is_file() and beside.resolve() != (folder / name).resolve():
            shutil.copyfile(beside, folder / name)
            found.append(folder / name)
            if name == "market.yaml" and (sold := quotes(answer)):
                write(folder / name, marked(beside.read_text(encoding="utf-8"), sold))
    said = (used or {}).get("structure.yaml") or source.with_name("structure.yaml")
    write_terms(answer.terms, said, folder / "structure.yaml")
    return [*found, folder / "structure.yaml"]

"""Plain data out of YAML 1.2 or JSON, within bounds.

YAML is read as version 1.2 says (no dates, no yes and no, no sexagesimal numbers, no tags) and a key said twice is
refused. A file has at most `LARGEST` bytes, `DEEPEST` levels, numbers of `LONGEST` digits and `MOST_SHARED` things that
aliases repeat.
"""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import yaml

from waterfalls.bounds import odd_text
from waterfalls.errors import Fault, InvalidTerms, refuse

LARGEST = 50_000_000
DEEPEST = 100
LONGEST = 40
MOST_SHARED = 100_000


class Loader(yaml.SafeLoader):
    """PyYAML with the core schema of YAML 1.2 within bounds; `twice` are the keys that stand more than once."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's way to say so)

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.twice: list[Fault] = []
        self.level = 0
        self.nodes = 0  # composed so far, counting again what an alias repeats
        self.shared = 0  # what aliases repeated
        self.sizes: dict[str, int] = {}  # of what bears an anchor

    def compose_node(self, parent: Any, index: Any) -> Any:
        """The next node, refused where the bounds of a file are passed."""
        event: Any = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            self.repeat(event)
            return super().compose_node(parent, index)
        if event.tag not in (None, "!", TEXT):
            raise refused(
                event, f"{event.tag.replace(YAML, '!!')} is a tag, which these files do without: leave it out"
            )
        if isinstance(event, yaml.ScalarEvent) and (wrong := odd_text(event.value)):
            raise refused(event, wrong)
        before = self.nodes
        self.nodes += 1
        self.level += 1
        if self.level > DEEPEST:
            raise refused(event, f"is too deep: at most {DEEPEST} levels one inside another")
        node = super().compose_node(parent, index)
        self.level -= 1
        if event.anchor:
            self.sizes[event.anchor] = self.nodes - before
        return node

    def repeat(self, event: yaml.AliasEvent) -> None:
        """Counts what an alias repeats."""
        anchor: Any = event.anchor
        if anchor in self.anchors and anchor not in self.sizes:
            raise refused(event, f"the alias *{anchor} stands inside what it names")
        size = self.sizes.get(anchor, 0)
        self.nodes += size
        self.shared += size
        if self.shared > MOST_SHARED:
            raise refused(event, f"aliases expand to more than {MOST_SHARED:,} items up to *{anchor}")


YAML = "tag:yaml.org,2002:"
TEXT = f"{YAML}str"


def refused(node: Any, why: str) -> yaml.MarkedYAMLError:
    """What is wrong with a node or an event, with its place in the file."""
    return yaml.constructor.ConstructorError(problem=why, problem_mark=node.start_mark)


for tag, pattern, first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+0123456789.",
    ),
):
    Loader.add_implicit_resolver(
        f"{YAML}{tag}", re.compile(f"^(?:{pattern})$"), [*first, ""] if tag == "null" else list(first)
    )


def mapping(loader: Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    """A mapping, in which a key may stand once: the first counts, and the others are noted."""
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise refused(key_node, "a key is a text or a number, not a list or a mapping")
        key = loader.construct_object(key_node, deep=True)
        if key in found:
            loader.twice.append(Fault("", f"the key {key!r} stands twice", key_node.start_mark.line + 1))
            continue
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def number(loader: Loader, node: yaml.ScalarNode) -> float:
    return float(node.value.replace(".inf", "inf").replace(".nan", "nan"))


def whole(loader: Loader, node: yaml.ScalarNode) -> int:
    if len(node.value) > LONGEST:
        raise refused(node, f"a number of {len(node.value):,} digits; at most {LONGEST}")
    return int(node.value, 0) if node.value[:2] in ("0x", "0o") else int(node.value)


Loader.add_constructor(f"{YAML}map", mapping)
Loader.add_constructor(f"{YAML}float", number)
Loader.add_constructor(f"{YAML}int", whole)


class Dumper(yaml.SafeDumper):
    """PyYAML in the order given, with lists indented under their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)


def load(path: Path | str) -> Any:
    """The plain data of a YAML or JSON file."""
    data, _, twice = parsed(path)
    refuse(twice, title=str(path))
    return data


def parsed(path: Path | str, text: str | None = None) -> tuple[Any, yaml.Node | None, list[Fault]]:
    """The plain data of a file, its tree with the line of everything, and the keys that stand twice.

    `text` is what the file shall hold once it is saved, where that is read instead of what it holds.
    """
    path = Path(path)
    text = text_of(path) if text is None else text
    try:
        if path.suffix == ".json":
            return from_json(text)
        loader: Any = Loader(text)
        node = loader.get_single_node()
        return (None if node is None else loader.construct_document(node)), node, loader.twice
    except (yaml.YAMLError, json.JSONDecodeError) as error:
        kind = "JSON" if path.suffix == ".json" else "YAML"
        raise InvalidTerms(f"{path} cannot be read as {kind}: {unreadable(error)}") from None


def text_of(path: Path) -> str:
    """The text of a file."""
    try:
        with path.open("rb") as file:
            read = file.read(LARGEST + 1)
        if len(read) > LARGEST:
            raise InvalidTerms(f"{path} is larger than {LARGEST / 1e6:g} MB: name long lists as tables, {{file: ...}}")
        return read.decode("utf-8")
    except FileNotFoundError:
        raise InvalidTerms(f"there is no file {str(path)!r}") from None
    except InvalidTerms:
        raise
    except (OSError, ValueError) as error:  # no UTF-8, or a path that is none
        raise InvalidTerms(f"{str(path)!r} cannot be read: {error}") from None


ADVICE = {  # by what PyYAML says of the mistake
    "\\t": "; indent with blanks, not with tabs",
    "expected ',' or '": "; inside of [ ] and { } quote a text that holds a comma or quotes, or write each on a line of its own",
    "expected <block end>": "; what belongs together begins in the same column",
}


def unreadable(error: Exception) -> str:
    """Where a file stops being YAML or JSON, and why."""
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    mark, began = error.problem_mark, error.context_mark
    since = f", {error.context} that begins on line {began.line + 1}" if error.context and began else ""
    advice = next((said for sign, said in ADVICE.items() if sign in str(error.problem)), "")
    return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}{since}{advice}"


def from_json(text: str) -> tuple[Any, yaml.Node | None, list[Fault]]:
    """The same of JSON, which YAML reads too, but for a few odd characters: then no line is known."""
    twice: list[Fault] = []

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                twice.append(Fault("", f"the key {key!r} stands twice"))
            found.setdefault(key, value)
        return found

    within_bounds(text)
    data = json.loads(text, object_pairs_hook=mapping)
    with contextlib.suppress(yaml.YAMLError):
        return data, yaml.compose(text, Loader), twice
    return data, None, twice


JSON = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]|[0-9.eE+-]+', re.DOTALL)  # a text, what opens, what closes, a number


def within_bounds(text: str) -> None:
    """Refuses JSON that is too deep, or that holds a number with too many digits."""
    level = 0
    for part in JSON.finditer(text):
        said = part[0]
        level += (said in "[{") - (said in "]}")
        if level > DEEPEST:
            why = f"is too deep: at most {DEEPEST} levels one inside another"
        elif said.lstrip("-").isdigit() and len(said) > LONGEST:
            why = f"a number of {len(said):,} digits; at most {LONGEST}"
        elif said[0] == '"' and "\\" in said and (wrong := odd_text(json.loads(said, strict=False))):
            why = wrong
        else:
            continue
        raise json.JSONDecodeError(why, text, part.start())

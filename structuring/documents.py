"""Documents: YAML 1.2 or JSON in, every fault at once; terms out, and back.

YAML is read as version 1.2 says (no dates, no yes and no, no sexagesimal numbers) and a key said twice is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from structuring.table import Elsewhere
from waterfalls.errors import Fault, InvalidTerms
from waterfalls.terms import MISSING, plain, read_term

T = TypeVar("T")


class Loader(yaml.SafeLoader):
    """PyYAML with the core schema of YAML 1.2 and no duplicate keys."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's way to say so)


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
        f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), [*first, ""] if tag == "null" else list(first)
    )


def mapping(loader: Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    """A mapping, in which a key may stand once."""
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in found:
            raise InvalidTerms(f"line {key_node.start_mark.line + 1}: the key {key!r} stands twice")
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def number(loader: Loader, node: yaml.ScalarNode) -> float:
    return float(node.value.replace(".inf", "inf").replace(".nan", "nan"))


def whole(loader: Loader, node: yaml.ScalarNode) -> int:
    return int(node.value, 0) if node.value[:2] in ("0x", "0o") else int(node.value)


Loader.add_constructor("tag:yaml.org,2002:map", mapping)
Loader.add_constructor("tag:yaml.org,2002:float", number)
Loader.add_constructor("tag:yaml.org,2002:int", whole)


class Dumper(yaml.SafeDumper):
    """PyYAML in the order given, with lists indented under their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)


def load(path: Path | str) -> Any:
    """The plain data of a YAML or JSON file."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidTerms(f"there is no file {str(path)!r}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidTerms(f"{path} cannot be read: {error}") from None
    try:
        return json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader)
    except InvalidTerms as error:
        raise InvalidTerms(f"{path}, {error}") from None
    except (yaml.YAMLError, json.JSONDecodeError) as error:
        raise InvalidTerms(f"{path} is not a document: {' '.join(str(error).split())}") from None


def load_term(path: Path | str, cls: type[T], *, mark: str) -> T:
    """A term from a file whose top says what it is, `firstloss: 1`; every fault is told at once with its place.

    Where it takes holdings or a list of like things it may name a table, `{file: holders.xlsx}`, relative to its folder.
    """
    data = Elsewhere.found_in(load(path), Path(path).parent)
    if not isinstance(data, Mapping) or mark not in data:
        raise InvalidTerms(f"{path} does not begin with '{mark}: 1', so it is not a {mark.replace('-', ' ')} file")
    if data[mark] != 1:
        raise InvalidTerms(f"{path} says '{mark}: {data[mark]}'; this release reads version 1")
    found: list[Fault] = []
    made = read_term(cls, {key: value for key, value in data.items() if key != mark}, "", found)
    if made is MISSING or found:
        raise InvalidTerms([Fault(fault.place.lstrip("."), fault.what) for fault in found], title=str(path))
    return made


def save_term(term: Any, path: Path | str, *, mark: str) -> None:
    """Writes a term to a YAML or JSON file that `load_term` reads back to an equal one."""
    path = Path(path)
    data = {mark: 1, **plain(term)}
    if path.suffix == ".json":
        path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        text = yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)
        path.write_text(text, encoding="utf-8")

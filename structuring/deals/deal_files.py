"""Deal files, the scenarios that stand beside them, and the deals that ship with the toolkit."""

from __future__ import annotations

import os
from pathlib import Path

from structuring.deals.deal import Deal
from structuring.deals.funding import faults_of_gap
from structuring.deals.sources_and_uses import statement
from structuring.documents.yaml_and_json import lined, load_term, save_term
from structuring.scenarios.scenario import Scenario
from waterfalls.arguments import instance, path, takes
from waterfalls.errors import InvalidTerms, UnknownName
from waterfalls.terms.term import term

LIBRARY = Path(__file__).parents[1] / "library"
MARK = "firstloss"


@takes(path=path)
def load_deal(path: Path | str) -> Deal:
    """A deal from a file, or a shipped one by its name; every fault is told at once with its place."""
    return read_deal(find_deal(path))


def read_deal(file: Path, text: str | None = None) -> Deal:
    """The deal of a file, or of the text that it shall hold once it is saved."""
    deal = load_term(file, Deal, mark=MARK, text=text)
    if found := list(faults_of_gap(statement(deal))):
        raise InvalidTerms(lined(found, file, text), title=str(file))
    return deal


@takes(deal=instance(Deal), path=path)
def save_deal(deal: Deal, path: Path | str) -> None:
    """Writes a deal to a YAML or JSON file that `load_deal` reads back to an equal deal."""
    save_term(deal, path, mark=MARK)


@term
class Scenarios:
    """A file of named scenarios; the first is what the others are measured against."""

    scenarios: tuple[Scenario, ...]


@takes(path=path)
def load_scenarios(path: Path | str) -> tuple[Scenario, ...]:
    """The scenarios of a file, or of a shipped deal by its name."""
    return load_term(companion(path, "scenarios.yaml"), Scenarios, mark="firstloss-scenarios").scenarios


def companion(path: Path | str, name: str) -> Path:
    """A file by its path, or the file of that name which stands beside a shipped deal or in a folder."""
    return find_deal(path).with_name(name) if str(path) in library() or os.path.isdir(path) else Path(path)


def find_deal(path: Path | str) -> Path:
    """The file of a deal, by path, by its folder, or by the name of a shipped one."""
    return find("deal", path)


def library() -> dict[str, Path]:
    """The deals that ship with the toolkit, by name."""
    return shipped("deal")


def find(kind: str, path: Path | str) -> Path:
    """The file of a deal or a book, by path, by its folder, or by the name of a shipped one."""
    if os.path.isfile(Path(path) / f"{kind}.yaml"):
        return Path(path) / f"{kind}.yaml"
    if Path(path).suffix in (".yaml", ".yml", ".json") or os.path.isfile(path):
        return Path(path)
    known = shipped(kind)
    if str(path) not in known:
        here = [file.parent.name for file in sorted(Path().glob(f"*/{kind}.yaml"))]
        raise UnknownName(f"file, folder or shipped {kind}", str(path), [*here, *known])
    return known[str(path)]


def shipped(kind: str) -> dict[str, Path]:
    """The deals or the books that ship with the toolkit, by name."""
    return {file.parent.name: file for file in sorted(LIBRARY.glob(f"*/{kind}.yaml"))}

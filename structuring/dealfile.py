"""Deal files, the scenarios that stand beside them, and the deals that ship with the toolkit."""

from __future__ import annotations

from pathlib import Path

from structuring.deal import Deal
from structuring.scenario import Scenario
from structuring.documents import load_term, save_term
from waterfalls.errors import UnknownName
from waterfalls.terms import term

LIBRARY = Path(__file__).parent / "library"
MARK = "firstloss"


def load_deal(path: Path | str) -> Deal:
    """A deal from a file, or a shipped one by its name; every fault is told at once with its place."""
    return load_term(find_deal(path), Deal, mark=MARK)


def save_deal(deal: Deal, path: Path | str) -> None:
    """Writes a deal to a YAML or JSON file that `load_deal` reads back to an equal deal."""
    save_term(deal, path, mark=MARK)


@term
class Scenarios:
    """A file of named scenarios; the first is what the others are measured against."""

    scenarios: tuple[Scenario, ...]


def load_scenarios(path: Path | str) -> tuple[Scenario, ...]:
    """The scenarios of a file, or of a shipped deal by its name; only the base case where a deal has none."""
    beside = find_deal(path) if str(path) in library() or Path(path).name == "deal.yaml" else None
    file = beside.with_name("scenarios.yaml") if beside else Path(path)
    if beside and not file.is_file():
        return (Scenario("base"),)
    return load_term(file, Scenarios, mark="firstloss-scenarios").scenarios


def find_deal(path: Path | str) -> Path:
    """The file of a deal, by path or by the name of a shipped one."""
    if Path(path).suffix in (".yaml", ".yml", ".json") or Path(path).is_file():
        return Path(path)
    shipped = library()
    if str(path) not in shipped:
        raise UnknownName("shipped deal", str(path), shipped)
    return shipped[str(path)]


def library() -> dict[str, Path]:
    """The deals that ship with the toolkit, by name."""
    return {file.parent.name: file for file in sorted(LIBRARY.glob("*/deal.yaml"))}

"""Deal files, and the deals that ship with the toolkit."""

from __future__ import annotations

from pathlib import Path

from structuring.deal import Deal
from structuring.documents import load_term, save_term
from waterfalls.errors import UnknownName

LIBRARY = Path(__file__).parent / "library"
MARK = "firstloss"


def load_deal(path: Path | str) -> Deal:
    """A deal from a file, or a shipped one by its name; every fault is told at once with its place."""
    return load_term(find_deal(path), Deal, mark=MARK)


def save_deal(deal: Deal, path: Path | str) -> None:
    """Writes a deal to a YAML or JSON file that `load_deal` reads back to an equal deal."""
    save_term(deal, path, mark=MARK)


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

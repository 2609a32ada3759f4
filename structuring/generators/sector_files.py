"""Files of a sector model: how a book's names fail together, with the source of every figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, field
from pathlib import Path

from structuring.documents.yaml_and_json import load_term
from structuring.generators.sector_model import SectorModel
from waterfalls.terms.term import term

MARK = "firstloss-sector"


@term
class SectorFile:
    """A sector model as a file says it, and where its figures come from."""

    model: SectorModel
    _: KW_ONLY
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def load_sector(path: Path | str) -> SectorFile:
    """A sector model from a file that begins with `firstloss-sector: 1`; every fault is told at once with its place."""
    return load_term(path, SectorFile, mark=MARK)

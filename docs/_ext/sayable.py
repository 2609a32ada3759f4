"""The page of what can be said: the rows of the tests, each a phrase of an indenture, how a deal file says it, and its words."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2] / "tests"
GROUPS = {
    "TRANCHES": "Notes and equity",
    "ACCOUNTS": "Accounts, facilities, hedges and ledgers",
    "FEES": "Fees and taxes",
    "CLAUSES": "Clauses",
    "NUMBERS": "Numbers",
    "REGIMES": "Regimes, calls and refinancing",
    "TESTS": "Tests and triggers",
}


def page() -> str:
    """Every row by group, as Markdown."""
    sys.path[:0] = [str(TESTS), str(TESTS / "waterfalls")]
    rows = importlib.import_module("test_sayable")
    parts = []
    for name, title in GROUPS.items():
        parts.append(f"## {title}\n")
        for row in getattr(rows, name):
            phrase = row.phrase[0].upper() + row.phrase[1:]
            parts.append(f"### {phrase}\n\n```yaml\n{row.said}\n```\n\n> ... {row.words} ...\n")
    return "\n".join(parts)

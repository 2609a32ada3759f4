"""Tables that the site reads from the code: conventions, measures, drivers, receipts, the command's own help."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from docstrings import prose
from typer.testing import CliRunner

from pricing.cli import app
from pricing.valuation.measures import MEASURES
from structuring.scenarios.drivers import DRIVERS
from waterfalls import fields
from waterfalls.clock.conventions import CALENDARS, CONVENTIONS, DAY_COUNTS, FLOATING_DAY_COUNTS, FREQUENCIES

ROOT = Path(__file__).resolve().parents[2]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def code(text: object) -> str:
    return f"`{text}`"


def measures() -> str:
    """Every measure of a price frame: unit, formula, sign."""
    rows = [[code(m.name), m.unit, code(m.formula), m.sign] for m in MEASURES.values()]
    return table(["measure", "unit", "formula", "sign"], rows)


def drivers() -> str:
    """Everything that a scenario may move."""
    shapes = {"period": "by period or by date", "month": "by month or by date", "once": "one number", "date": "a date"}
    rows = []
    for name, driver in DRIVERS.items():
        most = min(driver.high, driver.most)
        bounds = f"{driver.low:g} to {most:g}" if most < float("inf") else f"from {driver.low:g}"
        allowed = shapes[driver.shape] if driver.shape == "date" else f"{shapes[driver.shape]}, {bounds}"
        rows.append([code(name), driver.meaning, driver.unit, allowed])
    return table(["driver", "what it moves", "unit", "takes"], rows)


def conventions() -> str:
    """The names a deal may say for its dates and day counts, with what each is in QuantLib."""
    parts = [
        ("frequency", FREQUENCIES.items(), "payments a year"),
        ("convention", CONVENTIONS.items(), "in QuantLib"),
        ("calendar", ((name, ".".join(of)) for name, of in CALENDARS.items()), "in QuantLib"),
        (
            "day_count",
            ((name, ".".join(of) or "not in QuantLib: as the name is defined") for name, of in DAY_COUNTS.items()),
            "in QuantLib",
        ),
    ]
    said = [table([f"`{head}`", means], [[code(k), str(v)] for k, v in rows]) for head, rows, means in parts]
    other = f"`actual/365F` in {', '.join(FLOATING_DAY_COUNTS)}"
    said.append(
        "Unless said, fixed coupons of notes and of replacement collateral count `30/360` and floating ones, accounts, "
        f"facilities and hedges `actual/360`, but {other}; fees, loans and bonds count `30/360`, fixed or floating."
    )
    return "\n".join(said)


def receipts() -> str:
    """What collateral may report, by kind."""
    kinds = [
        ("cash, posted in this order", fields.CASH),
        ("costs, owed to vendors and paid by `expense(...)`", fields.COSTS),
        ("state at the end of the period", fields.STATE),
        ("told, but neither cash nor state", fields.MEMO),
    ]
    return table(["kind", "fields"], [[kind, ", ".join(map(code, names))] for kind, names in kinds])


def commands() -> str:
    """Every command with its help."""
    names = re.findall(r"^  (\w[\w-]*) {2,}", help_of().split("Commands:")[1], re.M)
    return "\n".join(f"## firstloss {name}\n\n```text\n{help_of(name)}```\n" for name in names)


def examples() -> str:
    """Every script of `examples/`, with what its docstring says it does."""
    scripts = sorted((ROOT / "examples").glob("*.py"))
    rows = [
        [code(f"examples/{path.name}"), prose(ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "")]
        for path in scripts
    ]
    return table(["script", "what it does"], rows)


def gallery() -> str:
    """Every shipped deal and book, with what its page says it shows."""
    folder, rows = ROOT / "docs" / "gallery", []
    for name in re.findall(r"^([\w-]+) <", (folder / "index.md").read_text("utf-8"), re.M):
        page = folder / f"{name}.md"
        story = ROOT / "structuring" / "library" / name / "story.md"
        title = (story if story.exists() else page).read_text("utf-8").splitlines()[0]
        rows.append([f"[{name}]({page.name})", prose(title.split(": ", 1)[1])])
    return table(["deal", "what it shows"], rows)


def help_of(*command: str) -> str:
    """What `--help` prints."""
    return CliRunner().invoke(app, [*command, "--help"], prog_name="firstloss").output

"""The sheet of checks: that cash, claims and holders add up at every date, line by line, and one total."""

from __future__ import annotations

from pricing.report.live_model.grid import GREY, OPENING, UNIT, Grid
from pricing.report.live_model.waterfall_sheet import Places
from waterfalls.engines.cell_formulas.words import told
from waterfalls.engines.laws import Law, laws, tolerance
from waterfalls.language.machine import Key
from waterfalls.plan import Plan

MOST = 200  # lines of which the least is taken in one formula


def write_checks(grid: Grid, plan: Plan, places: Places, further: list[tuple[str, str]]) -> None:
    """Every law of the waterfall as opening + what came = what went + closing; `further` are labels and formulas."""
    total = grid.row + 1
    grid.heading("All checks", 1)
    grid.one("all checks hold", "flag", "=0", name="All_checks")
    grid.coloured(f"D{total + 1}:D{total + 1}")
    allowed = tolerance(plan)
    row = grid.one("difference allowed", "number", allowed, name="Tolerance", note="1e-9 of the notional; Tolerance")
    grid.text(row, UNIT, plan.currency, ink=GREY)  # no millions: it is small
    held = 0
    for law in laws(plan):
        write_law(grid, law, places)
        held += 1
    grid.heading("Nothing is negative", 2)
    rows = [row for key, row in places.results.items() if key[0] not in ("accrued", "income", "past", "kept")]
    for i in range(0, len(rows), MOST):
        spans = ",".join(f"Waterfall!{{c}}{a}" + (f":{{c}}{b}" if b > a else "") for a, b in runs(rows[i : i + MOST]))
        for part in chunked(spans.split(","), 8):
            grid.by_date("least of the lines of results", "money", f"=MIN({','.join(part)})")
            grid.checked("none is below 0", f"=IF({{c}}{grid.row - 1}>=-Tolerance,1,0)")
            held += 1
    if further:
        grid.heading("Holders", 2)
    for label, formula in further:
        row = grid.one(label, "flag", formula)
        grid.coloured(f"D{row}:D{row}")
        held += 1
    # an error is not 1 either: every check is counted, not every failure
    grid.put(total + 1, OPENING, f"=IF(COUNTIF(D{total + 3}:D{grid.row - 1},1)={held},1,0)", "flag")


def write_law(grid: Grid, law: Law, places: Places) -> None:
    """One law: the lines of each side, their difference, and whether it is within rounding."""
    grid.heading(f"{law.what}: opening and what came less what went and closing", 2)
    begin = grid.row

    def lines(keys: tuple[Key, ...], sign: str, where: str) -> None:
        for key in keys:
            if key in places.results:
                grid.by_date(f"{told(key)}{', opening' if where == 'p' else ''}", "money",
                             f"={'-' if sign == '-' else ''}Waterfall!{{{where}}}{places.results[key]}", sign=sign)  # fmt: skip

    lines(law.opening, "+", "p")
    lines(law.came, "+", "c")
    for key, share in law.collected:
        part = f"*Waterfall!{{c}}{places.results[share]}" if share is not None else ""
        grid.by_date("collected", "money", f"={places.inputs[key]}{part}", sign="+")
    lines(law.went, "-", "c")
    grid.by_date("difference", "money", f"=SUM({{c}}{begin}:{{c}}{grid.row - 1})", bold=True)
    grid.checked("holds", f"=IF(ABS({{c}}{grid.row - 1})<=Tolerance,1,0)")


def runs(rows: list[int]) -> list[tuple[int, int]]:
    """Rows as stretches without a gap."""
    found: list[tuple[int, int]] = []
    for row in sorted(rows):
        if found and row == found[-1][1] + 1:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, row))
    return found


def chunked(items: list[str], most: int) -> list[list[str]]:
    return [items[i : i + most] for i in range(0, len(items), most)]

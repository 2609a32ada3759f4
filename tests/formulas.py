"""A reader of formulas who knows arithmetic, IF, MIN, MAX, AND, OR and NOT, and nothing of deals."""

import itertools
import re

import numpy as np

from waterfalls.engines.cell_formulas.cells import Cell
from waterfalls.engines.cell_formulas.lines import Line, Writer

FUNCTIONS = {
    "MIN": min,
    "MAX": max,
    "AND": lambda *tests: all(tests),
    "OR": lambda *tests: any(tests),
    "NOT": lambda test: not test,
    "TRUE": True,
    "FALSE": False,
}


def lines_of(page):
    return [item for item in page.items if isinstance(item, Line)]


def said(parts):
    """A formula as Python says it: what IF does not choose is not looked at."""
    parts = list(parts)
    places = [
        (f"v[{id(part)}]" if isinstance(part, Line) else f"v[{part.args!r}]") if not isinstance(part, str) else ""
        for part in parts
    ]
    text = "".join(
        re.sub(r"(?<![<>])=", "==", part) if isinstance(part, str) else f"@{i}@" for i, part in enumerate(parts)
    )
    while "IF(" in text:
        start = text.rindex("IF(")
        depth, cuts = 0, [start + 3]
        for at in range(start + 3, len(text)):
            depth += (text[at] in "([") - (text[at] in ")]")
            if depth < 0 or (depth == 0 and text[at] == ","):
                cuts.append(at + 1)
            if depth < 0:
                break
        test, yes, no = (text[a : b - 1] for a, b in itertools.pairwise(cuts))
        text = f"{text[:start]}(({yes}) if ({test}) else ({no})){text[cuts[-1] :]}"
    return re.sub(r"@(\d+)@", lambda found: places[int(found[1])], text)


def opening(page, key):
    """What a symbol begins with, by what the sheet says in its opening column."""
    cell = page.of(page.opening[key])
    if not isinstance(cell, Cell):
        return cell
    v = {(name,): term.value for name, term in page.terms.items()}
    return eval(said(Writer([]).formula(cell)), FUNCTIONS, {"v": v})


def evaluated(page, plan, inputs, s):
    """Every output (T, K) by the formulas alone, one column after the other."""
    lines = lines_of(page)
    code = compile("\n".join(f"v[{id(line)}] = {said(line.parts)}" for line in lines), "the lines", "exec")
    results = {line.key: id(line) for line in lines if line.what == "result"}
    names = {(name,): term.value for name, term in page.terms.items()}
    last = {key: opening(page, key) for key in page.opening}
    rows = {
        name: (row.values if row.key is None else inputs[row.key][s if len(inputs[row.key]) > 1 else 0]).tolist()
        for name, row in page.rows.items()
    }
    found = np.zeros((plan.schedule.periods, len(plan.outputs)))
    for t in range(plan.schedule.periods):
        v = names | {(key,): value for key, value in last.items()} | {(name,): row[t] for name, row in rows.items()}
        exec(code, FUNCTIONS, {"v": v})
        last = {key: v[results[key]] for key in page.opening}
        found[t] = [v[results[key]] if key in results else 0.0 for key in plan.outputs]
    return found

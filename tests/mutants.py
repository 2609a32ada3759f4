"""Mutants of files: one thing of a sound file made odd, as a hand, a spreadsheet or an attacker would."""

import copy
import random
import re

import yaml

from structuring.documents.plain_data import Dumper, Loader

ODD = [
    None, True, False, 0, -1, 1, 2, 5_000, 10**12, -(10**12), 0.0, -0.5, 1e-300, 5e-324, 1e300, -1e300, 0.07, 7.0, 1e9,
    "", " ", "x", "no", "1e5", ".nan", ".inf", "-", "~", "A" * 5_000, "=1+1", "a\u00a0b", "\u202e", "\U0001f600",
    "1901-01-01", "2199-12-31", "2200-01-01", "1900-12-31", "0001-01-01", "9999-12-31", "2027-02-29", "2026-13-01",
    "2020-01-01", "2031-06-30", [], {}, [None], [[]], [{}], {"": None}, {"x": 1}, {"file": "x.csv"}, {"file": None}, {"file": ".."},
    [0.1] * 400, [1e300, 1e300], [-1.0], ["x", "x"], {"2027-01-01": 0.5}, {"2027-01-01": 1e300}, {1: 2}, {None: 1},
    "cash()", "cash() / 0", "ratio(cash(), cash() - cash(), zero=1)", "1e308 * 1e308", "cash() * 1e308 * 1e308",
    "pool_balance() - 1e300", "trigger('x')", "pay(interest('A'))", "release('x')", "defined('x')", "cash() > -1",
    "average(cash(), 1200)", "monthly", "quarterly", "annual", "US + UK", "actual/actual ICMA", "SONIA", "GBP",
    {"fixed": {"rate": 0.05}}, {"floating": {"index": "SOFR", "margin": 1e300}}, {"level_pay": {}}, {"psa": 2.0},
]  # fmt: skip
SPLICES = [
    "\t", "\0", "\x1b", "\ufeff", ": ", "- ", "  ", "\n", "{", "}", "[", "]", ",", "'", '"', "&a ", "*a", "!!int ", "|\n", ">-\n", "#",
    "? ", "---\n", "%", "@", "<<: *a", "\\", "1" * 50, "é", "\r", "\u2028", "0x", "1_000", ";", "|", "\"\"\"",
]  # fmt: skip


def places(data, path=()):
    """Every place in plain data."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def at(data, path):
    for step in path:
        data = data[step]
    return data


def other(value, draw):
    """Something else in the place of a value: odd, or near to it."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and draw.random() < 0.5:
        return draw.choice(
            [-value, value * 1e3, value * 1e9, value / 1e9, value * 1e150, str(value), value + 0.5, [value], -1e-9]
        )
    if isinstance(value, str) and draw.random() < 0.4:
        return draw.choice([
            value.upper(), value + " ", value[::-1], value[:-1], value * 40, f"({value})", f"{value} >> {value}", f"-({value})",
            re.sub(r"\d+", lambda found: draw.choice(["0", "-1", "99999999", found[0] + "00"]), value), value.replace("'", ""),
        ])  # fmt: skip
    return copy.deepcopy(draw.choice(ODD))


def near(value, draw):
    """A value of the same kind in the place of another: what loads more often than not, and then has to run."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return draw.choice([0, 1, value + 1, value * 7, value * 100, -value])
    if isinstance(value, float):
        return draw.choice(
            [0.0, 1.0, value * 0.5, value * 1.9, value * 30.0, value * 1e6, value * 1e-9, -value, 1e-12, 0.999999]
        )
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return f"{draw.choice([1901, 1999, 2024, 2026, 2027, 2030, 2061, 2199])}-{draw.choice(['01-31', '02-28', '06-15', '12-31'])}"
    if isinstance(value, str):
        return re.sub(r"\d+(\.\d+)?", lambda found: draw.choice(["0", "1", found[0] + "0", "0.5", found[0]]), value)
    return value


def of_leaves(data, draw):
    """A mutant of plain data in which some values are others of their kind."""
    data = copy.deepcopy(data)
    leaves = [
        path for path in places(data) if path and not isinstance(at(data, path), (dict, list)) and path[0] != "sources"
    ]
    for path in draw.sample(leaves, min(len(leaves), draw.choice([1, 1, 2, 3]))):
        *parent, key = path
        inside = at(data, parent)
        inside[key] = near(inside[key], draw)
    return data


def of_data(data, draw):
    """A mutant of plain data: a value changed, a thing taken out, twice, moved or called otherwise."""
    data = copy.deepcopy(data)
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        every = [path for path in places(data) if path]
        if not every:
            return data
        *parent, key = draw.choice(every)
        inside = at(data, parent)
        match draw.randrange(6):
            case 0:
                inside.pop(key)
            case 1 if isinstance(inside, list):
                inside.insert(draw.randrange(len(inside) + 1), copy.deepcopy(inside[key]))
            case 1:
                inside[draw.choice([*map(str, inside), "x", "", "name"])] = inside.pop(key)
            case 2:
                inside[key] = copy.deepcopy(
                    at(data, draw.choice(every[:200])) if draw.random() < 0.5 else [inside[key]]
                )
            case _:
                inside[key] = other(inside[key], draw)
    return data


def of_text(text, draw):
    """A mutant of a text: some of it taken out, twice, swapped, cut off or spliced."""
    for _ in range(draw.choice([1, 1, 2, 5])):
        if not text:
            break
        a = draw.randrange(len(text))
        b = min(len(text), a + draw.choice([1, 1, 2, 10, 200]))
        c = draw.randrange(len(text))
        text = draw.choice([
            text[:a] + text[b:], text[:b] + text[a:], text[:a] + draw.choice(SPLICES) + text[a:], text[:a] + draw.choice(SPLICES) + text[b:],
            text[:c] + text[a:b] + text[c:], text[:a] if draw.random() < 0.2 else text[:a] + text[b:],
            text[:a] + str(draw.choice(ODD)) + text[b:],
        ])  # fmt: skip
    return text


def of_table(text, draw):
    """A mutant of a CSV file: a cell, a row, a column or some of the text made odd."""
    if draw.random() < 0.2:
        return of_text(text, draw)
    rows = [line.split(",") for line in text.splitlines()]
    for _ in range(draw.choice([1, 1, 2, 4])):
        r = draw.randrange(len(rows))
        k = draw.randrange(len(rows[r])) if rows[r] else 0
        match draw.randrange(6 if draw.random() < 0.5 else 12):
            case 0:
                rows.insert(r, list(draw.choice(rows)))
            case 1 if len(rows) > 1:
                rows.pop(r)
            case 2:
                rows[r].insert(k, str(draw.choice(ODD)))
            case 3 if rows[r]:
                rows[r].pop(k)
            case 4:
                for row in rows:
                    row[k:k] = row[k : k + 1]
            case 5:
                rows.insert(0, [draw.choice(["", "Report", "as of 2026-11-20"])] * draw.randrange(1, 4))
            case 6 if rows[r]:
                rows[r][k] = str(other(rows[r][k], draw)).replace("\n", " ")
            case _ if rows[r]:
                said = yaml.load(rows[r][k].strip('"') or "''", Loader) if r else rows[r][k]
                rows[r][k] = str(near(said, draw))
        rows = rows or [[""]]
    return (
        "\n".join(draw.choice([",", ",", ",", ";", "|", "\t"]).join(row) for row in rows)
        if draw.random() < 0.05
        else "\n".join(",".join(row) for row in rows)
    )


def mutant(text, draw, *, table=False):
    """A mutant of a file's text."""
    if table:
        return of_table(text, draw)
    how = draw.random()
    if how < 0.25:
        return of_text(text, draw)
    change = of_leaves if how < 0.6 else of_data
    return yaml.dump(change(yaml.load(text, Loader), draw), sort_keys=False, allow_unicode=True, Dumper=Dumper)


def numbered(seed):
    return random.Random(seed)

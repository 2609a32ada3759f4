"""Workbooks recalculated by LibreOffice, an independent reader of formulas; skipped where it is not there."""

import csv
import re
import shutil
import subprocess
import zipfile

import numpy as np
import pytest

from pricing.report.live_model.grid import FIRST, LABEL, OPENING
from waterfalls.engines.cell_formulas.words import told
from waterfalls.engines.laws import tolerance

RESULTS = "Results of the date, which the next begins with"
SHEETS_AS_CSV = (
    "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"  # raw numbers, every sheet
)


def recalculated(files, folder):
    """What LibreOffice makes of the formulas of workbooks, which hold no values of their own: rows by sheet, one start for all."""
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("LibreOffice is not here: install libreoffice-calc")
    where = folder / "recalculated"
    command = [office, "--headless", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--convert-to"]
    subprocess.run([*command, SHEETS_AS_CSV, "--outdir", where, *files], check=True, capture_output=True, timeout=1800)
    return [sheets(where, file) for file in files]


def sheets(where, file):
    """The sheets of one workbook as LibreOffice wrote them, each a list of rows of texts."""
    found = {}
    for written in where.glob(f"{file.stem}-*.csv"):
        with written.open(newline="", encoding="utf-8") as lines:
            found[written.stem.removeprefix(f"{file.stem}-")] = list(csv.reader(lines))
    assert found, f"LibreOffice wrote nothing of {file}"
    return found


def number(text):
    """A number as LibreOffice writes it; anything else, an error of a formula too, is none."""
    return float(text[:-1]) / 100.0 if text.endswith("%") else float(text)


def results(book, plan):
    """Every output (T, K) as the sheet Waterfall has it; a symbol without a line is 0."""
    lines, periods = book["Waterfall"], plan.schedule.periods
    labels = [line[LABEL - 1] for line in lines]
    start = labels.index(RESULTS)
    rows = {label: row for row, label in enumerate(labels) if row > start and label}
    found = np.zeros((periods, len(plan.outputs)))
    for k, key in enumerate(plan.outputs):
        if told(key) in rows:
            found[:, k] = [number(text) for text in lines[rows[told(key)]][FIRST - 1 : FIRST - 1 + periods]]
    return found


def agree(book, flows, s):
    """That every line of results is the engine's to 1e-9 of the notional; the worst difference, as a share of it."""
    expected = np.stack([flows[key][s] for key in flows.plan.outputs], axis=1)
    found = results(book, flows.plan)
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=tolerance(flows.plan))
    return float(np.abs(found - expected).max()) / (1e9 * tolerance(flows.plan))


def figure(book, sheet, label, after=None):
    """A figure of a sheet by its label, below a heading where one is said."""
    rows = [row[LABEL - 1] for row in book[sheet]]
    text = book[sheet][rows.index(label, rows.index(after) if after else 0)][OPENING - 1]
    return text if text == "n/a" else number(text)


def set_to(file, to, **values):
    """A copy of a workbook with named cells changed, as a user would change them; every formula stays as it was written."""
    with zipfile.ZipFile(file) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    book = parts["xl/workbook.xml"].decode()
    order = re.findall(r'<sheet [^>]*?name="([^"]+)"', book)
    for name, value in values.items():
        sheet, column, row = re.search(rf'<definedName name="{name}">(\w+)!\$(\w+)\$(\d+)<', book).groups()
        part = f"xl/worksheets/sheet{order.index(sheet) + 1}.xml"
        said = f'{column}{row}"'
        held = f"<v>{value}</v></c>" if not isinstance(value, str) else f"<is><t>{value}</t></is></c>"
        kind = ' t="inlineStr"' if isinstance(value, str) else ""
        text, count = re.subn(
            rf'<c r="{said}( s="\d+")?[^>]*>.*?</c>', rf'<c r="{said}\1{kind}>{held}', parts[part].decode(), count=1
        )
        assert count == 1, f"{name} is not on {sheet}"
        parts[part] = text.encode()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as new:
        for name, held in parts.items():
            new.writestr(name, held)
    return to

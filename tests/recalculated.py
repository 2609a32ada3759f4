"""Workbooks recalculated by LibreOffice, an independent reader of formulas; skipped where it is not there."""

import shutil
import subprocess

import numpy as np
import openpyxl
import pytest

from pricing.report.live_model.grid import FIRST, LABEL, OPENING
from waterfalls.engines.cell_formulas.words import told

RESULTS = "Results of the date, which the next begins with"


def recalculated(files, folder):
    """The same workbooks with what LibreOffice makes of their formulas; they hold no values of their own."""
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("LibreOffice is not here: install libreoffice-calc")
    where = folder / "recalculated"
    command = [office, "--headless", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--convert-to", "xlsx"]
    subprocess.run([*command, "--outdir", where, *files], check=True, capture_output=True, timeout=1800)
    return [openpyxl.load_workbook(where / file.name, data_only=True) for file in files]


def results(book, plan):
    """Every output (T, K) as the sheet Waterfall has it; a symbol without a line is 0."""
    sheet, periods = book["Waterfall"], plan.schedule.periods
    labels = [cell.value for cell in sheet["A"]]
    start = labels.index(RESULTS)
    rows = {label: row for row, label in enumerate(labels, 1) if row > start and label}
    found = np.zeros((periods, len(plan.outputs)))
    for k, key in enumerate(plan.outputs):
        if told(key) in rows:
            found[:, k] = [sheet.cell(rows[told(key)], FIRST + t).value for t in range(periods)]
    return found


def figure(book, sheet, label, after=None):
    """A figure of a sheet by its label, below a heading where one is said."""
    rows = [str(row[LABEL - 1].value) for row in book[sheet].iter_rows()]
    return book[sheet].cell(rows.index(label, rows.index(after) if after else 0) + 1, OPENING).value


def set_to(file, **values):
    """Changes named cells of a workbook as a user would."""
    book = openpyxl.load_workbook(file)
    for name, value in values.items():
        sheet, cell = book.defined_names[name].attr_text.split("!")
        book[sheet][cell.replace("$", "")].value = value
    book.save(file)
    return file

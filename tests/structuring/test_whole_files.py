"""What is written is there in whole or not at all, and a name in it is never a formula."""

import contextlib
import csv
import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from pricing import cli
from structuring import load_deal, save_deal
from structuring.deals.deal_files import find_deal
from structuring.documents.tables import rows_of
from structuring.documents.whole_files import csv_of, excel_of, folder, whole
from waterfalls.errors import FirstLossError

ATTACK = "=cmd|' /C calc'!A0"


def test_a_file_is_there_in_whole_or_as_it_was(tmp_path):
    place = tmp_path / "x.csv"
    place.write_text("before")
    with contextlib.suppress(ZeroDivisionError), whole(place) as file:
        file.write_text("half")
        raise ZeroDivisionError
    assert place.read_text() == "before" and os.listdir(tmp_path) == ["x.csv"]
    with whole(place) as file:
        file.write_text("after")
    assert place.read_text() == "after" and os.listdir(tmp_path) == ["x.csv"]


def test_a_link_stays_a_link_and_rights_stay(tmp_path):
    place, link = tmp_path / "real.csv", tmp_path / "link.csv"
    place.write_text("before")
    place.chmod(0o600)
    link.symlink_to(place)
    with whole(link) as file:
        file.write_text("after")
    assert link.is_symlink() and place.read_text() == "after" and place.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("/dev/full", "/dev/full cannot be written: No space left on device"),
        ("missing/x.yaml", "missing/x.yaml cannot be written: No such file or directory"),
        ("", "path: must be a path, got ''"),
        ("a\0b", r"path: must be a path, got 'a\x00b'"),
    ],
)
def test_what_cannot_be_written_is_one_message(tmp_path, place, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FirstLossError, match=re.escape(said)):
        save_deal(load_deal("beignet-2025"), place)
    assert not os.listdir(tmp_path)


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FirstLossError, match="cannot be made"):
        folder(tmp_path / "file" / "under")


def full(limit):
    """A disk on which no file may grow beyond a limit, as a child process sees it."""
    return (
        f"import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); "
        "from pricing.cli import main; sys.argv[0] = 'firstloss'; main()"
    )


@pytest.mark.parametrize(
    "asked",
    [
        ["run", "beignet-2025", "--out", "out"],
        pytest.param(["run", "beignet-2025", "--report", "out/r.html"], marks=pytest.mark.slow),
        pytest.param(["run", "beignet-2025", "--xlsx", "out/r.xlsx"], marks=pytest.mark.slow),
        ["run", "beignet-2025", "--parquet", "out"],
        ["tieout", "beignet-2025", "--write-template", "out/t.csv"],
        ["new", "out"],
    ],
    ids=lambda asked: " ".join(asked[::2]),
)
def test_a_full_disk_is_one_message_and_leaves_nothing_half_there(tmp_path, asked):
    done = subprocess.run(
        [sys.executable, "-c", full(1_000), *asked], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    assert len(done.stderr.splitlines()) == 1 and "cannot be written: File too large" in done.stderr
    left = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not [path for path in left if path.name.startswith(".") or path.stat().st_size in (0, 1_000)]


def test_a_full_disk_leaves_no_workbook(tmp_path, monkeypatch):
    def full(self, data):
        with self.open("wb") as file:
            file.write(data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    asked = ["tieout", "beignet-2025", "--write-template", str(tmp_path / "t.xlsx")]
    with pytest.raises(FirstLossError, match="t.xlsx cannot be written: No space left on device"):
        cli.app(asked, standalone_mode=False)
    assert not os.listdir(tmp_path)


def test_a_full_standard_output_is_one_message():
    with open("/dev/full", "w") as nowhere:
        done = subprocess.run(
            [sys.executable, "-m", "pricing.cli", "library"],
            stdout=nowhere,
            stderr=subprocess.PIPE,
            text=True,
            timeout=300,
        )
    assert done.returncode == 1 and done.stderr == "firstloss: standard output: No space left on device\n"


def test_no_text_of_a_csv_file_begins_a_formula():
    odd = [ATTACK, "=1+1", "+1", "+cmd", "-2+3", "-", "-5", "@SUM(A1)", "\t=1", "'=1", "''=1", "plain", "a=b", ""]
    frame = pd.DataFrame({"name": odd, "kind": pd.Categorical(odd), "=x": range(len(odd)), "amount": -1.5})
    text = csv_of(frame)
    cells = [cell for line in text.splitlines() for cell in next(csv.reader([line]))]
    alive = [
        cell
        for cell in cells
        if cell[:1] in ("=", "@", "\t", "\r") or (cell[:1] in "+-" and cell[1:] not in ("", "1", "5", "1.5"))
    ]
    assert not [cell for cell in alive if cell], alive


def test_a_shielded_text_reads_back(tmp_path):
    odd = [ATTACK, "=1+1", "+cmd", "-2+3", "@SUM(A1)", "'=1", "''=1", "'plain", "plain"]
    (tmp_path / "x.csv").write_text(csv_of(pd.DataFrame({"name": odd, "n": range(len(odd))})), "utf-8")
    _, _, rows = rows_of(tmp_path / "x.csv")
    assert [row["name"] for _, row in rows] == odd


def test_no_name_in_a_workbook_is_a_formula(tmp_path):
    """A deal that is named for an attack, through the command, into workbook and CSV."""
    text = find_deal("vantage-jersey").read_text("utf-8").replace("name: vantage-jersey", f'name: "{ATTACK}"', 1)
    home = find_deal("vantage-jersey").parent
    (tmp_path / "deal.yaml").write_text(text.replace("A-1", "=A+1"), "utf-8")
    for name in ("market.yaml", "scenarios.yaml"):
        (tmp_path / name).write_text((home / name).read_text("utf-8").replace("A-1", "=A+1"), "utf-8")
    out = tmp_path / "out"
    cli.app(["run", str(tmp_path), "--out", str(out), "--xlsx", str(out / "r.xlsx")], standalone_mode=False)
    book = openpyxl.load_workbook(out / "r.xlsx")
    cells = [cell for page in book for row in page.iter_rows() for cell in row]
    assert any(ATTACK in str(cell.value) for cell in cells) and any(cell.value == "=A+1" for cell in cells)
    checks = re.compile(r"=IF\((ABS|SUM|COUNTIF)\([A-Za-z_0-9!$:,.()<=*+-]*,1,0\)|=by_date_\d+!\$D\$\d+")
    assert all(checks.fullmatch(cell.value) for cell in cells if cell.data_type == "f")
    for file in out.glob("*.csv"):
        assert not [
            line
            for line in file.read_text("utf-8").replace('"', "").splitlines()
            if line.startswith("=") or ",=" in line
        ]
    frame = pd.DataFrame({"tranche": ["=1+1"], "n": [1.0]})
    (tmp_path / "t.xlsx").write_bytes(excel_of(frame, "report"))
    assert [cell.data_type for cell in openpyxl.load_workbook(tmp_path / "t.xlsx")["report"][2]] == ["s", "n"]

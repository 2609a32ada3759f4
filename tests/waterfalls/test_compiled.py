"""Compiled code is kept where it can be, and nothing stops where it cannot: no home, read-only folders, a full disk."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = """
import datetime as dt
from waterfalls import Equity, Fixed, Note, Receipts, distribute, interest, pay, principal, residual
from waterfalls.clock.schedule import schedule
from waterfalls.engines import kernel
from waterfalls.plan import resolve
assert kernel.__file__.startswith({place!r}), kernel.__file__
dates = schedule(closing=dt.date(2026, 1, 15), first_payment=dt.date(2027, 1, 15), maturity=dt.date(2028, 1, 15),
                 frequency="annual", calendar="none")
clauses = pay(interest("A")) >> pay(principal("A")) >> pay(residual("E"))
plan = resolve("d", "USD", dates, tranches=[Note("A", 90.0, coupon=Fixed(0.05)), Equity("E")], waterfall=clauses)
for _ in range(2):
    print(distribute(plan, Receipts(dates.ends, interest=[60.0, 60.0]), engine="fast").cash("E")[0].tolist())
"""
FUNCTION = """
from waterfalls.engines.compiled import compiled
{before}
@compiled
def twice(x):
    return 2.0 * x
print(twice(21.0), twice.stats.cache_hits)
"""


@pytest.fixture
def bare(tmp_path):
    """The packages as installed where nothing can be written: what would be a folder of caches is a file, even to root."""
    place = tmp_path / "installed"
    for package in ("waterfalls", "structuring"):
        shutil.copytree(ROOT / package, place / package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [path for path in place.rglob("*") if path.is_dir()]:
        (folder / "__pycache__").write_text("no folder")
    return place


def python(code, place, **environment):
    """What a process of its own prints and warns of, with no home."""
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"), "/dev/null/nowhere")
    unset = {name: value for name, value in os.environ.items() if name not in ("FIRSTLOSS_CACHE", "NUMBA_CACHE_DIR")}
    found = subprocess.run(
        [sys.executable, *([str(code)] if isinstance(code, Path) else ["-c", code])],
        env={**unset, **nowhere, "PYTHONPATH": str(place), **environment},
        cwd=place,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.splitlines(), found.stderr.count("FIRSTLOSS_CACHE")


def test_the_fast_engine_starts_where_nothing_can_be_written_and_says_so_once(bare):
    printed, told = python(ENGINE.format(place=str(bare)), bare)
    assert told == 1
    assert [line.startswith("[0.0, ") for line in printed] == [True, True] and printed[0] == printed[1]
    after = 90.0 - (60.0 - 90.0 * 0.05)  # 30/360: whole years
    assert abs(eval(printed[0])[1] - (60.0 - after * 1.05)) < 1e-9


@pytest.fixture
def function(bare):
    """A file with one compiled function; a line of it may be replaced."""

    def write(before=""):
        path = bare / "twice.py"
        path.write_text(FUNCTION.format(before=before))
        os.utime(path, (1, 1))  # Numba looks at the time of a file
        return path

    return write


def test_a_folder_that_is_named_keeps_the_code(bare, function, tmp_path):
    cache = tmp_path / "cache"
    for hits in ("Counter()", "Counter({(float64,): 1})"):
        assert python(function(), bare, FIRSTLOSS_CACHE=str(cache)) == ([f"42.0 {hits}"], 0)


def test_damaged_files_are_written_anew(bare, function, tmp_path):
    cache = tmp_path / "cache"
    for pattern in ("*.nbi", "*.nbc"):
        python(function(), bare, FIRSTLOSS_CACHE=str(cache))
        damaged = list(cache.rglob(pattern))
        assert damaged
        for path in damaged:
            path.write_bytes(b"not what was written")
        for hits in ("Counter()", "Counter({(float64,): 1})"):
            assert python(function(), bare, FIRSTLOSS_CACHE=str(cache)) == ([f"42.0 {hits}"], 0)


def test_a_full_disk_stops_nothing(bare, function, tmp_path):
    full = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # no file may hold a byte"
    pytest.importorskip("resource")
    printed, told = python(function(full), bare, FIRSTLOSS_CACHE=str(tmp_path / "cache"))
    assert printed == ["42.0 Counter()"] and told == 1

"""Native code: where it is kept, that what is kept is sound, and what runs where there is none."""

import dataclasses
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from standard import RATES, pool, standard

from waterfalls import distribute
from waterfalls.distribute import fixings
from waterfalls.engines import native
from waterfalls.engines.choice import chosen
from waterfalls.engines.fast import program
from waterfalls.engines.lowering import lower
from waterfalls.plan import inputs_of

pytestmark = pytest.mark.skipif(not native.possible(), reason="native code is made on Linux on x86-64 only")
COUNT = 40


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty folder for compiled code, and nothing in memory."""
    monkeypatch.setattr(native.compiled, "folder", lambda: tmp_path / "kept")
    monkeypatch.setattr(native, "loaded", {})
    monkeypatch.setattr(native, "codes", {})
    native.failed.cache_clear()
    native.compiled.warn.cache_clear()
    return tmp_path / "kept"


@pytest.fixture(scope="module")
def plan():
    return standard(24)


def flows(plan, engine="native"):
    return distribute(plan, pool(plan, COUNT), rates=RATES, engine=engine)


def equal(one, other):
    return all(np.array_equal(one[key], other[key]) for key in one.plan.outputs)


def files(place):
    return [path for path in place.iterdir() if path.suffix == ".native"]


def test_code_is_kept_and_found_again(plan, place, monkeypatch):
    expected = flows(plan, "fast")
    assert equal(expected, flows(plan))
    (kept,) = files(place)
    before = kept.stat().st_mtime_ns
    monkeypatch.setattr(native, "codes", {})
    monkeypatch.setattr(native, "loaded", {})
    monkeypatch.setattr(native, "machine_code", None)  # nothing may be compiled
    assert equal(expected, flows(plan)) and kept.stat().st_mtime_ns == before
    assert list(place.iterdir()) == [kept]


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 4000])
def test_a_damaged_file_is_written_anew(plan, place, monkeypatch, content):
    flows(plan)
    (kept,) = files(place)
    sound = kept.read_bytes()
    for damaged in (content, sound[:-1], sound[:500] + b"?" + sound[501:]):
        kept.write_bytes(damaged)
        monkeypatch.setattr(native, "codes", {})
        monkeypatch.setattr(native, "loaded", {})
        assert equal(flows(plan, "fast"), flows(plan)) and kept.read_bytes() == sound


def test_the_oldest_code_goes_when_there_is_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(native, "MOST_KEPT", 2)
    for at, name in enumerate("cadb"):
        native.write(tmp_path / f"{name}.native", b"code")
        os.utime(tmp_path / f"{name}.native", (at, at))
    native.prune(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.native", "d.native"]


def test_deals_that_differ_in_figures_share_their_code(plan, place):
    other = standard(24, tranches=tuple(reduced(t) for t in plan.tranches.values()))
    assert equal(flows(plan, "fast"), flows(plan)) and equal(flows(other, "fast"), flows(other))
    assert len(files(place)) == 1
    assert not equal(flows(plan), flows(other))


def reduced(tranche):
    """A tranche of nine tenths."""
    return dataclasses.replace(tranche, notional=tranche.notional * 0.9)


def test_where_nothing_can_be_written_code_is_compiled_and_told_once(plan, place):
    place.write_text("no folder")
    with pytest.warns(RuntimeWarning, match="FIRSTLOSS_CACHE") as told:
        found = flows(plan)
    assert len(told) == 1 and equal(found, flows(plan, "fast"))


def test_where_llvm_fails_the_interpreter_runs(plan, monkeypatch):
    monkeypatch.setattr(native, "lower", lambda program: "no module")
    with pytest.warns(RuntimeWarning, match="the interpreter runs instead"):
        found = flows(plan)
    assert equal(found, flows(plan, "fast"))
    monkeypatch.setattr(native, "possible", lambda: False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert equal(flows(plan), found)


PROCESS = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from standard import RATES, pool, standard
from waterfalls import distribute
from waterfalls.engines import compiled
compiled.folder = lambda: Path({place!r})
plan = standard(24)
print(repr(distribute(plan, pool(plan, 40), rates=RATES, engine="native").cash("E").sum()))
"""


def test_processes_that_compile_at_once_leave_one_sound_file(plan, place, monkeypatch):
    code = PROCESS.format(tests=str(Path(__file__).parents[1]), place=str(place))
    started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = {process.communicate(timeout=300)[0].strip() for process in started}
    assert told == {repr(flows(plan, "fast").cash("E").sum())}
    assert len(list(place.iterdir())) == 1
    monkeypatch.setattr(native, "machine_code", None)  # nothing may be compiled
    assert equal(flows(plan), flows(plan, "fast"))


def test_it_is_chosen_where_it_pays(plan):
    assert chosen("auto", standard(360), 12_000) == "native" and chosen("auto", standard(360), 9_000) != "native"


def test_nothing_allows_llvm_to_change_a_bit(plan):
    receipts = pool(plan, COUNT)
    made = program(plan, inputs_of(plan, receipts, fixings(plan, RATES, COUNT)), COUNT, None, False)
    text = lower(made)
    for word in ("fast", "reassoc", "contract", "nnan", "ninf", "nsz", "arcp", "afn", "fma"):
        assert f" {word} " not in text and f".{word}" not in text

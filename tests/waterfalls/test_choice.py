"""Which engine is chosen: the reference until all its runs together would have paid for loading the kernel."""

import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import pytest

from waterfalls.engines.choice import chosen
from waterfalls.errors import UnknownName

RUNS = """
import sys
from structuring import load_deal, run
deal = load_deal("vantage-jersey")
first = run(deal, rates={{"SONIA": 0.04}})
assert "numba" not in sys.modules, "a first small run loads nothing"
for _ in range({runs}):
    flows = run(deal, rates={{"SONIA": 0.04}})
assert "numba" in sys.modules
for name in deal.tranches:
    assert (flows.cash(name.name) == first.cash(name.name)).all()
"""


def test_small_runs_load_the_kernel_once_they_have_paid_for_it():
    found = subprocess.run([sys.executable, "-c", RUNS.format(runs=100)], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


def test_without_numba_the_reference_runs_whatever_the_size(monkeypatch):
    plan = SimpleNamespace(schedule=SimpleNamespace(periods=120), outputs=range(60))
    monkeypatch.setitem(sys.modules, "waterfalls.engines.kernel", None)
    assert chosen("auto", plan, 100) == "fast" and chosen("auto", plan, 1_000_000) == "native"
    monkeypatch.delitem(sys.modules, "waterfalls.engines.kernel")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert chosen("auto", plan, 1_000_000) == "reference"


def test_an_engine_that_is_said_is_taken():
    assert [chosen(said, None, 3) for said in ("reference", "fast")] == ["reference", "fast"]
    with pytest.raises(UnknownName, match="engine"):
        chosen("quick", None, 3)

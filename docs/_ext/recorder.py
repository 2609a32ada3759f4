"""A plugin of pytest that records how far every comparison of a test was apart, and how far it might have been.

`pytest -p recorder --record FILE` writes, a test, the comparisons made with `pytest.approx` and
`numpy.testing.assert_allclose`: tolerances as the test says them, and the largest error reached.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOUND: dict[str, list[dict[str, Any]]] = {}
FAILED: list[str] = []
NOW: list[str] = []


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--record", metavar="FILE", required=True, help="where to write what was compared")


def pytest_configure(config: Any) -> None:
    approx, close = pytest.approx, np.testing.assert_allclose

    class Recorded:
        """What `approx` makes, and a record of what it is compared with."""

        __array_priority__ = 1000
        __array_ufunc__ = None

        def __init__(self, expected: Any, rel: Any = None, abs: Any = None, nan_ok: bool = False) -> None:
            self.approximate = approx(expected, rel=rel, abs=abs, nan_ok=nan_ok)
            floor = 1e-12 if abs is None else abs
            self.expected, self.rel, self.abs = expected, 1e-6 if rel is None and abs is None else rel, floor

        def __eq__(self, actual: object) -> bool:
            record(actual, self.expected, self.rel, self.abs)
            return actual == self.approximate

        def __repr__(self) -> str:
            return repr(self.approximate)

    def assert_allclose(actual: Any, desired: Any, rtol: float = 1e-7, atol: float = 0.0, **options: Any) -> None:
        record(actual, desired, rtol or None, atol)
        close(actual, desired, rtol=rtol, atol=atol, **options)

    pytest.approx, np.testing.assert_allclose = Recorded, assert_allclose


def numbers(value: Any) -> Iterator[float]:
    """The numbers of a value, one after the other."""
    if isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from numbers(value[key])
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, (int, float, np.ndarray, np.generic)) or hasattr(value, "to_numpy"):
        yield from map(float, np.asarray(value).ravel())


def record(actual: Any, expected: Any, rel: float | None, abs_: float) -> None:
    """Keeps the largest error of one comparison: relative where the tolerance is."""
    ours, theirs = np.array(list(numbers(actual))), np.array(list(numbers(expected)))
    if not NOW or not len(theirs) or not len(ours):
        return
    ours, theirs = np.broadcast_arrays(ours, theirs) if 1 in (len(ours), len(theirs)) else (ours, theirs)
    told = np.isfinite(theirs)
    ours, theirs = ours[told], theirs[told]
    apart, size = np.abs(ours - theirs), np.abs(theirs)
    if rel is None:
        keep("absolute", abs_, apart)
        return
    absolute = (size * rel <= abs_) & (apart > 0.0)  # so small that the absolute tolerance is what lets it pass
    keep("relative", rel, np.divide(apart, size, where=(apart > 0.0) & ~absolute, out=np.zeros(len(size)))[~absolute])
    if absolute.any():
        keep("absolute", abs_, apart[absolute])


def keep(kind: str, allowed: float, errors: np.ndarray) -> None:
    """Adds a comparison to those of the test that runs."""
    made = {"kind": kind, "allowed": float(allowed), "error": float(errors.max(initial=0.0)), "count": len(errors)}
    FOUND.setdefault(NOW[0], []).append(made)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: Any) -> Any:
    NOW[:] = [item.nodeid]
    FOUND.setdefault(item.nodeid, [])
    try:
        return (yield)
    finally:
        NOW.clear()


def pytest_runtest_logreport(report: Any) -> None:
    if report.failed:
        FAILED.append(report.nodeid)


def pytest_sessionfinish(session: Any) -> None:
    text = json.dumps({"compared": FOUND, "failed": FAILED})
    Path(session.config.getoption("--record")).write_text(text, encoding="utf-8")

"""The page of validation: what is compared with numbers made elsewhere, within what, and how near it comes.

Which tests use a golden case is read from their source; the errors are recorded by running these tests.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from docstrings import prose
from sphinx.errors import ExtensionError
from sphinx.util import logging
from tables import table

LOG = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
ELSEWHERE = {  # compared with a library, a closed form or a calculation by hand, without a file of numbers
    "QuantLib, run beside us": [
        "tests/pricing/test_quantlib.py",
        "tests/pricing/test_settlement.py::test_prices_for_settlement_are_those_of_a_quantlib_bond",
        "tests/pricing/test_market.py::test_overnight_swaps_reprice_and_the_evaluation_date_stays",
        "tests/pricing/test_market.py::test_treasuries_reprice_and_the_evaluation_date_stays",
        "tests/structuring/test_collateral_floating.py::test_bonds_and_loans_pay_the_coupons_of_quantlib",
        "tests/structuring/test_processes.py::test_bond_prices_are_quantlibs_at_the_same_short_rate",
        "tests/structuring/test_portfolio_tranches.py::test_hazards_are_those_that_quantlib_bootstraps",
    ],
    "Closed forms and quadrature": [
        "tests/structuring/test_credit.py::test_without_correlation_the_loss_is_binomial",
        "tests/structuring/test_copula.py::test_students_distribution_against_scipy",
        "tests/structuring/test_processes.py::test_a_caplet_is_worth_what_blacks_formula_says",
        "tests/structuring/test_processes.py::test_poisson_counts_against_their_distribution",
        "tests/pricing/test_capital.py::test_the_standardised_formula_is_the_average_of_its_density",
        "tests/pricing/test_simulated.py::test_a_note_that_may_fail_at_once_is_worth_its_survival",
    ],
    "By hand": [
        "tests/waterfalls/test_cases.py",
        "tests/waterfalls/test_sayable.py",
        "tests/waterfalls/test_whole_deals.py",
        "tests/structuring/test_collateral_bonds.py",
        "tests/structuring/test_collateral_leases.py",
        "tests/structuring/test_collateral_compute.py",
        "tests/structuring/test_collateral_project.py",
        "tests/structuring/test_collateral_delinquency.py",
        "tests/structuring/test_collateral_property_loan.py",
    ],
    "What neighbouring tools get wrong\n\nEach line is an error found in another tool; here the same case, done right.": [
        "tests/waterfalls/test_neighbours.py",
        "tests/pricing/test_neighbours.py",
    ],
}


def cases() -> dict[str, dict]:
    """The golden cases by name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(GOLDEN.glob("*.json"))}


@functools.cache
def users() -> dict[str, list[str]]:
    """The tests that use each golden case, themselves or through what they are given."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if "golden" not in path.read_text(encoding="utf-8") or path.name == "test_documents.py":
            continue
        tops = {name: node for node in tree.body for name in names_of(node)}
        for name in tops:
            if name.startswith("test_"):
                for case in sorted(used_by(name, tops, set())):
                    found.setdefault(case, []).append(f"{path.relative_to(ROOT).as_posix()}::{name}")
    return found


def names_of(node: ast.stmt) -> Iterator[str]:
    """What a statement at the top of a module defines."""
    if isinstance(node, ast.FunctionDef):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def used_by(name: str, tops: dict[str, ast.stmt], seen: set[str]) -> set[str]:
    """The golden cases whose names stand in a definition, or in those that it speaks of."""
    seen.add(name)
    found: set[str] = set()
    for node in ast.walk(tops[name]):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {case for case in known() if case == node.value.removesuffix(".json")}
        elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
            beginning = str(node.values[0].value)
            found |= {case for case in known() if "_" in beginning and case.startswith(beginning)}
        other = node.id if isinstance(node, ast.Name) else node.arg if isinstance(node, ast.arg) else None
        if other in tops and other not in seen and not other.startswith("test_"):
            found |= used_by(other, tops, seen)
    return found


@functools.cache
def known() -> tuple[str, ...]:
    return tuple(cases())


@functools.cache
def recorded() -> tuple[dict[str, list[dict]], set[str]]:
    """What each run of a test of the page compared, and the tests that fail: they are run, once, with the recorder."""
    wanted = dict.fromkeys(test for tests in (*users().values(), *ELSEWHERE.values()) for test in tests)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recorded.json"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "recorder", "--record", str(file), "-p", "no:cacheprovider", *wanted],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if not file.exists() or done.returncode > 1:
            raise ExtensionError(f"the tests of the validation page cannot be run:\n{done.stdout[-4000:]}")
        found = json.loads(file.read_text(encoding="utf-8"))
    for name in found["failed"]:
        LOG.warning("validation: %s fails", name)
    return found["compared"], {name.split("[")[0] for name in found["failed"]}


def rows(tests: Iterable[str]) -> Iterator[list[str]]:
    """A row a test and tolerance: what it says, how many numbers, within what, and the largest error reached."""
    for test in tests:
        made = [one for name, found in recorded()[0].items() if name.split("[")[0] == test for one in found]
        if not made:
            yield [sentence(test), "", "", "holds" if test not in recorded()[1] else "fails"]
        for kind, allowed in dict.fromkeys((one["kind"], one["allowed"]) for one in made):
            of = [one for one in made if (one["kind"], one["allowed"]) == (kind, allowed)]
            reached, count = max(one["error"] for one in of), sum(one["count"] for one in of)
            how = "fails" if test in recorded()[1] else f"{reached:.1e}" if reached else "0"
            yield [sentence(test), f"{count:,}", f"{allowed:.2g} {kind}", how]


def compares(test: str) -> bool:
    """Whether a test compares numbers."""
    return any(found for name, found in recorded()[0].items() if name.split("[")[0] == test)


def sentence(test: str) -> str:
    """What a test says: its docstring, or its name as the sentence it is."""
    file, name = test.split("::")
    told = docstrings(file).get(name) or name.removeprefix("test_").replace("_", " ")
    return told.replace("quantlibs", "QuantLib's").replace("quantlib ", "QuantLib ")


@functools.cache
def docstrings(file: str) -> dict[str, str]:
    """The docstrings of the functions of a file of tests, by name."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return {node.name: prose(ast.get_docstring(node) or "") for node in functions}


def source(case: dict) -> str:
    """Where a case comes from."""
    said = case["source"]
    if str(said).startswith("per case"):
        said = dict(enumerate(dict.fromkeys(one["source"] for one in case["cases"])))
    return "; ".join(str(value) for value in said.values()) if isinstance(said, dict) else str(said)


def reached(case: str) -> dict[tuple[str, float], float]:
    """The largest error of a golden case by kind of tolerance, over all tests that use it."""
    found: dict[tuple[str, float], float] = {}
    for name, compared in recorded()[0].items():
        if name.split("[")[0] in users()[case]:
            for one in compared:
                key = (one["kind"], one["allowed"])
                found[key] = max(found.get(key, 0.0), one["error"])
    return found


def wide(case: str) -> dict[str, float]:
    """The tolerances of a golden case above twice the error reached, as a case writes them; not those of arithmetic."""
    found = reached(case).items()
    return {f"{allowed:g}": error for (_, allowed), error in found if allowed > max(2.0 * error, ARITHMETIC)}


def reasons(case: str) -> str:
    """Why the wide tolerances of a case are wide: its file says so, or the page cannot be built."""
    given = cases()[case].get("reasons", {})
    if set(given) != set(wide(case)):
        raise ExtensionError(
            f"{case}: tolerances above twice the error reached are {wide(case)}, and reasons are given for {sorted(given)}"
        )
    return "".join(f"\n{allowed} is allowed because {reason}.\n" for allowed, reason in given.items())


ARITHMETIC = 1e-6  # below which a tolerance is of the rounding of numbers
HEAD = ["what is compared", "numbers", "tolerance", "error reached"]


def golden() -> str:
    """Every golden case, with its source, the tests that use it, and the errors they reach."""
    parts = []
    for name, case in cases().items():
        parts += [f"### {name}\n", f"{prose(source(case))}\n", table(HEAD, rows(users()[name])), reasons(name)]
    return "\n".join(parts)


def elsewhere() -> str:
    """What is compared without a file of numbers."""
    parts, told = [], {test for tests in users().values() for test in tests}
    for heading, tests in ELSEWHERE.items():
        ran = dict.fromkeys(name.split("[")[0] for test in tests for name in recorded()[0] if name.startswith(test))
        kept = (name for name in ran if name not in told and (compares(name) or "neighbour" in name))
        parts += [f"## {heading}\n", table(HEAD, rows(kept))]
    return "\n".join(parts)

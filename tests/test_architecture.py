"""The shape of the house: who imports whom, what is public, what start-up costs, how long a file may grow."""

import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "waterfalls": set(),
    "structuring": {"waterfalls"},
    "pricing": {"waterfalls", "structuring"},
}
PACKAGES = list(MAY_IMPORT)

# Which room may import which others of its package, lowest first. A room is a folder, or a file beside the folders that
# is named here; "." is every other file beside them.
ROOMS = {
    "waterfalls": {
        "errors": set(),
        "fields": set(),
        "notebook": set(),
        "equality": set(),
        "bounds": {"errors"},
        "doors": {"errors"},
        "frames": {"errors", "doors"},
        "dates": {"errors", "bounds"},
        "arguments": {"errors", "bounds", "dates"},
        "clock": {"errors", "bounds"},
        "language": {"errors", "fields", "bounds", "dates", "clock"},
        "clauses": {"errors", "doors", "notebook", "language"},
        "terms": {"errors", "equality", "bounds", "dates", "clock", "language"},
        "receipts": {"errors", "equality", "fields", "bounds", "arguments"},
        "checks": {"errors", "fields", "language", "clauses", "terms"},
        "plan": {"errors", "fields", "clock", "language", "clauses", "terms", "receipts", "checks"},
        "engines": {"errors", "fields", "clock", "language", "plan"},
        "engines.cell_formulas": {"language", "plan", "engines"},
        "explain": {"errors", "fields", "arguments", "language", "clauses", "receipts", "plan", "engines"},
        "cashflows": {"errors", "equality", "notebook", "doors", "frames", "language", "receipts", "plan", "engines", "explain"},
        ".": {"errors", "bounds", "doors", "arguments", "clock", "language", "clauses", "terms", "receipts", "plan", "engines", "cashflows"},
    },
    "structuring": {
        "documents": set(),
        "simulation": {"documents"},
        "portfolio_tranches": {"simulation"},
        "scenarios": {"documents", "simulation"},
        "regulators": {"documents"},
        "collateral": {"documents", "scenarios", "regulators"},
        "deals": {"documents", "scenarios", "regulators", "collateral"},
        "foreign_deals": {"documents", "scenarios", "deals"},
        "runs": {"documents", "simulation", "scenarios", "deals"},
        "generators": {"documents", "simulation", "scenarios", "collateral", "deals", "runs"},
    },
    "pricing": {
        "market": set(),
        "tables": set(),
        "valuation": {"market", "tables"},
        "bearers": {"market", "tables", "valuation"},
        "contagion": {"market", "tables", "valuation", "bearers"},
        "contagion.closed_loop": {"market", "tables", "valuation", "bearers", "contagion"},
        "overview": {"tables", "valuation"},
        "comparison": {"market", "tables", "valuation", "overview"},
        "breakevens": {"market", "tables", "valuation"},
        "paths_and_books": {"market", "tables", "valuation", "bearers"},
        "structure.terms": {"valuation"},
        "structure": {"market", "tables", "valuation", "overview", "breakevens", "paths_and_books", "structure.terms"},
        "report.contents": {"market", "tables", "valuation", "bearers", "contagion", "overview", "breakevens", "structure"},
        "report.figures": {"tables", "valuation", "bearers", "overview", "structure", "report.contents"},
        "report.live_model": {"market", "tables", "valuation", "bearers"},
        "report": {
            "market", "tables", "valuation", "bearers", "contagion", "overview", "breakevens", "structure",
            "report.contents", "report.figures", "report.live_model",
        },
        "report.market_report": {
            "tables", "contagion", "contagion.closed_loop", "report", "report.contents", "report.figures",
        },
        "explore": {
            "market", "tables", "valuation", "bearers", "contagion", "breakevens", "structure", "structure.terms", "report",
            "report.contents", "report.figures", "report.live_model",
        },
        "commands.shared": {"market", "valuation", "report"},
        "commands": {
            "market", "tables", "valuation", "bearers", "contagion", "contagion.closed_loop", "overview", "comparison",
            "breakevens", "paths_and_books", "structure.terms", "structure", "report.contents", "report.live_model",
            "report", "report.market_report", "explore", "commands.shared",
        },
        ".": {"commands"},
    },
}  # fmt: skip
HEAVY = {"numpy", "pandas", "QuantLib", "numba", "scipy"}

MOST_PUBLIC_NAMES = 40
MOST_LINES = 400
MOST_FILES = 16  # in a room


def sources(package: str, *suffixes: str) -> list[Path]:
    found = [path for suffix in suffixes for path in (ROOT / package).rglob(f"*{suffix}")]
    assert found, f"no {' or '.join(suffixes)} file in {package}/"
    return sorted(found)


# Direction: pricing -> structuring -> waterfalls


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every module imported absolutely, with its line: in functions, under TYPE_CHECKING, by string."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from ((alias.name, node.lineno) for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module, node.lineno
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module, node.lineno


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_in_one_direction(package):
    forbidden = set(PACKAGES) - MAY_IMPORT[package] - {package}
    against = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in sources(package, ".py", ".pyi")
        for module, line in imports(ast.parse(path.read_text("utf-8")))
        if module.split(".")[0] in forbidden
    ]
    assert not against, "\n".join(against)


def test_the_direction_test_sees_hidden_imports():
    hidden = """
if TYPE_CHECKING:
    from structuring.deals.deal import Deal
def late():
    import pricing.market.market as market
    importlib.import_module("pricing")
"""
    assert [module for module, _ in imports(ast.parse(hidden))] == [
        "structuring.deals.deal",
        "pricing.market.market",
        "pricing",
    ]


# What the page says of it


def test_the_page_draws_every_room_and_walks_through_functions_that_exist():
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    drawing = page.partition("## Rooms")[2].partition("\n## ")[0]
    for package, rooms in ROOMS.items():
        folders = [room.rpartition(".")[2] for room in rooms if (ROOT / package / room.replace(".", "/")).is_dir()]
        assert folders and not [name for name in folders if not re.search(rf"^ +(\w+ +)?{name} ", drawing, re.M)], (
            package
        )
    walk = page.partition("## One dollar")[2].partition("\n## ")[0]
    text = "\n".join(path.read_text("utf-8") for package in PACKAGES for path in sources(package, ".py"))
    for said in set(re.findall(r"`([\w.]+)`", walk)):
        owner, _, name = said.rpartition(".")
        assert re.search(rf"def {name}\(|class {name}\b|self\.{name} =", text), said
        assert not owner or re.search(rf"class {owner}\b", text), said


# Rooms, and no cycle between files


def modules(package: str) -> dict[str, Path]:
    """The source files of a package by the name that imports them."""
    named = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sources(package, ".py")}
    return {name.removesuffix(".__init__"): path for name, path in named.items()}


def arrows(package: str) -> dict[str, set[str]]:
    """Which files of the same package each file imports, wherever in it: in functions and for type checking too."""
    files = modules(package)
    found: dict[str, set[str]] = {name: set() for name in files}
    for name, path in files.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Import():
                    found[name] |= {alias.name for alias in node.names} & files.keys()
                case ast.ImportFrom(module=str(module), level=0):  # from a room, its file; from a file, a name in it
                    inner = {f"{module}.{alias.name}" for alias in node.names} & files.keys()
                    found[name] |= inner or {module} & files.keys()
    return found


def cycle_in(graph: dict[str, set[str]]) -> list[str]:
    """What still points at each other once everything that points at nothing is taken out, again and again."""
    left = dict(graph)
    while free := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)


def room_of(path: Path) -> str:
    """The folder of a file below its package, dotted, or the file itself where it is a room of its own."""
    package, *folders = path.parent.relative_to(ROOT).parts
    return ".".join(folders) or (path.stem if path.stem in ROOMS[package] else ".")


@pytest.mark.parametrize("package", ROOMS)
def test_no_files_import_each_other_in_a_circle(package):
    assert cycle_in(arrows(package)) == []


def test_the_cycle_test_sees_a_cycle():
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]


@pytest.mark.parametrize("package", ROOMS)
def test_rooms_import_what_the_table_allows(package):
    files, allowed = modules(package), ROOMS[package]
    rooms = {name: room_of(path) for name, path in files.items()}
    undrawn = sorted(set(rooms.values()) - {"."} - allowed.keys())
    assert not undrawn, f"folders of {package}/ that ROOMS does not name: {', '.join(undrawn)}"
    against = [
        f"{name} imports {target}: {rooms[name]} may not import {rooms[target]}"
        for name, targets in arrows(package).items()
        for target in sorted(targets)
        if rooms[target] != rooms[name] and rooms[target] not in allowed.get(rooms[name], ())
    ]
    assert not against, "\n".join(against)


@pytest.mark.parametrize("package", ROOMS)
def test_the_arrows_between_rooms_run_one_way(package):
    assert cycle_in(ROOMS[package]) == []


@pytest.mark.parametrize("package", ROOMS)
def test_a_room_says_in_one_sentence_what_is_inside_and_holds_few_files(package):
    for room in ROOMS[package]:
        folder = ROOT.joinpath(package, *room.split(".")) if room != "." else ROOT / package
        if not folder.is_dir():
            continue  # a file, whose heading says it
        said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8")))
        assert said, f"{folder.relative_to(ROOT)}/__init__.py says nothing"
        files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(files) <= MOST_FILES, f"{folder.relative_to(ROOT)} has {len(files)} files: two rooms?"


# Public names


def public_names(package: str) -> set[str]:
    """What the package's stub re-exports; `lazy_loader` serves exactly these."""
    stub = ast.parse((ROOT / package / "__init__.pyi").read_text("utf-8"))
    return {
        name
        for node in stub.body
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
        if not (name := alias.asname or alias.name).startswith("_")
    }


def test_public_names_are_the_announced_ones():
    listed = (ROOT / "tests/public_names.txt").read_text("utf-8").split()
    actual = {f"{package}.{name}" for package in PACKAGES for name in public_names(package)}
    appeared, vanished = sorted(actual - set(listed)), sorted(set(listed) - actual)
    assert not appeared, (
        f"public but not announced: {', '.join(appeared)}. "
        "Add a line `package.name` for each to tests/public_names.txt and a line to CHANGELOG.md."
    )
    assert not vanished, (
        f"announced but no longer public: {', '.join(vanished)}. "
        "Restore it, or take its line out of tests/public_names.txt and say so in CHANGELOG.md."
    )
    assert listed == sorted(actual), "keep tests/public_names.txt sorted, each name once"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_few_public_names(package):
    names = public_names(package)
    assert 0 < len(names) <= MOST_PUBLIC_NAMES, f"{package} has {len(names)} public names"


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_can_be_imported(package):
    module = importlib.import_module(package)
    missing = sorted(name for name in public_names(package) if not hasattr(module, name))
    assert not missing, f"in {package}/__init__.pyi but not importable from {package}: {', '.join(missing)}"
    assert public_names(package) <= set(dir(module))


# Start-up


def loaded_by(code: str) -> set[str]:
    """The heavy libraries that a fresh interpreter has loaded after running `code`."""
    report = f"import json, sys; print(json.dumps(sorted({HEAVY!r} & sys.modules.keys())), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_importing_the_packages_loads_nothing_heavy():
    assert loaded_by(f"import {', '.join(PACKAGES)}") == set()


def test_help_loads_nothing_heavy():
    code = """
import sys
from importlib.metadata import entry_points
(command,) = entry_points(group="console_scripts", name="firstloss")
sys.argv = ["firstloss", "--help"]
try:
    command.load()()
except SystemExit as stop:
    assert not stop.code, stop.code
"""
    assert loaded_by(code) == set()


def test_the_start_up_test_sees_a_heavy_import():
    assert "numpy" in loaded_by("import numpy")


# Files


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_is_long(package):
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in sources(package, ".py", ".pyi")}
    long = [f"{path.relative_to(ROOT)}: {n} lines" for path, n in lengths.items() if n > MOST_LINES]
    assert not long, f"above {MOST_LINES} lines; does each still hold one concept?\n" + "\n".join(long)


def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so nothing says which files are tracked")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


# The brackets keep the patterns from finding themselves.
MACHINE_PATH = re.compile(r"(?<![\w.])/([w]ork|[t]mp|[r]oot|[h]ome|[U]sers)/")
ADDRESS = re.compile(r"[h]ttps?://|[f]ile://|^-", re.MULTILINE)


def places(pattern: re.Pattern[str], path: Path) -> list[str]:
    text = path.read_text("utf-8", errors="replace")
    return [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}: {found[0]}"
        for found in pattern.finditer(text)
    ]


def test_no_tracked_file_names_a_path_of_a_machine():
    found = [place for path in tracked_files() for place in places(MACHINE_PATH, path)]
    assert not found, "\n".join(found)


def test_the_lock_names_packages_and_hashes_alone():
    found = places(ADDRESS, ROOT / "requirements.lock")
    assert not found, "\n".join(found)


def test_every_supported_python_is_announced():
    import tomllib

    import python_range

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    announced = [line.rpartition(" ")[2] for line in project["classifiers"] if re.search(r"Python :: 3\.\d+$", line)]
    assert python_range.supported() == announced

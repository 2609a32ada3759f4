"""Tests the ends of what `pyproject.toml` supports: the oldest Python with the oldest of every dependency, and the newest with
the newest. `make range` runs it; it installs the package as a user would, each time into an environment made anew.

    python tests/python_range.py UV FOLDER
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTED = ("tests/waterfalls", "tests/structuring", "tests/pricing", "tests/test_commands.py")
TOOLS = ("pytest>=8", "pytest-benchmark", "pytest-xdist", "hypothesis", "scipy", "duckdb", "jsonschema")
QUICK = (
    "-q",
    "-n",
    "2",
    "-p",
    "no:cacheprovider",
    "--benchmark-disable",
    "-m",
    "not slow and not browser",
    "-W",
    "ignore::DeprecationWarning",
)  # of what is old, of each other


def main(uv: str, folder: Path) -> int:
    """Tests both ends; 1 where one of them fails. What this machine has no Python for is told."""
    oldest, *_, newest = minors = supported()
    installed = [minor for minor in minors if found(uv, minor)]
    for minor in (oldest, newest):
        if minor not in installed:
            print(f"NOT TESTED: Python {minor}, which is not installed here", flush=True)
    failed = 0
    if oldest in installed:
        failed |= tested(uv, folder / "floor", oldest, "lowest-direct")
    if installed:
        failed |= tested(uv, folder / "ceiling", installed[-1], "highest")
    return failed


def supported() -> list[str]:
    """The Pythons that the package says it supports, oldest first: 3.11, 3.12, ..."""
    said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    low, high = map(int, re.fullmatch(r">=3\.(\d+),<3\.(\d+)", said).groups())  # type: ignore[union-attr]
    return [f"3.{minor}" for minor in range(low, high)]


def found(uv: str, minor: str) -> bool:
    """Whether there is such a Python here."""
    look = [uv, "python", "find", "--no-config", "--no-project", "--no-python-downloads", minor]
    return subprocess.run(look, capture_output=True, check=False).returncode == 0


def tested(uv: str, folder: Path, minor: str, resolution: str) -> int:
    """Installs the package with its extras and the tools of the tests, and runs the tests: 1 where any fails."""
    pinned, python = folder / "pinned.txt", folder / "bin" / "python"
    into = ["--python", str(python), "--quiet"]
    print(f"Python {minor}, {resolution} dependencies", flush=True)
    for step in (
        [uv, "venv", "--quiet", "--clear", "--no-project", "--no-python-downloads", "--python", minor, str(folder)],
        [uv, "pip", "compile", "--quiet", "pyproject.toml", "--extra", "report", "--extra", "dask",
         "--resolution", resolution, "--python-version", minor, "--no-header", "--output-file", str(pinned)],
        [uv, "pip", "install", *into, "--requirement", str(pinned), "--constraint", str(pinned), *TOOLS],
        [uv, "pip", "install", *into, "--no-deps", str(ROOT)],
        [str(python), "-m", "pytest", *QUICK, *TESTED],
    ):  # fmt: skip
        if subprocess.run(step, cwd=ROOT, check=False).returncode:
            print(f"FAILED: Python {minor}, {resolution} dependencies: {' '.join(step)}", flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))

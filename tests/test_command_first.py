"""The command beside somebody else's package of the same name: its own are used, and it says so."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*arguments: str, folder: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    here = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=here, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("name", ["pricing", "waterfalls", "structuring"])
@pytest.mark.parametrize("where", ["PYTHONPATH", "current folder"])
def test_the_command_uses_its_own_packages(name, where, tmp_path):
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("raise ImportError('the package of the house')\n", "utf-8")
    if where == "PYTHONPATH":  # as the console script, whose own folder stands first
        script = ("-c", "import sys; sys.path.pop(0); from firstloss import main; sys.exit(main())")
        done = run(*script, "library", folder=ROOT / "tests", path=str(tmp_path))
    else:
        done = run("-m", "firstloss", "library", folder=tmp_path)
    assert done.returncode == 0 and "vantage-jersey" in done.stdout, done.stderr
    assert f"firstloss: not {tmp_path / name}, but the package of that name in {ROOT} is used" in done.stderr
    assert "shadowed" not in done.stderr


def test_nothing_is_said_where_nothing_is_in_the_way(tmp_path):
    done = run("-m", "firstloss", "library", folder=tmp_path)
    assert done.returncode == 0 and done.stderr == ""


def test_the_console_script_goes_this_way_and_its_module_is_in_the_wheel(tmp_path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["scripts"] == {"firstloss": "firstloss:main"}
    done = run("-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path), folder=ROOT)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {
        "firstloss.py",
        "pricing/cli.py",
        "waterfalls/py.typed",
        "structuring/library/vantage-jersey/deal.yaml",
    } <= set(names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {
        "firstloss.py",
        "firstloss",
        "pricing",
        "structuring",
        "waterfalls",
    }

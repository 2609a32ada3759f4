"""README's script, every example and the calls below under pyright's strict rules: `python tests/strict_types.py`.

pandas and QuantLib publish no types, so what comes out of them is unknown and not judged. Everything else is.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
RULES = {
    "typeCheckingMode": "strict",
    "pythonVersion": "3.11",
    "venvPath": str(ROOT),
    "venv": ".venv",
    "extraPaths": [str(ROOT)],
    "useLibraryCodeForTypes": False,
    "reportMissingTypeStubs": "none",
    "reportMissingModuleSource": "none",
    **{f"reportUnknown{what}Type": "none" for what in ("Argument", "Lambda", "Member", "Variable")},
    "reportUnnecessaryTypeIgnoreComment": "error",
}
REFUSED = """
import datetime as dt
from waterfalls import Equity, Fixed, Note, Waterfall, interest, pay, principal, residual
from structuring import Holdings, LeasePortfolio, Scenario, Tenant, load_deal
from pricing import contagion, load_institutions

pay(interest("A"), principal("A"), sharing="nonsense")  # pyright: ignore[reportArgumentType]
Note("A", "700", coupon=Fixed(0.05))  # pyright: ignore[reportArgumentType]
Note("A", 700.0, coupon=Fixed(0.05), deferable=True)  # pyright: ignore[reportCallIssue]
Scenario("s", recovery_lag="six")  # pyright: ignore[reportArgumentType]
Holdings({"A": 1.0})  # pyright: ignore[reportArgumentType]
LeasePortfolio([Equity("E")], as_of=dt.date(2026, 1, 15), cap_rate=0.07)  # pyright: ignore[reportArgumentType]
contagion([], institutions=load_institutions(), mode="guess")  # pyright: ignore[reportArgumentType]
load_deal("vantage-jersey").name = "mine"  # pyright: ignore[reportAttributeAccessIssue]
"""
TAKEN = """
by_list = LeasePortfolio([Tenant("t", 1.0, ends=dt.date(2040, 1, 15))], as_of=dt.date(2026, 1, 15), cap_rate=0.07)
deal = load_deal("vantage-jersey")
held: tuple[Tenant, ...] = by_list.tenants
waterfalls: dict[str, Waterfall] = deal.waterfalls
holders: Holdings = deal.holders
alone = pay(residual("E"))
"""


def main() -> int:
    with TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copytree(ROOT / "examples", home / "examples", ignore=shutil.ignore_patterns("*.ipynb", "__pycache__"))
        scripts = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.M | re.S)
        for i, script in enumerate(scripts):
            (home / f"README_{i}.py").write_text(script, "utf-8")
        (home / "calls.py").write_text(REFUSED + TAKEN, "utf-8")
        (home / "pyrightconfig.json").write_text(json.dumps(RULES), "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pyright", "-p", folder], capture_output=True, text=True, check=False
        )
        print(done.stdout.replace(f"{folder}/examples", "examples").replace(f"{folder}/", "").rstrip())
        print(done.stderr, end="", file=sys.stderr)
        return done.returncode


if __name__ == "__main__":
    sys.exit(main())

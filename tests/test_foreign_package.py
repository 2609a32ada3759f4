"""An asset class and words of another package: installed into a folder of its own, and then in files, schema, advice and docs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "examples" / "solar_farm"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """What a Python prints in which the package is installed; only it, and what is installed here already."""
    folder = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    source = tmp_path_factory.mktemp("source") / "solar_farm"
    source.mkdir()
    for file in PACKAGE.glob("*.*"):
        (source / file.name).write_bytes(file.read_bytes())
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", str(folder), str(source)], check=True)

    def says(*arguments, code=0):
        path = os.pathsep.join([str(folder), str(ROOT), str(ROOT / "docs" / "_ext")])
        done = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return says


RUN = f"""
import numpy as np
from structuring import Scenario, load_deal, run, save_deal
deal = load_deal({str(PACKAGE / "deal.yaml")!r})
scenarios = [Scenario("base"), Scenario("cloudy", utilisation=0.15, operating_cost=1.2)]
slow, fast = (run(deal, scenarios, engine=engine) for engine in ("reference", "fast"))
assert all(np.array_equal(slow.cash(name), fast.cash(name)) for name in slow.tranches)
print(slow.receipt("revenue")[0, :3].tolist())
print(slow.receipt("revenue")[1, 2], slow.balance["A"][:, -1].tolist())
print(slow["account", "reserve"][0].tolist())
assert "harvest('E')" in str(slow.explain("base", slow.dates[0]).steps[2].clause)
print(slow.interest["E"][:, 0].tolist())
save_deal(deal, "sunny.yaml")
assert load_deal("sunny.yaml") == deal
"""


def test_a_deal_file_runs_with_an_asset_of_another_package(installed, tmp_path, monkeypatch):
    """100 MW x 8,760 hours x 25 % x 60 = 13.14 million a year, half of it a period; 0.5 % less after a year."""
    monkeypatch.chdir(tmp_path)
    base, cloudy, reserve, harvest = installed("-c", RUN).splitlines()[-4:]
    assert json.loads(base) == pytest.approx([6.57e6, 6.57e6, 6.57e6 * 0.995], rel=1e-12)
    assert float(cloudy.split()[0]) == pytest.approx(6.57e6 * 0.995 * 0.15 / 0.25, rel=1e-12)
    assert json.loads(cloudy.split(maxsplit=1)[1])[0] == pytest.approx(0.0, abs=1e-6)
    # a tenth of what the reserve holds, while that is more than 0.7 of its target
    # a claim of the package inside pay(...), beside one of ours: a hundredth of the revenue, by both engines
    assert json.loads(harvest) == pytest.approx([65.7e3, 0.6 * 65.7e3], rel=1e-12)
    assert json.loads(reserve)[:5] == pytest.approx([0.9e6, 0.81e6, 0.729e6, 0.6561e6, 0.6561e6], rel=1e-12)


DRIVEN = f"""
import pathlib
from pricing import Market, breakeven, reprice, Bump
from structuring import Paths, Scenario, load_deal, load_scenarios, run
deal = load_deal({str(PACKAGE / "deal.yaml")!r})
pathlib.Path("scenarios.yaml").write_text("firstloss-scenarios: 1\\nscenarios: [{{name: dull, others: {{sunshine: 0.8}}}}]\\n")
(dull,) = load_scenarios("scenarios.yaml")
assert dull == Scenario("dull", others={{"sunshine": 0.8}})
base = Scenario("base")
revenue = run(deal, [base, dull]).receipt("revenue")
print((revenue[1] / revenue[0]).tolist()[:2], run(deal, Paths(sunshine=[1.0, 0.5])).receipt("revenue")[1, 0])
market = Market(0.04, valuation=deal.closing, otherwise=0.0)
print(breakeven(deal, base, driver="sunshine", market=market).multiples[0, 0])
print(reprice(deal, dull, market, [Bump.set("sunshine", 0.4)]).npv[0, 0, 0])
for wrong in ({{"sunshin": 0.8}}, {{"rent": 0.8}}, {{"sunshine": -1.0}}):
    try:
        Scenario("wrong", others=wrong)
    except Exception as error:
        print(error)
"""


def test_an_asset_of_another_package_brings_a_driver(installed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = installed("-c", DRIVEN).splitlines()
    assert said[0] == f"[0.8, 0.8] {0.5 * 6.57e6}"
    assert 0.5 < float(said[1]) < 1.0 and float(said[2]) > 0.0
    assert "there is no driver of another package 'sunshin'. Did you mean 'sunshine'?" in said[3]
    assert "there is no driver of another package 'rent'" in said[4]
    assert "must be between 0 and 10" in said[5]


def test_it_stands_in_the_schema_the_advice_and_the_documentation(installed, tmp_path):
    main = ["-c", "from pricing.cli import main; main()"]
    described = json.loads(installed(*main, "schema"))
    assert any("solar_farm" in kind.get("properties", {}) for kind in described["properties"]["collateral"]["oneOf"])
    told = described["$defs"]["SolarFarm"]["properties"]["degradation"]
    assert told["description"] == "what the panels lose (share a year)"
    text = (PACKAGE / "deal.yaml").read_text(encoding="utf-8")
    for wrong, said in (
        ("solar_fram:", "Did you mean 'solar_farm'?"),
        ("solar_farm: {megawats:", "Did you mean 'megawatts'?"),
    ):
        file = tmp_path / "deal.yaml"
        file.write_text(
            text.replace("solar_farm:" if "{" not in wrong else "solar_farm: {megawatts:", wrong), encoding="utf-8"
        )
        assert said in installed(*main, "validate", str(file), code=1)
    for wrong, said in (
        ("skimm(", "there is no word 'skimm'. Did you mean 'skim'?"),
        ("skim('resrve'", "Did you mean 'reserve'?"),
    ):
        file.write_text(text.replace("skim(" if wrong == "skimm(" else "skim('reserve'", wrong), encoding="utf-8")
        assert said in installed(*main, "validate", str(file), code=1)
    assert "is sound: sunny" in installed(*main, "validate", str(PACKAGE / "deal.yaml"))
    words = installed("-c", "import language; print(language.page())")
    assert "### harvest" in words and "a hundredth of the period's revenue to" in words
    assert "### skim" in words and "> to take 50% of the reserve" in words and "### filled" in words
    page = installed("-c", "import terms; print(terms.page())")
    assert "### SolarFarm" in page and "what the panels lose" in page and "says nothing of" not in page


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            "[firstloss.words]\nown = odd_words",
            "odd_words of the package 'odd' cannot be loaded: 'release' is a word of",
        ),
        (
            "solar_farm = nothing_here:SolarFarm",
            "nothing_here:SolarFarm of the package 'odd' cannot be loaded",
        ),
        ("farm = datetime:date", "datetime:date of the package 'odd' must be a @term that derives from Asset"),
        (
            "pool = structuring.collateral.loans:LoanPool",
            "'loan_pool' of the package 'odd' is an asset class of 'firstloss'",
        ),
    ],
)
def test_what_cannot_stand_beside_the_others_is_refused_by_name(tmp_path, entry, said):
    info = tmp_path / "odd-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        entry if entry.startswith("[") else f"[firstloss.assets]\n{entry}\n", encoding="utf-8"
    )
    odd = "from waterfalls import word\n@word\ndef release(name): ..."
    (tmp_path / "odd_words.py").write_text(odd, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    code = "from structuring import Deal"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert said in done.stderr

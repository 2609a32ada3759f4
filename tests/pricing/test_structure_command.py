"""`firstloss structure`: its tables, what a goal and a step of a test do worked by hand, what it writes, its frontier."""

import json

import pytest
from reported import parsed as page_of
from reported import same
from typer.testing import CliRunner

from pricing.cli import app
from pricing.market.market_files import load_market
from pricing.structure.frontier import frontier
from pricing.structure.par import coupon_of
from pricing.structure.solve import structured
from pricing.structure.terms.amount import amount
from pricing.structure.terms.goals import with_goals
from pricing.structure.terms.sizing_test import parsed
from pricing.structure.terms.structure_terms import MARK, Structure, load_structure
from pricing.structure.written_terms import write_terms
from structuring.deals.deal_files import load_deal, load_scenarios
from structuring.documents.yaml_and_json import save_term
from structuring.runs.run import run
from waterfalls.terms.tranches import Note

DEAL = "vantage-jersey"
LEVELS = "at_closing(ltv('A-2')) <= 0.50", "at_closing(ltv('B')) <= 0.55"  # below what the stresses of its file allow


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The tables of a shipped deal with its notes at 50 % and 55 % of value, and the folder written."""
    folder = tmp_path_factory.mktemp("sized") / "out"
    goals = [option for level in LEVELS for option in ("--goal", level)]
    result = CliRunner().invoke(app, ["structure", DEAL, *goals, "--out", str(folder), "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout), folder


def rows(told, table):
    found = told[0]
    return found["tables"][table] if "tables" in found else found[table]


def test_a_goal_takes_the_place_of_the_test_that_measures_the_same(told):
    size = {row["tranche"]: row["size"] for row in rows(told, "tranches")}
    worth = size["A-2"] / 0.50
    assert size["A-2"] + size["B"] == pytest.approx(0.55 * worth, rel=1e-9)
    ltv = {row["tranche"]: row["ltv"] for row in rows(told, "tranches")}
    assert ltv["A-2"] == pytest.approx(0.50) and ltv["B"] == pytest.approx(0.55)  # the undrawn A-1 is not owed
    tests = [row["test"] for row in rows(told, "tests")]
    assert "at_closing(ltv('B')) <= 0.55" in tests and "at_closing(ltv('B')) <= 0.6" not in tests


def test_sources_are_uses(told):
    sides = {
        side: sum(row["amount"] for row in rows(told, "funding") if row["side"] == side) for side in ("source", "use")
    }
    assert sides["source"] == pytest.approx(sides["use"], rel=1e-12)


def test_a_step_of_loan_to_value_buys_a_hundredth_of_the_value(told):
    """By hand: a size held by loan to value is level x value, so a point more is a hundredth of the value."""
    size = {row["tranche"]: row["size"] for row in rows(told, "tranches")}
    point = 0.01 * size["A-2"] / 0.50
    change = {(row["step"], row["solved"]): row["change"] for row in rows(told, "shadow_prices")}
    assert change["at_closing(ltv('B')) <= 0.56", "B"] == pytest.approx(point, rel=1e-6)
    assert change["at_closing(ltv('A-2')) <= 0.51", "A-2"] == pytest.approx(point, rel=1e-6)
    assert change["at_closing(ltv('A-2')) <= 0.51", "B"] == pytest.approx(-point, rel=1e-6)


def test_amounts_stand_among_the_numbers_and_in_the_written_file(told):
    (reserve,) = rows(told, "numbers")
    assert reserve["number"] == "accounts['liquidity reserve'].balance"
    account = next(account for account in load_deal(told[1]).accounts if account.name == "liquidity reserve")
    assert account.balance == reserve["value"]


def test_the_frontier_marks_the_chosen_structure_and_follows_its_test():
    """With one test, along loan to value: the size is level x value at every point."""
    from pricing.structure.terms.sizing_test import parsed

    deal, scenarios, market = load_deal(DEAL), load_scenarios(DEAL)[:1], load_market(DEAL)
    terms = Structure({"A-2": (parsed("at_closing(ltv('A-2')) <= 0.5"),), "equity": "rest"})
    answer = structured(deal, terms, scenarios, market)
    points = frontier(deal, answer)
    sized = [point for point in points if point.curve == "size of A-2"]
    assert [point.chosen for point in sized] == [False] * 4 + [True]
    assert [point.sizes["A-2"] for point in sized] == pytest.approx(
        [share * answer.size("A-2") for share in (0.6, 0.7, 0.8, 0.9, 1.0)]
    )
    returns = [point.equity_irr for point in sized]
    assert returns == sorted(returns)  # borrowing costs less than the property earns, so more of it lifts the equity


def test_the_report_tells_how_the_deal_was_structured(tmp_path):
    """Every cell of its section is that of the solution's tables; sentences, curves and the chosen structure are there."""
    from pricing.commands.structure import write
    from pricing.structure.shadow_prices import shadow_prices
    from pricing.structure.solution import Solution
    from pricing.structure.terms.sizing_test import parsed

    deal, scenarios, market = load_deal(DEAL), load_scenarios(DEAL), load_market(DEAL)
    terms = Structure(
        {"A-2": (parsed("at_closing(ltv('A-2')) <= 0.5"), parsed("loss('A-2') <= 0 in 'rent cut 40 %'")), "equity": "rest"},
        coupons={"A-2": "par"},
        amounts={"accounts['liquidity reserve'].balance": amount("months_of_interest(3, 'A-2')")},
    )  # fmt: skip
    answer = structured(deal, terms, scenarios, market)
    made = Solution(answer, tuple(shadow_prices(deal, answer)), tuple(frontier(deal, answer)))
    write(tmp_path / "page.html", made, print)
    page, text = page_of(tmp_path / "page.html"), (tmp_path / "page.html").read_text("utf-8")
    tables = {
        "solved": made.tranches(), "solved_besides": made.numbers(), "tests": made.tests(), "shadow_prices": made.shadow_prices(),
        "cost_of_money": made.figures().drop(columns="value"),
    }  # fmt: skip
    for name, frame in tables.items():
        rows = list(frame.itertuples(index=False, name=None))
        assert len(rows) == len(page.tables[name]) - 1 > 0, name
        for got, row in zip(page.tables[name][1:], rows, strict=True):
            assert all(same(cell, value) for cell, value in zip(got, row, strict=True)), (name, got, row)
    chosen = [row for row in page.tables["frontier"][1:] if "chosen" in row]
    curves = {point.curve for point in made.points}
    assert len(chosen) == len(curves) == 2  # along its size, and along the depth of the stress
    assert "at_closing(ltv(&#39;A-2&#39;)) &lt;= 0.51: " in text
    assert all(f'id="frontier-{n}"' in text for n in (1, 2))


def test_what_is_wrong_with_the_file_is_told_at_once_with_its_lines(tmp_path):
    file = tmp_path / "structure.yaml"
    file.write_text(
        "firstloss-structure: 1\nsizes:\n  A-3: [dscr('A-2') >= 1.4]\n  A-2:\n    - dscr('A-2') >= 1.4\n    - dscr('A-2') <= 1.2\n"
        "    - loss('A-2') <= 0 in 'rent cut 60 %'\n  equity: rest\ncoupons: {C: par}\n",
        encoding="utf-8",
    )
    result = CliRunner().invoke(app, ["structure", DEAL, "--structure", str(file)])
    said = f"{result.output}{result.exception}"
    assert "4 faults" in said
    assert "line 3, sizes['A-3']: there is no tranche 'A-3'. Did you mean 'A-" in said
    assert "line 6, sizes['A-2'][1]: 'dscr('A-2') <= 1.2' and 'dscr('A-2') >= 1.4' contradict each other" in said
    assert "line 7, sizes['A-2'][2]: there is no scenario 'rent cut 60 %'. Did you mean 'rent cut 40 %'?" in said
    assert "line 9, coupons['C']: there is no note 'C'" in said


def test_without_a_structure_beside_the_deal_the_option_is_named():
    result = CliRunner().invoke(app, ["structure", "iren-hardware-3"])
    assert result.exit_code != 0
    assert "say --structure FILE" in f"{result.output}{result.exception}"


RATIOS = """\
firstloss-structure: 1
sizes:
  A:
    - dscr('A') >= 1.6 # of the term sheet
    - at_closing(ltv('A')) <= 0.70
  B: ["dscr('A', 'B') >= 1.3"] # both
  equity: rest
coupons: {A: par, B: par}
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A folder with the deal of the template and a file of ratios."""
    folder = tmp_path_factory.mktemp("template")
    assert CliRunner().invoke(app, ["new", str(folder / "my-deal")]).exit_code == 0
    (folder / "ratios.yaml").write_text(RATIOS, encoding="utf-8")
    return folder


def structure(folder, *more, terms="ratios.yaml"):
    """What `firstloss structure` says of the template's deal."""
    asked = [
        "structure",
        str(folder / "my-deal"),
        "--structure",
        str(folder / terms),
        "--out",
        str(folder / "out"),
        *more,
    ]
    result = CliRunner().invoke(app, asked, env={"COLUMNS": "400"})
    return " ".join(f"{result.output} {result.exception or ''}".split())


def test_the_written_structure_is_what_was_solved(template):
    """Goals stand in the file that was used, its comments kept, and solving what was written gives the same sizes."""
    goals = "dscr('A', 'B') >= 1.40x", "at_closing(ltv('A')) <= 50 %", "wal('A') <= 20", "equity_irr('equity') >= 1 %"
    said = structure(template, *(option for goal in goals for option in ("--goal", goal)))
    text = (template / "out" / "structure.yaml").read_text("utf-8")
    assert (
        "    - dscr('A') >= 1.6 # of the term sheet\n" in text and "  B: [\"dscr('A', 'B') >= 1.4\"] # both\n" in text
    )
    assert "    - \"at_closing(ltv('A')) <= 0.5\" # by --goal\n    - \"wal('A') <= 20\" # by --goal\n" in text
    assert text.endswith("must:\n  - \"equity_irr('equity') >= 0.01\" # by --goal\n")
    again = CliRunner().invoke(app, ["structure", str(template / "out"), "--out", str(template / "again"), "--json"])
    sizes = {row["tranche"]: row["size"] for row in json.loads(again.stdout)["tables"]["tranches"]}
    solved = {tranche.name: tranche.notional for tranche in load_deal(template / "out").tranches}
    assert sizes == pytest.approx(solved, rel=1e-8)
    for doubt in (
        "B is held at dscr('A', 'B') >= 1.4, where the trigger 'cash trap' (dscr(trailing=2) < 1.4) is",
        "coupons of A, B: solved at the quotes of the market file",
        "accounts['reserve'].balance: left at 11.8 million",
    ):
        assert doubt in said
    assert "a loss here" not in said  # no test speaks of one


@pytest.mark.parametrize("kind", ["json", "folded"])
def test_terms_whose_file_cannot_be_edited_are_written_anew(tmp_path, kind):
    source, goal = tmp_path / f"terms.{'json' if kind == 'json' else 'yaml'}", "dscr('A') >= 1.5"
    asked = Structure({"A": (parsed("dscr('A') >= 1.6"),), "equity": "rest"})
    if kind == "json":
        save_term(asked, source, mark=MARK)
    else:
        source.write_text(
            "firstloss-structure: 1\nsizes:\n  A:\n    - >-\n      dscr('A')\n      >= 1.6\n  equity: rest\n", "utf-8"
        )
    changed = with_goals(asked, [goal])
    write_terms(changed, source, tmp_path / "structure.yaml")
    assert load_structure(tmp_path / "structure.yaml") == changed != asked == load_structure(source)


def test_other_files_that_were_read_are_those_written(template):
    """A market and scenarios said by option stand in the folder, not those beside the deal."""
    for name in ("market", "scenarios"):
        text = (template / "my-deal" / f"{name}.yaml").read_text("utf-8")
        (template / f"other-{name}.yaml").write_text(f"{text}\n# the other\n", encoding="utf-8")
    structure(
        template, *(x for name in ("market", "scenarios") for x in (f"--{name}", str(template / f"other-{name}.yaml")))
    )
    assert all(
        "# the other" in (template / "out" / f"{name}.yaml").read_text("utf-8") for name in ("market", "scenarios")
    )


def test_the_reserve_holds_six_months_at_the_coupons_that_are_solved(template):
    """By hand: half a year's coupons on the sizes, and what the target asks for on the first date is the same."""
    file = template / "my-deal" / "structure.yaml"
    amounts = file.read_text("utf-8").partition("amounts:\n")[2].partition("\n\n")[0]
    (template / "reserve.yaml").write_text(f"{RATIOS}amounts:\n{amounts}\n", encoding="utf-8")
    said = structure(template, terms="reserve.yaml")
    assert "accounts['reserve'].balance: left" not in said
    deal = load_deal(template / "out")
    interest = sum(note.notional * coupon_of(note) for note in deal.tranches if isinstance(note, Note))
    balance = next(account.balance for account in deal.accounts if account.name == "reserve")
    assert interest > 1e7 and balance == pytest.approx(interest / 2, rel=1e-9)
    first = run(deal, load_scenarios(template / "my-deal")[:1])
    assert first["account", "reserve"][0, 0] == pytest.approx(balance, rel=1e-9)


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        ("loss('C') <= 0", "--goal \"loss('C') <= 0\": there is no note 'C'"),
        ("dscr('A') >= 1.2 in 'bust'", "--goal \"dscr('A') >= 1.2 in 'bust'\": there is no scenario 'bust'"),
        ("multiple('eqty') >= 2", "--goal \"multiple('eqty') >= 2\": there is no tranche 'eqty'. Did you mean 'equity'?"),
        ("wal('A') > 3", "--goal: \"wal('A') > 3\": a test says >= or <="),
        ("dscr('A', 'B') >= 1.6", "A already takes all that dscr('A', 'B') >= 1.6 allows; nothing is left for B"),
        ("at_closing(ltv('B')) <= 0.1", "no size of B passes its tests: even at USD 740, the least that is looked for"),
        ("equity_irr('equity') >= 40 %", "the deal that they make fails equity_irr('equity') >= 0.4"),
        ("equity_irr('equity') >= 20", "equity_irr is a share, so that 20 is 2,000%; write 0.2, or 20 %"),
        ("at_closing(ltv('B')) <= 60", "at_closing(ltv('B')) <= 60: ltv is a share, so that 60 is 6,000%; write 0.6, or 60 %"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_goal_names_the_goal(template, goal, said):
    assert said in structure(template, "--goal", goal)

"""A servicer's report beside the model: what ties, what does not, and what cannot be held against anything."""

import datetime as dt
import io
import json

import pandas as pd
import pytest
from tiny import flows_from, plan_from
from typer.testing import CliRunner

from pricing.cli import app
from pricing.comparison.tie_out import offered, read_report, tie_out, write_template
from waterfalls.errors import InvalidTerms

TEXT = (
    "tranches: [{note: {name: A, notional: 100.0, coupon: {fixed: {rate: 0.05}}}}]\n"
    "fees: [{name: trustee, annual: 1.0}]\n"
    "accounts: [{name: reserve, target: 3.0, balance: 2.0}]\n"
    "triggers: [{name: T, test: \"ic_ratio('A') < 1.1\"}]\n"
    "waterfall: [\"pay(fee('trustee'))\", \"pay(interest('A')).supported_by('reserve')\", \"pay(top_up('reserve'))\", "
    "\"pay(principal('A')).capped(20)\", \"pay(interest('A'))\", \"pay(residual('E'))\"]"
)


@pytest.fixture(scope="module")
def flows():
    """9, 5 and 40 of interest arrive: the second date draws 1 of the reserve, the third repays 20."""
    return flows_from(plan_from(TEXT), interest=[9, 5, 40])


def by_hand(flows):
    """The same deal on paper: (date, clause, item) and the amount."""
    first, second, third = flows.dates
    return [
        (first, "", "collections", 9.0), (first, "", "fee of trustee", 1.0), (first, "", "interest of A", 5.0),
        (first, "", "into reserve", 1.0), (first, "", "account reserve", 3.0), (first, "4", "principal of A", 2.0),
        (first, "", "balance of A", 98.0), (first, "", "remainder to E", 0.0), (first, "2", "", 5.0),
        (first, "", "dscr", 1.6), (first, "", "ic_ratio('A')", 1.6), (first, "", "trigger T", 0.0),
        (second, "2", "interest of A", 4.9), (second, "5", "interest of A", 0.0), (second, "", "drawn on reserve", 0.9),
        (second, "", "account reserve", 2.1), (second, "", "principal of A", 0.0), (second, "", "trigger T", 1.0),
        (third, "", "interest due on A", 4.9), (third, "", "into reserve", 0.9), (third, "(4)", "principal of A", 20.0),
        (third, "", "balance of A", 78.0), (third, "", "remainder to E", 13.2), (third, "", "arrears of A", 0.0),
    ]  # fmt: skip


def written(path, rows):
    frame = pd.DataFrame(rows, columns=["date", "clause", "item", "theirs"])
    {".csv": frame.to_csv, ".xlsx": frame.to_excel, ".parquet": frame.to_parquet}[path.suffix](path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_the_model_ties_to_paper(flows, tmp_path, suffix):
    report = read_report(written(tmp_path / f"report{suffix}", by_hand(flows)))
    table = tie_out(flows, "given", report, amounts=1e-9, ratios=1e-9)
    assert table["ties"].all(), table[~table["ties"]]
    assert len(table) == len(by_hand(flows))


def test_what_differs_is_told_by_how_much(flows, tmp_path):
    rows = by_hand(flows)
    rows[2] = (*rows[2][:3], 5.25)
    rows[9] = (*rows[9][:3], 1.604)
    table = tie_out(flows, "given", read_report(written(tmp_path / "r.csv", rows)), amounts=0.01)
    assert table.index[~table["ties"]].tolist() == [2]
    assert table.loc[2, "difference"] == pytest.approx(0.25) and table.loc[2, "ours"] == pytest.approx(5.0)
    assert table.loc[9, "ties"], "a ratio told to two decimals is within 0.005"
    frame = pd.read_csv(tmp_path / "r.csv").assign(tolerance=[0.3 if n == 2 else None for n in range(len(rows))])
    frame.to_csv(tmp_path / "own.csv", index=False)
    assert tie_out(flows, "given", read_report(tmp_path / "own.csv"), amounts=0.01)["ties"].all()


def test_a_tie_out_reads_back_as_a_report(flows, tmp_path):
    table = tie_out(flows, "given", read_report(written(tmp_path / "r.csv", by_hand(flows))))
    table.to_csv(tmp_path / "again.csv", index=False)
    again = tie_out(flows, "given", read_report(tmp_path / "again.csv"))
    pd.testing.assert_frame_equal(again, table)


def test_what_cannot_be_tied_is_told_at_once_with_the_nearest(flows, tmp_path):
    first = flows.dates[0]
    wrong = [
        (first + dt.timedelta(days=9), "", "balance of A", 1.0), (first, "", "intrest of A", 5.0),
        (first, "9", "interest of A", 5.0), (first, "", "", 5.0), (first, "", "Interest_A", 5.0),
    ]  # fmt: skip
    with pytest.raises(InvalidTerms) as caught:
        tie_out(flows, "given", read_report(written(tmp_path / "r.csv", wrong)), title="r.csv")
    told = str(caught.value)
    assert "r.csv, 4 faults" in told
    assert f"row 2, date: {first + dt.timedelta(days=9)} is no payment date; the nearest is {first}" in told
    assert "row 3, item: there is no item 'intrest of A'. Did you mean 'interest of A'?" in told
    assert "row 4, clause: there is no clause '9': they run from 1 to 6" in told
    assert "row 5: names neither an item nor a clause" in told


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_a_template_holds_every_item_and_reads_back_once_filled_in(flows, tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    assert write_template(path, flows, "given", [flows.dates[1]]) > 30
    with pytest.raises(InvalidTerms, match="holds no amount yet: fill in its column 'theirs'"):
        read_report(path)
    read = {".csv": pd.read_csv, ".xlsx": pd.read_excel, ".parquet": pd.read_parquet}[suffix](path)
    assert {item for _, _, item, _ in by_hand(flows) if item} <= set(read["item"].dropna())
    filled = read.assign(theirs=read["ours"])
    {".csv": filled.to_csv, ".xlsx": filled.to_excel, ".parquet": filled.to_parquet}[suffix](path, index=False)
    assert tie_out(flows, "given", read_report(path), amounts=1e-9)["ties"].all()


def test_what_is_paid_in_all_is_what_the_flows_say(flows):
    table = offered(flows, "given").query("clause == ''").pivot(index="date", columns="item", values="ours")
    for item, array in {
        "interest of A": flows.interest["A"], "principal of A": flows.principal["A"], "balance of A": flows.balance["A"],
        "fee of trustee": flows.fees["trustee"], "account reserve": flows.accounts["reserve"],
        "remainder to E": flows.interest["E"],
    }.items():  # fmt: skip
        assert table[item].tolist() == pytest.approx(array[0].tolist()), item


def test_the_command_ends_with_1_where_anything_is_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["tieout", "vantage-jersey"]
    wrote = CliRunner().invoke(app, [*command, "--write-template", "r.csv", "--date", "2027-02-20"])
    assert wrote.exit_code == 0 and "fill in the column 'theirs'" in wrote.stdout
    frame = pd.read_csv("r.csv")
    frame["theirs"] = frame["ours"].where(frame["item"] == "interest of A-2").round(2)
    frame.to_csv("r.csv", index=False)
    ties = CliRunner().invoke(app, [*command, "r.csv"])
    assert ties.exit_code == 0 and "All 2 lines tie." in ties.stdout
    # by hand: 800m at 6.172 % for a quarter of 30/360
    assert "12,344,000.00  12,344,000.00" in ties.stdout
    frame["theirs"] += 1.5
    frame.to_csv("r.csv", index=False)
    out = CliRunner().invoke(app, [*command, "r.csv"])
    assert out.exit_code == 1 and "2 of 2 lines are out of tolerance, the first on 2027-02-22" in out.stdout
    assert CliRunner().invoke(app, [*command, "r.csv", "--tolerance", "2"]).exit_code == 0
    told = CliRunner().invoke(app, [*command, "r.csv", "--json"])
    document = json.loads(told.stdout)
    assert told.exit_code == 1 and document["out_of_tolerance"] == 2
    lines = pd.read_csv(io.StringIO(CliRunner().invoke(app, [*command, "r.csv", "--csv"]).stdout))
    assert lines["difference"].tolist() == pytest.approx([1.5, 1.5])
    assert [row["difference"] for row in document["tables"]["lines"]] == lines["difference"].tolist()
    assert "give a report" in str(CliRunner().invoke(app, command).exception)


def test_tranches_that_differ_in_capitals_alone_are_two(tmp_path):
    text = (
        "tranches: [{note: {name: A, notional: 100.0, coupon: {fixed: {rate: 0.05}}}}, "
        "{note: {name: a, notional: 10.0, coupon: {fixed: {rate: 0.05}}}}]\n"
        "waterfall: [\"pay(interest('A'))\", \"pay(interest('a'))\", \"pay(residual('E'))\"]"
    )
    flows = flows_from(plan_from(text), interest=[9, 9, 9])
    first = flows.dates[0]
    rows = [(first, "", "interest of A", 5.0), (first, "", "interest of a", 0.5)]
    assert tie_out(flows, "given", read_report(written(tmp_path / "r.csv", rows)))["ours"].tolist() == [5.0, 0.5]

"""The live workbook: its layout and words here, its arithmetic by LibreOffice in the slow tests."""

import dataclasses
import re
import time

import numpy as np
import openpyxl
import pytest
from deals import plans, random_rates, random_receipts
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from recalculated import agree, figure, recalculated, set_to

from pricing import SpreadShock, price, who_bears, write_model
from pricing.commands.shared.options import case
from pricing.report.live_model import write_model as module
from pricing.report.live_model.grid import CHARACTERS, FIRST, FORMULA, INPUT, LABEL, OPENING, UNIT
from structuring import run
from structuring.deals.deal_files import library
from waterfalls import Fixed, Receipts, distribute
from waterfalls.engines.laws import tolerance
from waterfalls.errors import TooLarge


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """vantage-jersey as a model, with what it was made of."""
    return made("vantage-jersey", tmp_path_factory.mktemp("model") / "model.xlsx")


def made(name, path, scenario=None, shocks=()):
    """A shipped deal as a model."""
    deal, scenarios, market = case(name, None, None)
    flows = run(deal, scenarios, rates=market.rates(deal))
    prices = price(flows, market, shocks, reference=scenarios[0].name)
    losses = who_bears(prices, deal.holders, reference=(scenarios[0].name, "unchanged"))
    return write_model(path, flows, losses, market, scenario=scenario), flows, losses, market


def formulas(book):
    for sheet in book:
        for row in sheet.iter_rows():
            yield from (cell for cell in row if cell.data_type == "f")


def relative(cell):
    """A formula as what it reads by distance in columns, which is how it is copied."""

    def moved(found):
        column, row = found[1], found[2]
        return f"[{openpyxl.utils.column_index_from_string(column) - cell.column}]{row}"

    return re.sub(r"(?<![A-Za-z$_])([A-Z]{1,3})(\$?\d+)(?![A-Za-z_\d(])", moved, cell.value)


def test_a_line_has_one_formula_at_every_date_and_none_is_long(model):
    book = openpyxl.load_workbook(model[0])
    assert max(len(cell.value) for cell in formulas(book)) <= 200
    for name in ("Waterfall", "Checks", "Value", "Collateral"):
        for row in book[name].iter_rows(min_row=6, min_col=FIRST):
            said = {relative(cell) for cell in row if cell.data_type == "f"}
            assert len(said) <= 1, (name, row[0].row, said)


def test_nothing_is_volatile_merged_linked_or_hidden_and_colours_say_what_is_an_input(model):
    book = openpyxl.load_workbook(model[0])
    assert book.sheetnames == list(module.SHEETS)
    for cell in formulas(book):
        assert not re.search(r"NOW|TODAY|OFFSET|INDIRECT|RAND|\[", cell.value), cell.value
        assert cell.font.color.rgb[2:] != INPUT
    for sheet in book:
        assert not sheet.merged_cells.ranges
        assert sheet.sheet_state == "visible"
    assert book["Waterfall"].freeze_panes == "E6"
    terms = [cell for row in book["Inputs"].iter_rows(min_row=6) for cell in row if cell.data_type == "n"]
    assert {cell.font.color.rgb[2:] for cell in terms if cell.value is not None} == {INPUT}
    assert FORMULA != INPUT


def test_names_of_cells_are_names_and_stand_beside_them(model):
    book = openpyxl.load_workbook(model[0])
    for name, said in book.defined_names.items():
        sheet, cell = said.attr_text.split("!")
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*_[A-Za-z0-9_]+|Scenario|Tolerance", name), name
        assert not re.fullmatch(r"[A-Za-z]{1,3}\d+", name)
        assert book[sheet][cell.replace("$", "")].value is not None
    beside = {book["Inputs"].cell(row, FIRST).value for row in range(6, 60)}
    assert {"A_2_notional", "A_2_rate", "cash_trap_test", "Scenario"} <= beside


def test_a_scenario_is_chosen_from_those_of_the_file(model):
    path, flows, _, _ = model
    book = openpyxl.load_workbook(path)
    (rule,) = book["Inputs"].data_validations.dataValidation
    first, last = re.findall(r"\d+", rule.formula1)
    offered = [book["Collateral"].cell(row, 1).value for row in range(int(first), int(last) + 1)]
    assert offered == list(flows.scenarios)


def test_losses_are_against_the_values_before_a_move_of_rates(tmp_path):
    """As `who_bears` has them: made after the move, the model told the loss that rates took as none."""
    deal, (base, *_), market = case("vantage-jersey", None, None)
    flows, there = run(deal, base, rates=market.rates(deal)), market.shifted(150.0)
    after = run(deal, base, rates=there.rates(deal))
    losses = who_bears(price(after, there, before=(flows, market)), deal.holders)
    book = openpyxl.load_workbook(write_model(tmp_path / "model.xlsx", after, losses, there))
    held = [figure_of(book, f"reference_value_{i + 1}") for i in range(len(flows.tranches))]
    assert held == pytest.approx(price(flows, market).npv[0, 0].tolist(), rel=1e-12)
    assert held[1] > 1.02 * losses.prices.npv[0, 0, 1]


def figure_of(book, name):
    """The number of a named cell."""
    sheet, _, cell = book.defined_names[name].attr_text.replace("$", "").partition("!")
    return book[sheet][cell].value


def read_by(book, cell, ranges=True):
    """What a formula reads, of ranges the ends: labels of lines and names of terms, with the cells."""
    said = cell.value if ranges else re.sub(r"[A-Z$]+\d+:[A-Z$]+\d+|\$?[A-Z]+\$\d+:\$?[A-Z]+\$\d+", "", cell.value)
    for sheet, column, row, name in re.findall(r"(?:(\w+)!)?\$?\b([A-Z]{1,3})\$?(\d+)\b(?!\()|\b([A-Z]\w*_\w+)", said):
        page = book[sheet] if sheet else cell.parent
        yield name or page.cell(int(row), LABEL).value, None if name else page[f"{column}{row}"]


def test_a_payment_leads_line_by_line_to_the_inputs_as_the_how_to_says(model):
    book = openpyxl.load_workbook(model[0])
    rows = {cell.value: cell.row for cell in reversed(book["Waterfall"]["A"]) if cell.value}
    paid = book["Waterfall"].cell(rows["(6) paid, interest on A-2"], FIRST + 1)
    (due, at_due), (available, at_available) = read_by(book, paid)
    assert (due, available) == ("(6) due, interest on A-2", "(6) available")
    ((owed, at_owed),) = read_by(book, at_due)
    (arrears, _), (falling, at_falling) = read_by(book, at_owed)
    assert (owed, arrears, falling) == (
        "interest owed, A-2", "opening: interest owed, A-2", "interest falling due, A-2"
    )  # fmt: skip
    (balance, at_balance), (rate, _), (part, at_part) = read_by(book, at_falling)
    assert (balance, rate, part[:28]) == ("opening: balance, A-2", "A_2_rate", "part of a year, 30/360: A-2,")
    assert (at_part.parent.title, at_part.value) == ("Inputs", 0.25)
    ((_, before),) = read_by(book, at_balance)
    assert before.column == paid.column - 1
    first = book["Waterfall"].cell(before.row, OPENING)
    assert first.value == "=A_2_notional"
    assert [name for name, _ in read_by(book, at_available)] == [
        "in force: before enforcement", "(5) cash left", "(5) balance, liquidity reserve"
    ]  # fmt: skip
    cash = next(at for name, at in read_by(book, at_available) if "cash left" in name)
    while cash.parent.title == "Waterfall":  # clause by clause to what was collected
        reads = [(name, at) for name, at in read_by(book, cash) if not name.startswith("opening")]
        cash = next(at for name, at in reads if "cash left" in name or name == "chosen, all receipts")
    assert {name for _, receipt in read_by(book, cash) for name, _ in read_by(book, receipt)} >= {
        "Scenario_number", "Multiplier_revenue", "rent cut 40 %"
    }  # fmt: skip


def test_no_formula_reads_an_empty_cell(model):
    book = openpyxl.load_workbook(model[0])
    for cell in formulas(book):
        if cell.column in (OPENING, FIRST, FIRST + 1):
            assert all(at is None or at.value is not None for _, at in read_by(book, cell, ranges=False)), (
                cell.coordinate
            )


BLUE = f"00{INPUT}"


def cells_read(book):
    """The cells that a formula reads: one by one, as a range or by name."""
    for cell in formulas(book):
        text = re.sub(r'"[^"]*"', "", cell.value)
        for name in re.findall(r"\b[A-Za-z]\w*\b(?![!(])", text):
            if name in book.defined_names:
                yield from book.defined_names[name].destinations
        for sheet, span in re.findall(r"(?:(\w+)!)?(\$?[A-Z]{1,3}\$?\d+(?::\$?[A-Z]{1,3}\$?\d+)?)\b(?!\()", text):
            yield sheet or cell.parent.title, span


QUICK = {"coreweave-ddtl-4", "tpu-lease-2026", "vantage-jersey"}  # a floating and a fixed loan, no costs, two regimes
EVERY = [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow)
         for name in sorted(set(library()) - {"ai-debt-market"})]  # fmt: skip


@pytest.fixture(scope="module", params=EVERY)
def shipped(request, tmp_path_factory):
    """The model of a shipped deal."""
    path = tmp_path_factory.mktemp("shipped") / "model.xlsx"
    return openpyxl.load_workbook(made(request.param, path)[0])


def test_every_blue_number_is_read_by_a_formula_and_has_its_unit(shipped):
    read = set()
    for sheet, span in set(cells_read(shipped)):
        low, _, high = span.replace("$", "").partition(":")
        left, top, right, bottom = openpyxl.utils.range_boundaries(f"{low}:{high or low}")
        read |= {(sheet, row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)}
    blue = [cell for sheet in shipped for row in sheet.iter_rows() for cell in row
            if cell.value is not None and cell.font.color is not None and cell.font.color.rgb == BLUE]  # fmt: skip
    assert len(blue) > 100
    dead = [f"{cell.parent.title}!{cell.coordinate} {cell.parent.cell(cell.row, LABEL).value}" for cell in blue
            if (cell.parent.title, cell.row, cell.column) not in read]  # fmt: skip
    assert not dead
    for cell in blue:
        dated = (
            cell.column == FIRST and cell.parent.cell(cell.row, OPENING).is_date
        )  # a node: its logarithm has no unit
        if cell.column in (OPENING, FIRST) and not dated and not cell.is_date and cell.data_type == "n":
            label, unit = (cell.parent.cell(cell.row, column).value for column in (LABEL, UNIT))
            assert unit, label
            assert unit != "x" or abs(cell.value) < 1000.0, label


def test_no_text_is_cut_and_no_two_clauses_have_a_line_of_one_name(shipped):
    for sheet in shipped:
        labels = [(cell.row, cell.value) for cell in sheet["A"] if isinstance(cell.value, str)]
        for row, label in labels:
            assert not label.endswith("..."), label
            spills = all(sheet.cell(row, column).value is None for column in range(UNIT, FIRST))
            assert len(label) <= CHARACTERS or sheet.cell(row, LABEL).alignment.wrap_text or spills, label
    clauses = [label for _, label in labels_of(shipped["Waterfall"]) if re.match(r"[^:]*\(\d+\) (?!to )", label)]
    assert len(clauses) == len(set(clauses))


def labels_of(sheet):
    return [(cell.row, cell.value) for cell in sheet["A"] if isinstance(cell.value, str) and cell.row > 5]


def test_a_swap_of_a_share_of_a_balance_is_a_factor_and_the_front_leads_to_every_section(tmp_path):
    book = openpyxl.load_workbook(made("coreweave-ddtl-4", tmp_path / "model.xlsx")[0])
    ((_, cell),) = book.defined_names["rate_swap_notional"].destinations
    row = book["Inputs"][cell.replace("$", "")].row
    assert [book["Inputs"].cell(row, column).value for column in (LABEL, UNIT, OPENING)] == [
        "rate swap: notional, factor", "x", 0.95
    ]  # fmt: skip
    links = {cell.value: cell.hyperlink.location for (cell,) in book["Front"].iter_rows(max_col=1) if cell.hyperlink}
    assert links.keys() >= {
        "Priority of payments: before default",
        "Priority of payments: after default",
        "Terms of the deal",
    }
    for title, place in links.items():
        sheet, at = place.replace("'", "").split("!")
        assert book[sheet][at].value == title or at == "A1"
    said = [cell.value for cell in book["Front"]["A"] if cell.value]
    assert any(text.startswith("Cells hold USD and show USD million") for text in said)
    assert any(
        "floating, fixed, equity. Paid interest by one clause, pro rata: floating and fixed" in text for text in said
    )
    begins, ends = (book["Inputs"].cell(line, FIRST).value.date() for line, label in labels_of(book["Inputs"])
                    if label.startswith("period ") and "30/360" in label)  # fmt: skip
    assert (begins.isoformat(), ends.isoformat()) == ("2026-06-30", "2026-07-31")


HOSTILE = ["=1+1", "+A1", "@SUM(A1)", 'it\'s "quoted"', "x" * 200, "\u05e9\u05dc\u05d5\u05dd", "-", "R1C1"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_a_text_and_gives_no_odd_name(name, tmp_path):
    from deals import plan_of

    from pricing import Market
    from structuring import Holdings
    from waterfalls import Equity, Fixed, Note, Receipts, distribute, interest, pay, principal, residual

    waterfall = pay(interest(name)) >> pay(principal(name)) >> pay(residual("E"))
    plan = plan_of(waterfall, Note(name, 100.0, coupon=Fixed(0.04)), Equity("E"), periods=3)
    flows = distribute(plan, Receipts(plan.schedule.ends, interest=np.full(3, 40.0), scenarios=[name]))
    market = Market(0.04, quotes={name: 0.01, "E": {"yield": 0.1}}, valuation=plan.schedule.payment[0], currency="USD")
    losses = who_bears(
        price(flows, market), Holdings({name: {name: 1.0}, "E": {"banks": 1.0}}), reference=(name, "unchanged")
    )
    book = openpyxl.load_workbook(write_model(tmp_path / "m.xlsx", flows, losses, market))
    texts = [
        cell
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str) and name in cell.value
    ]
    assert texts
    assert all(cell.data_type == "s" for cell in texts if cell.value == name)
    assert all(re.fullmatch(r"[A-Za-z_0-9]+", said) and len(said) < 80 for said in book.defined_names)


@pytest.mark.parametrize(
    ("bound", "most", "said"),
    [
        ("MOST_FORMULAS", 1000, r"a model holds at most 1,000 formulas, and 'vantage-jersey' would need [\d,]+"),
        ("MOST_DATES", 10, "a model holds at most 10 payment dates, and 'vantage-jersey' would need 50"),
        ("MOST_SCENARIOS", 2, "a model holds at most 2 scenarios, and 'vantage-jersey' would need 4"),
    ],
)
def test_too_large_a_deal_is_refused_with_the_bound_before_anything_is_written(model, tmp_path, monkeypatch, bound, most, said):  # fmt: skip
    _, flows, losses, market = model
    monkeypatch.setattr(module, bound, most)
    with pytest.raises(TooLarge, match=said):
        write_model(tmp_path / "m.xlsx", flows, losses, market)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dates", "most"), [("ai-credit-clo", 40, 10.0), ("stack-master-trust", 353, 60.0)])
def test_writing_takes_seconds_of_a_processor(name, dates, most, tmp_path):
    _, flows, losses, market = made(name, tmp_path / "first.xlsx")
    begin = time.process_time()
    write_model(tmp_path / "model.xlsx", flows, losses, market)
    assert flows.periods == dates
    assert time.process_time() - begin < most


# By LibreOffice ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(library()) - {"ai-debt-market"}))
def test_another_program_recalculates_every_scenario_of_every_shipped_deal(name, tmp_path):
    written, flows, losses, _ = made(name, tmp_path / "model.xlsx")
    files = [set_to(written, tmp_path / f"{s}.xlsx", Scenario=said) for s, said in enumerate(flows.scenarios)]
    for s, book in enumerate(recalculated(files, tmp_path)):
        agree(book, flows, s)
        assert figure(book, "Front", "all checks hold (1) or not (0)") == 1
        priced(book, losses.prices, s)


def priced(book, prices, s, k=0):
    """That values and yields are those of the prices; what pays nothing or is worth nothing has no yield."""
    for n, tranche in enumerate(prices.tranches):
        value, expected = figure(book, "Value", "value", after=tranche), prices["yield_to_maturity"][s, k, n]
        assert value == pytest.approx(prices.npv[s, k, n], rel=1e-9, abs=tolerance(prices.cells.ahead.flows.plan))
        found = figure(book, "Front", tranche, after="Yield")
        if np.isnan(expected):
            assert found == "n/a", tranche
        else:
            assert found == pytest.approx(expected, rel=0.0, abs=1e-9), tranche


@pytest.mark.slow
def test_another_program_recalculates_a_hundred_random_deals(tmp_path):
    drawn = []

    @settings(max_examples=100, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    @given(plan=plans(), seed=st.integers(0, 2**32 - 1))
    def draw(plan, seed):
        drawn.append((plan, seed))

    draw()
    from pricing import Market
    from structuring import Holdings

    files, ran = [], []
    for i, (plan, seed) in enumerate(drawn[:100]):
        flows = distribute(plan, random_receipts(plan, seed, 2), rates=random_rates(plan, seed, 2), engine="reference")
        market = Market(0.04, valuation=plan.schedule.payment[0], currency="USD", otherwise=0.02)
        losses = who_bears(
            price(flows, market), Holdings({n: {"banks": 1.0} for n in plan.tranches}), reference=(0, "unchanged")
        )
        files.append(write_model(tmp_path / f"{i}.xlsx", flows, losses, market, scenario=1))
        ran.append(flows)
    assert len(ran) == 100
    for flows, book in zip(ran, recalculated(files, tmp_path), strict=True):
        agree(book, flows, 1)
        assert figure(book, "Front", "all checks hold (1) or not (0)") == 1


def with_note(deal, name, **changed):
    """A deal with one note changed."""
    tranches = tuple(dataclasses.replace(t, **changed) if t.name == name else t for t in deal.tranches)
    return dataclasses.replace(deal, tranches=tranches)


def with_trap_at(deal, level):
    from waterfalls import Trigger

    trap = Trigger("cash trap", test=f"dscr() < {level}", cure=2)
    return dataclasses.replace(deal, triggers=(trap, *deal.triggers[1:]))


CHANGES = {  # cells of vantage-jersey's model, and the deal changed alike
    "notional": ({"B_notional": 80e6}, lambda deal: with_note(deal, "B", notional=80e6)),
    "coupon": ({"B_rate": 0.09}, lambda deal: with_note(deal, "B", coupon=Fixed(0.09))),
    "trigger": ({"cash_trap_test": 1.70}, lambda deal: with_trap_at(deal, 1.70)),
}


@pytest.mark.slow
def test_changed_terms_give_what_the_deal_changed_alike_gives(tmp_path):
    written, flows, _, _ = made("vantage-jersey", tmp_path / "model.xlsx", scenario="largest tenant leaves")
    files = [set_to(written, tmp_path / f"{name}.xlsx", **cells) for name, (cells, _) in CHANGES.items()]
    s = list(flows.scenarios).index("largest tenant leaves")
    deal, scenarios, market = case("vantage-jersey", None, None)
    for book, (_, change) in zip(recalculated(files, tmp_path), CHANGES.values(), strict=True):
        ran = run(change(deal), scenarios, rates=market.rates(deal))
        assert any((ran[key][s] != flows[key][s]).any() for key in flows.plan.outputs)
        agree(book, ran, s)


@pytest.mark.slow
def test_a_spread_shock_moves_values_and_losses_as_the_model_does(tmp_path):
    shock = SpreadShock.parallel(bp=250)
    written, flows, losses, _ = made("vantage-jersey", tmp_path / "m.xlsx", scenario="rent cut 40 %", shocks=[shock])
    (book,) = recalculated([set_to(written, tmp_path / "shock.xlsx", Spread_shock_bp=250.0)], tmp_path)
    s = list(flows.scenarios).index("rent cut 40 %")
    priced(book, losses.prices, s, k=1)
    for c, who in enumerate(losses.classes):
        found = figure(book, "Front", who, after="Loss by investor class")
        assert found == pytest.approx(losses.by_class()[s, 1, c], rel=1e-9, abs=1.0)


def times(receipts, **factors):
    """Receipts of which some fields are multiplied."""
    fields = {name: values * factors.get(name, 1.0) for name, values in receipts.fields.items()}
    return Receipts(receipts.dates, scenarios=receipts.scenarios, events=receipts.events, **fields)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vantage-jersey", "coreweave-ddtl-4"])
def test_multiplied_receipts_and_moved_rates_give_what_the_engine_makes_of_them(name, tmp_path):
    """Of deals with a drawn floating note and without; quotes are turned into spreads before the move, as in the sheet."""
    written, flows, _, market = made(name, tmp_path / "model.xlsx")
    last, moved = len(flows.scenarios) - 1, market.shifted(75.0)
    files = [
        set_to(written, tmp_path / "revenue.xlsx", Multiplier_revenue=0.8, Scenario=flows.scenarios[last]),
        set_to(written, tmp_path / "rates.xlsx", Rates_move_bp=75.0, Scenario=flows.scenarios[last]),
    ]
    revenue, rates = recalculated(files, tmp_path)
    less = times(flows.receipts, revenue=0.8)
    agree(revenue, distribute(flows.plan, less, rates=flows.rates), last)
    after = distribute(flows.plan, flows.receipts, rates=moved.rates(flows.plan))
    agree(rates, after, last)
    priced(rates, price(after, moved, before=(flows, market), reference=flows.scenarios[0]), last)

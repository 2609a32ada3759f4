"""`firstloss validate`: what it refuses, what it doubts and where, and that it is silent about what is meant."""

import re
from pathlib import Path

import babel.numbers
import pytest
from typer.testing import CliRunner

from pricing.cli import app
from structuring.deals.deal_files import library
from waterfalls.clock.conventions import CURRENCIES

TOY = Path(__file__).parent / "structuring" / "toy.yaml"


@pytest.fixture
def fresh(tmp_path):
    CliRunner().invoke(app, ["new", str(tmp_path / "mine")], catch_exceptions=False)
    return tmp_path / "mine"


def write(file, *changes):
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    file.write_text(text, encoding="utf-8")
    return text


def line_in(text, what):
    return 1 + text[: text.index(what)].count("\n")


def told(place):
    result = CliRunner().invoke(app, ["validate", str(place)])
    return result.output if result.exception is None else str(result.exception)


@pytest.mark.parametrize("name", library())
def test_nothing_shipped_is_doubtful(name):
    said = told(name)
    assert "is sound" in said and "doubtful" not in said


def test_the_template_is_not_doubtful(fresh):
    said = told(fresh)
    assert "is sound" in said and "doubtful" not in said


# Currencies -----------------------------------------------------------------------------------------------------------


def test_currencies_are_those_that_are_tender_somewhere():
    used = {code for land in babel.core.get_global("territory_currencies")
            for code in babel.numbers.get_territory_currencies(land)}  # fmt: skip
    assert used <= {*CURRENCIES, "CNH", "ANG"}  # offshore yuan is no ISO code; the guilder of the Antilles has ended
    assert set(CURRENCIES) <= babel.numbers.list_currencies()


def test_a_deal_in_another_currency_than_its_market_is_refused(fresh):
    text = write(fresh / "deal.yaml", ("currency: USD", "currency: EUR"))
    assert "EUR" in text
    line = line_in((fresh / "market.yaml").read_text(encoding="utf-8"), "currency:")
    assert f"line {line}, currency: the deal pays EUR and the market discounts USD: they must agree" in told(fresh)


@pytest.mark.parametrize("name", ["deal.yaml", "market.yaml"])
def test_a_currency_that_is_none_is_refused_with_the_nearest(fresh, name):
    line = line_in(write(fresh / name, ("currency: USD", "currency: USDD")), "currency:")
    said = told(fresh)
    assert f"line {line}, currency: there is no currency of ISO 4217 'USDD'. Did you mean 'USD'?" in said
    assert "must agree" not in said and "is sound" not in said


# Doubts ---------------------------------------------------------------------------------------------------------------

SCHEDULED = "coupon: {fixed: {rate: 0.05}}, amortisation: {%s}}"
MENDED = ("coupon: {fixed: {rate: 0.05}}}", SCHEDULED)
TWENTY = (
    "has 40 instalments of which 20 fall due by its legal final 2031-01-15: what the others would repay is a balloon"
)
SWAP = "hedges: [{swap: {name: swap, notional: 700.0, pay: {fixed: {rate: 0.04}}, receive: {floating: {index: SOFR, margin: 0.0}}}}]\n"


def doubtful(tmp_path, *changes):
    """What is doubtful of the toy with changes, and its text."""
    file = tmp_path / "deal.yaml"
    file.write_text(TOY.read_text(encoding="utf-8"), encoding="utf-8")
    text = write(file, *changes)
    said = told(file).splitlines()
    assert said[-1].startswith(f"{file} is sound"), said
    return [line.removeprefix("doubtful: ") for line in said[:-1]], text


def amortising(terms):
    return MENDED[0], MENDED[1] % terms


@pytest.mark.parametrize(
    ("changes", "at", "said"),
    [
        ([amortising("equal_instalments: {first: 2026-04-15, count: 40}")], "name: A,", f"A {TWENTY}"),
        (
            [amortising("instalments: {amounts: {2031-01-15: 1.0, 2031-04-15: 699.0}}")],
            "name: A,",
            "A amortises on 2031-04-15, which is after its legal final 2031-01-15",
        ),
        (
            [
                amortising("equal_instalments: {first: 2026-04-15, count: 20}"),
                ("waterfall:\n", "regimes: {late: on_or_after('2030-01-15')}\nwaterfall:\n  early:\n"),
                ("  - pay(principal('A', 'B'), sharing='sequential').capped(principal_collections())\n", ""),
                ("  - pay(principal('A', 'B'), sharing='sequential').when(trigger('turbo'))\n", ""),
                ("  - pay(residual('E'))\n", "  - pay(residual('E'))\n  late:\n  - release('reserve')\n"
                 "  - pay(fee('trustee'))\n  - pay(interest('A'))\n  - pay(interest('B'))\n"
                 "  - pay(principal('A', 'B'), sharing='sequential')\n  - pay(residual('E'))\n"),
            ],
            "name: A,",
            "no clause of 'early', the first regime, pays the scheduled principal of A, so its instalments are missed",
        ),
        (
            [("oc_ratio('A') < 1.3", "dscr() < 105")],
            "dscr() < 105",
            "dscr() is held against 105: ratios are decimals, 1.05 is 105 %",
        ),
        ([("oc_ratio('A') < 1.3", "~(130 >= oc_ratio('A'))")], "130 >=", "oc_ratio('A') is held against 130"),
        ([("test: oc_ratio('A') < 1.3", "test: \"oc_ratio('B') < stepped(1.1, {'2028-01-15': 60})\"")], "oc_ratio('B')", "oc_ratio('B') is held against 60"),
        (
            [("top_up('reserve'))", "top_up('reserve')).when(ic_ratio('A', trailing=2) > 120)")],
            "ic_ratio",
            "ic_ratio('A', trailing=2) is held against 120",
        ),
        (
            [
                ("oc_ratio('A') < 1.3", "defined('cover') < 130"),
                ("triggers:", "definitions: {cover: oc_ratio('B')}\ntriggers:"),
            ],
            "defined(",
            "defined('cover') is held against 130",
        ),
        ([("triggers:", f"{SWAP}triggers:")], "hedges:", "no clause pays hedge('swap'), so the counterparty pays"),
        ([("  - pay(fee('trustee'))\n", "")], "{name: trustee", "no clause pays fee('trustee'), so it is never paid"),
        (
            [amortising("level_payments: {first: 2025-04-15, count: 100}")],
            "name: A,",
            "A amortises from 2025-04-15, before the first payment date 2026-04-15",
        ),
        (
            [("interest('A')", "interest('C')"), ("interest('B')", "interest('A')"), ("interest('C')", "interest('B')")],
            "interest('B')",
            "pays interest on B before interest on A, which `tranches` names above it",
        ),
        (
            [("sharing='sequential').when(trigger('turbo'))", "sharing='sequential').when(trigger('turbo'))\n"
              "  - pay(principal('B'))\n  - pay(principal('A'))"), ("  - pay(principal('A', 'B'), sharing='sequential').capped(principal_collections())\n", ""),
             ("  - pay(principal('A', 'B'), sharing='sequential').when(trigger('turbo'))\n", "")],
            "principal('B'))",
            "pays principal of B before principal of A, which `tranches` names above it",
        ),
    ],
)  # fmt: skip
def test_what_is_seldom_meant_is_doubted_with_its_line(tmp_path, changes, at, said):
    lines, text = doubtful(tmp_path, *changes)
    lines = [line for line in lines if not re.search("in every scenario|still holds", line)]  # what some lead to
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"line {line_in(text, at)}, ") and said in lines[0]


LEASES = """collateral:
  lease_portfolio:
    as_of: 2026-01-15
    cap_rate: 0.06
    tenants: [{name: Acme, rent: 60.0, ends: 2031-01-15}]
"""


def test_a_note_that_nothing_repays_is_doubted(tmp_path):
    """A bullet of 700 on a building let for 60 a year and never sold: five years of rent are less than half of it."""
    file = tmp_path / "deal.yaml"
    text = TOY.read_text(encoding="utf-8")
    start, end = text.index("collateral:"), text.index("\ntranches:") + 1
    rest = text[end:].replace("  - pay(fee", "  - pay(expense('operating'))\n  - pay(fee")
    rest = rest.replace("pool_balance()", "balance('A')").replace("oc_ratio('A') < 1.3", "ltv('A') > 0.8")
    file.write_text(text[:start] + LEASES + rest, encoding="utf-8")
    said = told(file).splitlines()
    assert [line for line in said if "A is unpaid on 2031-01-15 in every scenario: say what repays it" in line], said
    (tmp_path / "scenarios.yaml").write_text(
        "firstloss-scenarios: 1\nscenarios: [{name: as is}, {name: sold, sale: 2031-01-10}]\n", encoding="utf-8"
    )
    assert not [line for line in told(file).splitlines() if "A is unpaid" in line]  # 1,000 = 60 / 0.06 come in


def test_a_note_said_in_millions_beside_others_is_doubted(tmp_path):
    lines, _ = doubtful(tmp_path, ("notional: 200.0", "notional: 0.002"))
    assert lines[0].endswith("tranches[1].note.notional: 0.002 beside 700.00 of A: amounts are in USD, not in millions")


def test_a_holder_that_is_no_institution_is_doubted_once_with_the_nearest(fresh):
    text = write(fresh / "deal.yaml", ("insurers: 0.5", "insurance companies: 0.5"))
    line = line_in(text, "insurance companies")
    (said,) = [row for row in told(fresh).splitlines() if "institution" in row]
    assert said.startswith(
        f"doubtful: line {line}, holdings.shares['A']: there is no institution 'insurance companies'. Did you mean 'insurers'?"
    )


def test_cash_that_an_account_keeps_is_doubted_and_the_doubts_are_counted(fresh):
    release = "    - release('reserve', to=0).when(on_or_after('2036-12-15')) # at legal final it repays notes, and keeps nothing back\n"
    last = "    - release('reserve') # what exceeds its target: it shrinks with the notes\n"
    write(fresh / "deal.yaml", (release, ""), (last, ""))
    said = told(fresh)
    assert "accounts[0]: 'reserve' still holds 11,800,000.00 after the last date" in said
    assert "deal.yaml is sound, 1 doubt above" in said


def test_collateral_that_outlives_the_deal_is_told_as_outside(tmp_path):
    lines, _ = doubtful(tmp_path, ("maturity: 2031-01-15\nfrequency", "maturity: 2030-10-15\nfrequency"))
    assert [line for line in lines if "is still owed when the last collections end on 2030-10-15" in line], lines


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("coupon: {fixed: {rate: 0.05}}", "coupon: {fixed: {rate: 0.95}}", "coupon.fixed.rate: 0.95 is 95 % a year"),
        ("coupon: {fixed: {rate: 0.05}}", "coupon: {fixed: {rate: 0.05, step_up: {2028-01-15: 0.75}}}", "0.75 is 75 %"),
        ("triggers:", SWAP.replace("0.04", "0.6") + "triggers:", "hedges[0].swap.pay.fixed.rate: 0.6 is 60 % a year"),
        ("rate: 0.08", "rate: 0.90", "rate: 0.9 is 90 % a year"),
    ],
)
def test_rates_in_per_cent_are_doubted(tmp_path, old, new, said):
    assert [line for line in doubtful(tmp_path, (old, new))[0] if said in line]


@pytest.mark.parametrize(
    "changes",
    [
        [amortising("equal_instalments: {first: 2026-04-15, count: 20}")],
        [amortising("level_payments: {first: 2028-04-15, count: 100}")],  # of a mortgage with a balloon
        [amortising("sculpted: {first: 2026-04-15, dscr: 1.3}")],
        [("oc_ratio('A') < 1.3", "(pool_balance() > 105) & (oc_ratio('A') < 10)")],
        [("triggers:", "hedges: [{cap: {name: cap, notional: 200.0, index: SOFR, strike: 0.05}}]\ntriggers:")],
        [("triggers:", f"{SWAP}triggers:"), ("interest('A'))", "interest('A'), hedge('swap'), sharing='pro rata by due')")],
    ],
)  # fmt: skip
def test_what_is_meant_is_not_doubted(tmp_path, changes):
    assert doubtful(tmp_path, *changes)[0] == []


@pytest.mark.parametrize(
    ("changes", "cut"),
    [
        ([("  closing: {assumption: from the template}", "  closing: {assumption: at par, equity at 18 % }")], True),
        ([("  closing: {assumption: from the template}", '  closing: {assumption: "at par, equity at 18 %", tier: }')], False),
        ([("  closing: {assumption: from the template}", "  closing:\n    assumption:")], False),
        ([("sponsor: {name: my sponsor}", "sponsor: {name: my sponsor, Inc.}")], True),
        ([("sponsor: {name: my sponsor}", "sponsor: {name: my sponsor, inc: 1}")], False),
    ],
)  # fmt: skip
def test_a_text_that_a_comma_cut_in_two_is_told_to_be_quoted(fresh, changes, cut):
    line = line_in(write(fresh / "deal.yaml", *changes), changes[0][1])
    (said,) = [row for row in told(fresh).splitlines() if f"line {line}, " in row or f"line {line + 1}, " in row]
    assert (". A comma ends a text: quote one that holds a comma" in said) == cut, said


def test_a_doubt_is_told_beside_a_refusal(fresh):
    write(
        fresh / "deal.yaml", ("currency: USD", "currency: EUR"), ("dscr(trailing=2) < 1.40", "dscr(trailing=2) < 140")
    )
    said = told(fresh)
    assert "must agree" in said and "doubtful: line 86, triggers[0].test: dscr(trailing=2) is held against 140" in said


# All at once ----------------------------------------------------------------------------------------------------------

REGISTER = "tranche,investor_class,share\nA,banks,1\nBB,banks,1\nequity,sponsor,1\n"


def registered(fresh, register):
    """The template with its holdings in a table of their own."""
    file = fresh / "deal.yaml"
    text = file.read_text(encoding="utf-8")
    start = text.index("\nholdings:\n") + 1
    end = text.index("\n\n", start)
    file.write_text(text[:start] + "holdings: {file: holders.csv}" + text[end:], encoding="utf-8")
    (fresh / "holders.csv").write_text(register, encoding="utf-8")


@pytest.mark.parametrize(
    "mistake",
    [
        ("closing: ", "payment_lag: -1\nclosing: "),  # in a field
        ("frequency: quarterly", "frequency: quaterly"),  # between fields
        ("notional: 60.0e6", "notionl: 60.0e6"),  # in a tranche
        ("- pay(fee(", "- pay(fees("),  # in the waterfall
        ("currency: USD", "currency: USDD"),
    ],
    ids=str,
)
def test_faults_of_every_file_are_told_together(fresh, mistake):
    registered(fresh, REGISTER)
    line = line_in(write(fresh / "deal.yaml", mistake), mistake[1].partition("\n")[0])
    quotes = line_in(write(fresh / "market.yaml", ("quotes: {A: 0.0150", "quotes: {AA: 0.0150")), "quotes: {AA")
    late = line_in(write(fresh / "scenarios.yaml", ("rent: {2028-01-01", "rnt: {2028-01-01")), "- name: rents fall")
    said = told(fresh)
    assert f"line {line}, " in said
    assert "holdings, holders.csv, row 3, tranche: there is no tranche 'BB'. Did you mean 'B'?" in said
    assert f"line {quotes}, quotes['AA']: there is no tranche 'AA'. Did you mean 'A'?" in said
    assert f"line {late + 1}, scenarios[2]: there is no field 'rnt'. Did you mean 'rent'?" in said


def test_what_only_a_run_finds_is_told_with_its_line(fresh):
    text = write(
        fresh / "deal.yaml", ("    - pay(expense('operating'))\n", ""), ("    - pay(expense('operating'))\n", "")
    )
    said = f"line {line_in(text, 'waterfall:')}, waterfall: the collateral reports operating_cost but nothing pays it"
    assert said in told(fresh)


def test_an_index_without_a_curve_is_told_where_a_note_names_it(fresh):
    text = write(fresh / "deal.yaml", ("{fixed: {rate: 0.0725}}", "{floating: {index: SOFRR, margin: 0.02}}"))
    said = f"line {line_in(text, 'SOFRR')}, tranches[1].note.coupon.floating.index: there is no projection curve"
    assert said in told(fresh)


def test_faults_of_a_market_do_not_wait_for_each_other(fresh):
    write(
        fresh / "market.yaml",
        ("quotes: {A: 0.0150", "quotes: {AA: 150"),
        ("currency: USD", "currency: USD\nfx: {EUR: -1.0}"),
    )
    changes = (
        ("tenant_default: {anchor tenant", "tenant_default: {anchr tenant"),
        ("{name: base,", "{name: base, gpu_price: 0.5,"),
    )
    write(fresh / "scenarios.yaml", *changes)
    said = told(fresh)
    assert "fx['EUR']: must be greater than 0" in said
    assert "quotes['AA']: z is a decimal" in said
    assert "quotes['AA']: there is no tranche 'AA'. Did you mean 'A'?" in said
    line = line_in((fresh / "scenarios.yaml").read_text(encoding="utf-8"), "tenant_default: {anchr")
    assert f"line {line}, scenarios['anchor tenant leaves'].tenant_default: there is no tenant 'anchr tenant'." in said
    assert "scenarios['base'].gpu_price: there is no collateral of this deal that reads the driver 'gpu_price'." in said


def test_a_word_that_speaks_of_a_term_that_is_not_there_is_told_with_its_line(fresh):
    text = (fresh / "deal.yaml").read_text(encoding="utf-8")
    first = re.search(r"pay\(interest\('(.*?)'\)\)", text)
    text = write(fresh / "deal.yaml", (first[0], f"pay(additional_interest({first[1]!r}))"))
    line = line_in(text, "additional_interest")
    assert f"line {line}, waterfall" in told(fresh)
    assert f"needs additional_rate, which {first[1]!r} lacks: give it the rate that it bears from" in told(fresh)


def test_a_structure_is_checked_against_its_deal_and_scenarios_with_its_lines(fresh):
    file = fresh / "structure.yaml"
    text = write(
        file, ("dscr('A', 'B') >= 1.25", "dscr('A', 'C') >= 1.25"), ("'anchor tenant leaves'", "'anchor leaves'")
    )
    said = told(fresh)
    line = line_in(text, "dscr('A', 'C')")
    assert f"line {line}, sizes['B'][0]" in said
    assert "Did you mean 'anchor tenant leaves'" in said and "is sound: " not in said.splitlines()[0]
    write(file, ("'C'", "'B'"), ("'anchor leaves'", "'anchor tenant leaves'"), ("ltv('B')) <= 0.65", "ltv('B')) <= 65"))
    assert "doubtful: line " in told(fresh) and "ltv is a share, so that 65 is 6,500%; write 0.65, or 65 %" in told(
        fresh
    )
    write(file, ("firstloss-structure: 1", "firstloss-structure: 2"))
    assert "this release reads version 1" in told(fresh)

"""Books: deals under shared scenarios, and what they have in common."""

import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from structuring import Deal, Holdings, Paths, Scenario, load_deal, run, study, summary
from structuring.collateral.bonds import Bond, BondPortfolio
from structuring.collateral.leases import LeasePortfolio, Tenant
from structuring.collateral.loans import LoanPool
from structuring.deals.exposures import exposures, herfindahl
from structuring.deals.sponsor import Sponsor
from structuring.runs.book import Book, Position, study_book
from structuring.runs.book_files import books, load_book, save_book
from waterfalls.errors import InvalidTerms, UnknownName
from waterfalls.terms.coupons import Fixed
from waterfalls.terms.tranches import Equity, Note
from waterfalls.words import interest, pay, principal, residual

D = dt.date
JANUARY, APRIL = D(2026, 1, 15), D(2026, 4, 15)
RATES = {"SOFR": 0.04, "SONIA": 0.04}
TOY = Path(__file__).with_name("toy.yaml")
SHIPPED = Book(
    "ai", as_of=D(2026, 9, 30),
    positions=[
        Position("vantage-jersey", weight=0.5, fx=1.3, obligors={"largest tenant": "Meta"}),
        Position("beignet-2025", weight=0.1),
        Position("coreweave-ddtl-4", obligors={"customer": "Meta"}),
    ],
)  # fmt: skip


def deal(name, tenants, *, first=APRIL, closing=JANUARY, frequency="quarterly", sponsor=None, holdings=None):
    return Deal(
        name, closing=closing, first_payment=first, maturity=D(2031, 1, 15), frequency=frequency, calendar="none",
        collateral=LeasePortfolio(tenants, as_of=closing, cap_rate=0.08),
        tranches=[Note("A", 800.0, coupon=Fixed(0.05)), Equity("E", 200.0)],
        waterfall=pay(interest("A")) >> pay(principal("A")) >> pay(residual("E")),
        holdings=holdings, sponsor=sponsor,
    )  # fmt: skip


def tenant(name, rent, **terms):
    return Tenant(name, rent, ends=D(2040, 1, 15), **terms)


ONE = deal("one", [tenant("Acme", 75.0), tenant("Bolt", 25.0)], sponsor=Sponsor("Parent"),
           holdings=Holdings({"A": {"insurers": 0.75, "unidentified": 0.25}, "E": {"sponsor": 1.0}}))  # fmt: skip
TWO = deal("two", [tenant("Acme Ltd", 100.0)], closing=D(2026, 3, 15), frequency="monthly",
           holdings=Holdings({"A": {"insurers": 0.5, "banks": 0.5}, "E": {"sponsor": 1.0}}))  # fmt: skip
BOTH = Book("both", as_of=D(2026, 1, 15),
            positions=[Position(ONE, weight=0.5), Position(TWO, obligors={"Acme Ltd": "Acme"})])  # fmt: skip


def test_payers_share_the_debt_by_what_they_pay():
    assert exposures(ONE) == [("tenant", "Acme", 600.0), ("tenant", "Bolt", 200.0), ("sponsor", "Parent", 800.0)]


def test_collateral_of_several_kinds_weighs_by_what_it_collects():
    bonds = BondPortfolio([Bond("Acme", 100.0, coupon=0.0, maturity=D(2030, 1, 15))])
    pool = LoanPool.level_pay(balance=300.0, rate=0.0, remaining_term=12)
    mixed = dataclasses.replace(ONE, collateral=(bonds, pool), sponsor=None)
    assert exposures(mixed) == [
        ("borrower", "Acme", pytest.approx(200.0)), ("unnamed", "unnamed", pytest.approx(600.0))
    ]  # fmt: skip


def test_a_guarantor_stands_for_no_more_than_the_debt():
    rows = {role: amount for role, name, amount in exposures(load_deal("beignet-2025")) if name == "Meta"}
    assert rows == {"tenant": 27293.849e6, "guarantor": 27293.849e6, "sponsor": 27293.849e6}


def test_concentration_is_by_ultimate_obligor_and_shares_sum_to_the_debt():
    table = BOTH.concentration()
    payers = table[table["part"] == "payer"].set_index("obligor")
    assert payers["exposure"].to_dict() == {"Acme": 0.5 * 600 + 800, "Bolt": 100.0}
    assert payers["share"].sum() == pytest.approx(1.0)
    assert payers.loc["Acme", ["deals", "herfindahl"]].tolist() == pytest.approx([2, (11 / 12) ** 2 + (1 / 12) ** 2])
    assert table[table["part"] == "sponsor"]["exposure"].tolist() == [400.0]


def test_herfindahl():
    assert herfindahl(dict.fromkeys("abcd", 5.0)) == 0.25 and herfindahl({"a": 7.0, "b": 0.0}) == 1.0
    assert np.isnan(herfindahl({}))


def test_amounts_are_summed_by_class_at_weight_and_exchange_rate():
    book = Book("x", as_of=BOTH.as_of, positions=[Position(ONE, weight=0.5, fx=1.2), Position(TWO)])
    found = book.by_class({"one": {"A": [10.0, 20.0], "E": 5.0}, "two": {"A": 4.0}})
    assert list(found) == ["insurers", "sponsor", "banks", "unidentified"]
    np.testing.assert_allclose(found["insurers"], [0.6 * 7.5 + 2.0, 0.6 * 15.0 + 2.0])
    assert (found["sponsor"], found["banks"]) == (3.0, 2.0)
    with pytest.raises(UnknownName, match="tranche of 'one' 'a'"):
        book.by_class({"one": {"a": 1.0}})
    with pytest.raises(UnknownName, match="deal of the book 'on'. Did you mean 'one'"):
        book.by_class({"on": {}})


def test_each_deal_runs_as_it_does_alone_and_sees_its_own_names():
    when = D(2028, 1, 15)
    result = study_book(BOTH, BOTH.failures(when), measure=summary())
    assert set(result.results) == {"one", "two"}
    alone = study(TWO, Scenario("x", tenant_default={"Acme Ltd": when}), measure=summary())
    names = [scenario.name for scenario in BOTH.failures(when)]
    assert names == ["base", "Acme fails", "Bolt fails"]  # nothing reads the failure of the sponsor
    for name, array in result.results["two"].totals.items():
        assert np.array_equal(array[1], alone.totals[name][0], equal_nan=True)
        assert np.array_equal(array[0], array[2], equal_nan=True)  # Bolt is none of its tenants


def test_the_failure_of_one_obligor_strikes_every_deal_it_stands_behind():
    result = study_book(SHIPPED, SHIPPED.failures(D(2030, 1, 1)), measure=summary(), rates=RATES)
    loss = result.total("loss")
    struck = {
        name
        for name, parts in loss.items()
        if sum(part[1] for part in parts.values()) > sum(part[0] for part in parts.values())
    }
    assert struck >= {"beignet-2025", "coreweave-ddtl-4"}
    by_class = result.by_class()
    total = sum(SHIPPED.scales[d] * part for d, parts in loss.items() for part in parts.values())
    np.testing.assert_allclose(sum(by_class.values()), total, rtol=1e-12)


def test_paths_count_from_the_date_of_the_book_in_every_deal():
    paths = Paths(tenant_default={"Acme": [0.5, 2.0, np.inf]}, rent=np.linspace(1.0, 0.41, 60) * np.ones((3, 1)))
    found = study_book(BOTH, paths, measure=summary())
    dated = Scenario("x", tenant_default={"Acme Ltd": D(2028, 1, 15)})
    # monthly from 15 March: the rents of its months are those of months 3, 4, ... of the book
    by_month = dataclasses.replace(dated, rent=tuple(np.linspace(1.0, 0.41, 60)[2:]))
    assert found.results["two"].totals["principal"][1] == pytest.approx(
        study(TWO, by_month, measure=summary()).totals["principal"][0]
    )
    quarters = dataclasses.replace(Scenario("y"), rent=tuple(np.linspace(1.0, 0.41, 60)[2::3]))
    assert found.results["one"].totals["principal"][2] == pytest.approx(
        study(ONE, quarters, measure=summary()).totals["principal"][0]
    )


@pytest.mark.parametrize(("chunk", "workers"), [(7, 1), (40, 2), (100, 1)])
def test_drawn_paths_are_shared_to_the_bit_for_any_chunk(chunk, workers):
    paths = Paths(
        100,
        seed=3,
        draw=lambda d: {"tenant_default": {"Acme": -np.log(d.uniform(1)) * 4}, "rent": d.uniform(60, stream=1)},
    )
    whole = study_book(BOTH, paths, measure=summary(), chunk=100)
    parts = study_book(BOTH, paths, measure=summary(), chunk=chunk, workers=workers)
    for name in ("one", "two"):
        for total, array in whole.results[name].totals.items():
            assert np.array_equal(array, parts.results[name].totals[total], equal_nan=True)


def test_progress_counts_scenarios_times_deals():
    told = []
    study_book(BOTH, Scenario("base"), measure=summary(), progress=lambda *done: told.append(done))
    assert told == [(1, 2), (2, 2)]


def test_losses_in_value_may_be_a_function_of_the_deal():
    class Interest:
        def __init__(self, tranche):
            self.tranche = tranche

        def of(self, block):
            return block.interest[self.tranche].sum(axis=1)

        def join(self, parts):
            return {self.tranche: np.concatenate(parts)}

    result = study_book(BOTH, Scenario("base"), measure=lambda deal: Interest(deal.tranches[0].name))
    expected = (
        0.5 * 0.75 * run(ONE, Scenario("b")).interest["A"].sum() + 0.5 * run(TWO, Scenario("b")).interest["A"].sum()
    )
    assert BOTH.by_class(result.results)["insurers"][0] == pytest.approx(expected)


def test_a_book_goes_to_a_file_and_back(tmp_path):
    for book in (SHIPPED, BOTH):
        for suffix in (".yaml", ".json"):
            save_book(book, tmp_path / f"book{suffix}")
            assert load_book(tmp_path / f"book{suffix}") == book


def test_a_shipped_book_is_loaded_by_its_name_or_its_folder():
    by_name = load_book("ai-debt-market")
    assert by_name.name and len(by_name.positions) > 10
    file = books()["ai-debt-market"]
    assert by_name == load_book(file.parent) == load_book(file)
    with pytest.raises(
        UnknownName, match=r"no file, folder or shipped book 'ai-debt-markt'. Did you mean 'ai-debt-market'"
    ):
        load_book("ai-debt-markt")


def test_a_book_finds_deal_files_beside_it(tmp_path):
    (tmp_path / "mine.yaml").write_text(TOY.read_text("utf-8"), "utf-8")
    (tmp_path / "book.yaml").write_text(
        "firstloss-book: 1\nname: b\nas_of: 2026-01-15\npositions:\n  - {deal: mine.yaml, weight: 0.5}\n", "utf-8"
    )
    assert load_book(tmp_path / "book.yaml").positions[0].terms.name == "toy"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Book("x", as_of=BOTH.as_of, positions=[]), "at least one is needed"),
        (lambda: Position(ONE, weight=0.0), "weight: must be greater than 0"),
        (lambda: Book("x", as_of=BOTH.as_of, positions=[Position("vantage")]), "Did you mean 'vantage-jersey'?"),
        (
            lambda: Book("x", as_of=BOTH.as_of, positions=[Position("vantage-jersey")]),
            "'vantage-jersey' is in GBP and the book in USD: give fx",
        ),
        (
            lambda: Book("x", as_of=BOTH.as_of, positions=[Position(ONE, obligors={"Acne": "Acme"})]),
            "there is no obligor 'Acne'. Did you mean 'Acme'?",
        ),
        (lambda: Book("x", as_of=BOTH.as_of, positions=[Position(ONE)] * 2), "deals must differ, 'one' stands 2 times"),
        (
            lambda: study_book(BOTH, Scenario("x", gpu_price=0.5), measure=summary()),
            "there is no collateral of this book that reads the driver 'gpu_price'",
        ),
        (
            lambda: study_book(BOTH, Scenario("x", tenant_default={"Acne": D(2027, 1, 1)}), measure=summary()),
            "there is no name in this book that tenant_default can be given for 'Acne'. Did you mean 'Acme'?",
        ),
    ],
)
def test_bad_books_say_what_is_wrong(make, message):
    with pytest.raises((InvalidTerms, UnknownName)) as caught:
        make()
    assert message in str(caught.value)

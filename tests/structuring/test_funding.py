"""Sources and uses: they balance in every shipped deal, and a gap is a fault with its amount."""

import dataclasses

import pytest

from structuring.deals.deal_files import library, load_deal, save_deal
from structuring.deals.funding import Funding, gap
from structuring.deals.sources_and_uses import statement
from waterfalls.errors import InvalidTerms

TOY = "tests/structuring/toy.yaml"


@pytest.mark.parametrize("name", library())
def test_every_shipped_deal_says_what_its_money_is_for(name):
    deal = load_deal(name)
    lines = statement(deal)
    raised = sum(line.amount for line in lines if line.side == "source")
    assert raised > 0.0 and abs(gap(lines)) <= 1e-9 * raised
    assert any(line.side == "use" for line in lines)
    names = {tranche.name for tranche in deal.tranches}
    assert {line.name for line in lines if line.kind == "tranche"} <= names


def toy(funding, **changes):
    return dataclasses.replace(load_deal(TOY), funding=funding, **changes)


@pytest.fixture
def raised():
    deal = load_deal(TOY)
    return sum(getattr(tranche, "outstanding", tranche.notional) for tranche in deal.tranches)


@pytest.mark.parametrize(
    ("assets", "costs", "said"),
    [
        (-25.0, {}, r"funding: sources exceed uses by 25\.00: sources are .*, uses .*assets"),
        (0.0, {"arrangement": 1_000.0}, r"funding: uses exceed sources by 1,000\.00"),
    ],
)
def test_a_gap_is_told_with_its_amount_and_its_line(tmp_path, raised, assets, costs, said):
    save_deal(toy(Funding({"assets": raised + assets}, costs=costs)), tmp_path / "deal.yaml")
    with pytest.raises(InvalidTerms, match=r"line \d+, " + said):
        load_deal(tmp_path / "deal.yaml")


def test_a_deal_whose_sizes_are_changed_is_told_so_and_runs(raised):
    """What if B were larger: the funding is that of the deal as it was, and its gap is a figure, not a refusal."""
    assert gap(statement(toy(Funding({"assets": raised - 25.0})))) == pytest.approx(25.0)


def test_amounts_read_the_deal_when_it_begins(raised):
    deal = load_deal(TOY)
    fee = 0.02 * deal.tranches[0].outstanding
    funding = Funding({"assets": raised - fee - 5.0}, costs={"fee": "0.02 * balance('A')", "law": 5.0})
    assert {line.name: line.amount for line in statement(toy(funding))}["fee"] == pytest.approx(fee, rel=1e-15)


def test_a_tranche_below_par_brings_less(raised):
    deal = load_deal(TOY)
    discount = 0.01 * deal.tranches[0].outstanding
    funding = Funding({"assets": raised - discount}, issue_prices={"A": 99.0})
    assert gap(statement(toy(funding))) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("funding", "said"),
    [
        ({"uses": {"assets": "balance('Z')"}}, r"funding\.uses\['assets'\]: there is no tranche or facility 'Z'"),
        ({"uses": {"assets": 1.0}, "issue_prices": {"Z": 99.0}}, r"issue_prices\['Z'\]: there is no tranche 'Z'"),
        ({"uses": {"assets": "receipt('value')"}}, "'receipt\\('value'\\)' is not known when the deal begins"),
        ({"uses": {"assets": "dscr()"}}, r"is not known when the deal begins: read balance, undrawn, held or defined"),
    ],
)
def test_what_cannot_be_known_is_refused(funding, said):
    with pytest.raises(InvalidTerms, match=said):
        toy(Funding(**funding))


def test_it_is_written_and_read_back(tmp_path, raised):
    deal = toy(Funding({"assets": raised - 3.0}, costs={"law": 3.0}))
    save_deal(deal, tmp_path / "deal.yaml")
    assert load_deal(tmp_path / "deal.yaml") == deal

"""Spreads are solved once, at the reference: the price of a stress is not the quote."""

import dataclasses
import json

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from pricing.bearers.institutions import load_institutions
from pricing.bearers.who_bears import who_bears
from pricing.breakevens.committee import committee
from pricing.cli import app
from pricing.contagion.stress_chain import chain
from pricing.market.market import projected
from pricing.market.market_files import load_market
from pricing.valuation.price import price
from pricing.valuation.spread_shocks import SpreadShock
from structuring import load_deal, load_scenarios, run
from waterfalls.errors import CannotPrice
from waterfalls.terms.term import plain

STRESS = "rents fall 45 %"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A new deal whose notes are quoted at par, and whose stress hurts them."""
    folder = tmp_path_factory.mktemp("user") / "my-deal"
    told("new", str(folder))
    file = folder / "market.yaml"
    lines = ["quotes: {A: {price: 100.0}, B: {price: 100.0}, equity: {yield: 0.18}}"]
    for line in file.read_text("utf-8").splitlines():
        lines += [] if line.startswith("quotes:") else [line]
    file.write_text("\n".join(line for line in lines if not line.startswith("  quotes")) + "\n", "utf-8")
    return folder


@pytest.fixture(scope="module")
def whole(place):
    """Every scenario of the file, priced at once."""
    deal, market, scenarios = case(place)
    flows = run(deal, scenarios, rates=projected(market, deal))
    return price(flows, market, [SpreadShock.parallel(bp=100)], reference="base")


def case(place):
    return load_deal(place), load_market(place / "market.yaml"), load_scenarios(place / "scenarios.yaml")


def told(*words, code=0):
    result = CliRunner().invoke(app, [*words])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout


def test_the_command_prices_a_stress_at_the_spreads_of_the_base(place, whole):
    rows = json.loads(told("price", str(place), "--scenario", STRESS, "--shock", "100", "--json"))["tables"]["prices"]
    s = whole.scenarios.index(STRESS)
    found = {(row["shock"], row["tranche"]): row for row in rows}
    assert {row["scenario"] for row in rows} == {STRESS}
    for k, shock in enumerate(whole.shocks):
        for n, tranche in enumerate(whole.tranches):
            for measure in ("clean", "z_spread"):
                assert found[shock, tranche][measure] == pytest.approx(whole[measure][s, k, n], rel=1e-9)
    assert found["unchanged", "B"]["clean"] < 99.0, "a stress that costs nothing shows nothing"
    text = told("price", str(place), "--scenario", STRESS)
    assert f"scenario '{STRESS}', spreads solved in 'base'" in text and f" {whole['clean'][s, 0, 1]:.2f} " in text


def test_paths_around_a_stress_start_from_the_spreads_of_the_base(place, whole):
    """Without volatility every path is the stress, and loses what it loses against the base."""
    words = ("paths", str(place), "--draw", "rent=0", "--count", "2", "--scenario", STRESS)
    rows = json.loads(told(*words, "--json"))["tables"]["tranches"]
    s = whole.scenarios.index(STRESS)
    lost = whole.npv[0, 0] - whole.npv[s, 0]
    mean = {row["tranche"]: row["mean"] for row in rows}
    np.testing.assert_allclose([mean[name] for name in whole.tranches], lost, rtol=1e-6, atol=1.0)
    assert "log-normal multiple whose median is the scenario" in told(*words)


def test_a_page_of_a_stress_takes_its_base(place, whole):
    deal, market, scenarios = case(place)
    stress = next(one for one in scenarios if one.name == STRESS)
    page = committee(deal, stress, market, drivers=(), reference=scenarios[0])
    assert f" {whole['clean'][whole.scenarios.index(STRESS), 0, 1]:.2f} " in page


def test_a_quote_is_not_solved_in_a_stress_that_stands_alone(place):
    """Par for a note that loses half its cash would take a spread of minus many percent: the base is missing."""
    deal, market, scenarios = case(place)
    stress = dataclasses.replace(next(one for one in scenarios if one.name == STRESS), rent=0.52)
    flows = run(deal, stress, rates=projected(market, deal))
    with pytest.raises(CannotPrice, match=f"in '{STRESS}': a quote is solved at the reference, so run the base beside"):
        price(flows, market)
    meant = price(flows, market, reference=STRESS)
    assert np.nanmin(meant["z_spread"]) < -0.10


def test_stress_takes_a_shock_of_spreads(place):
    """The losses that are followed to end bearers are those of run under the same shock."""
    followed = json.loads(told("stress", str(place), "--scenario", STRESS, "--shock", "250", "--json"))
    assert followed["shock"] == "+250 bp"
    losses = json.loads(told("run", str(place), "--scenario", STRESS, "--shock", "250", "--json"))["losses"]
    wanted = sum(r["total_loss"] for r in losses if (r["scenario"], r["shock"]) == (STRESS, "+250 bp"))
    assert sum(row["first_round"] for row in followed["tables"]["bearers"]) == pytest.approx(wanted)
    named = json.loads(told("stress", str(place), "--scenario", "moves of 2026", "--shock", "250", "--json"))
    plain = json.loads(told("stress", str(place), "--scenario", "moves of 2026", "--json"))
    assert sum(r["total_loss"] for r in named["tables"]["classes"]) > sum(
        r["total_loss"] for r in plain["tables"]["classes"]
    )
    refused = CliRunner().invoke(app, ["stress", "ai-debt-market", "--shock", "250"])
    assert "--shock is of one deal" in str(refused.exception)


def test_run_prints_the_prices_of_the_base_and_of_each_stress_asked_for(place, whole):
    asked = ("anchor tenant leaves", STRESS)
    text = told("run", str(place), "--shock", "100", *(word for name in asked for word in ("--scenario", name)))
    for name in ("base", *asked):
        part = text.split(f"Clean price per 100 by spread shock: {name}\n")[1].split("\n\n")[0]
        rows = {line.split()[0]: [float(cell) for cell in line.split()[1:]] for line in part.splitlines()[1:]}
        clean = whole["clean"][whole.scenarios.index(name)].T
        for tranche, row in zip(whole.tranches, clean, strict=True):
            assert rows[tranche] == pytest.approx(row[np.isfinite(row)], abs=0.005)


def test_the_second_round_counts_notes_and_equity_alike(place):
    """What is shown of tranches before any sale is their value over that of the base, par playing no part."""
    deal, market, scenarios = case(place)
    flows = run(deal, scenarios, rates=projected(market, deal))
    losses = who_bears(price(flows, market), deal.holdings)
    made = chain(deal, flows, losses, load_institutions(), STRESS)
    npv, s = losses.prices.npv[:, 0], list(flows.scenarios).index(STRESS)
    shown = {str(row["asset"]).rpartition(": ")[2]: row["before"] for row in made.markets.to_dict("records")}
    for n, name in enumerate(flows.tranches):
        assert shown[name] == pytest.approx(npv[s, n] / npv[0, n], rel=1e-9)


@pytest.mark.parametrize("command", ["price", "run"])
def test_a_first_scenario_that_is_no_base_is_doubted(place, tmp_path, command):
    """The first scenario is the reference whatever its name: at par, a note that loses half says that it is not the base."""
    _, _, scenarios = case(place)
    stress = dataclasses.replace(next(one for one in scenarios if one.name == STRESS), rent=0.52)
    file = tmp_path / "scenarios.yaml"
    document = {"firstloss-scenarios": 1, "scenarios": [plain(stress)]}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    said = "Doubtful: the quote of B is a spread of -1,799 bp"
    assert said in told(command, str(place), "--scenarios", str(file))
    assert said not in told(command, str(place))

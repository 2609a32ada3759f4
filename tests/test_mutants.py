"""Mutants of every kind of file: each loads and runs to finite numbers, or is refused in our words.

`make test` tries a few of each kind, `make test-all` four hundred. A mutant is known by its seed: `python -m pytest
tests/test_mutants.py -k deal` says which failed, and `MUTANT=seed` tries that one alone.
"""

import contextlib
import datetime
import json
import os
import re
import resource
import signal
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from mutants import mutant, numbered

from pricing import price
from pricing.bearers.institutions import load_institutions
from pricing.contagion.closed_loop.assumptions import check, load_loop
from pricing.contagion.market_stress import institutions_of
from pricing.explore.answer import answer, of
from pricing.explore.serving import deals_of
from pricing.explore.state import state_of
from pricing.market.market import projected
from pricing.market.market_files import load_market
from pricing.structure.terms.checks import faults_of
from pricing.structure.terms.structure_terms import load_structure
from pricing.valuation.named_stresses import stressed
from structuring import Deal, Holdings, LeasePortfolio, LoanPool, Scenario, load_deal, run
from structuring.collateral.bonds import Bond, BondPortfolio
from structuring.deals.deal_files import LIBRARY, find_deal, library, load_scenarios
from structuring.documents.plain_data import load
from structuring.documents.tables import terms_of
from structuring.generators.named_stresses import load_stress
from structuring.generators.sector_files import load_sector
from structuring.runs.book_files import books, find_book, load_book
from waterfalls import Equity, Fixed, Note, interest, pay, principal, residual
from waterfalls.errors import FirstLossError, Unbalanced, refuse

GIVEN = re.compile(r", got .*")  # what stood in the file, which may be anything
FOREIGN = re.compile(  # words of Python and of libraries, which no reader of a deal file knows
    r"object at 0x|Traceback|numpy|pydantic|QuantLib|<class|dtype|fault:\s*$|datetime\.date|PosixPath|has no attribute|not supported between"
    r"|bad operand|positional arg|NoneType|a dictionary|np\.|unexpected keyword|unhashable|tokenizing|symbol=|or must be"
)
SECONDS, BYTES = 30, 6 * 2**30  # no mutant needs a tenth of either
HOME = find_deal("beignet-2025").parent
RATES = dict.fromkeys(("SOFR", "SONIA", "EURIBOR"), 0.04)


@contextlib.contextmanager
def bounded():
    """Fails what takes too long, or more memory than a desk has, or warns."""

    def late(signum, frame):
        raise AssertionError(f"still at work after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    statm = Path("/proc/self/statm")
    used = int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else None
    if used is not None:
        resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, hard))
    signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def finite(what, *arrays):
    for array in arrays:
        assert np.isfinite(np.asarray(array, float)).all(), f"{what} is not finite"


def run_deal(deal, scenario=None, market=None):
    """Runs a deal that loaded, and prices it where there is a market."""
    scenario = scenario or Scenario("base")
    rates = projected(market, deal) if market else RATES
    flows = run(deal, [scenario], rates=rates, engine="reference")
    for name in deal.names if hasattr(deal, "names") else [tranche.name for tranche in deal.tranches]:
        finite(name, flows.balance[name], flows.interest[name], flows.principal[name])
    if market:
        finite("npv", price(flows, market).frame()["npv"])


def of_deal(file, name):
    deal = load_deal(file)
    run_deal(deal)
    market = load_market(name)
    if deal.currency == market.currency:
        run_deal(deal, market=market)


def of_scenarios(file, name):
    deal = load_deal(name)
    for scenario in load_scenarios(file)[:3]:
        run_deal(deal, scenario)


def of_market(file, name):
    market, deal = load_market(file), load_deal(name)
    flows = run(deal, [Scenario("base")], rates=projected(market, deal), engine="reference")
    finite("npv", price(flows, market).frame()["npv"])


def of_institutions(file, name):
    for one in load_institutions(file).institutions:
        finite(one.name, one.assets or 0.0, one.capital or 0.0)


def of_stress(file, name):
    deal = load_deal("beignet-2025")
    scenario, pair = stressed(load_stress(file), deal)
    market = load_market("beignet-2025")
    flows = run(deal, [Scenario("base"), scenario], rates=projected(market, deal), engine="reference")
    finite("npv", price(flows, market, pairs=[pair]).frame()["npv"])


def of_book(file, name):
    book = load_book(file)
    finite("weights", [position.weight for position in book.positions])
    book.concentration()


def vehicle(collateral):
    tranches = (Note("A", 50.0, coupon=Fixed(0.05)), Equity("E", 0.0))
    return Deal(
        "vehicle", closing=datetime.date(2026, 11, 20), first_payment=datetime.date(2027, 2, 20),
        maturity=datetime.date(2036, 11, 20), frequency="quarterly", calendar="none", collateral=collateral, tranches=tranches,
        waterfall=pay(interest("A")) >> pay(principal("A")) >> pay(residual("E")),
    )  # fmt: skip


def of_tape(file, name):
    run_deal(vehicle(LoanPool.from_tape(file)))


def of_bonds(file, name):
    run_deal(vehicle(BondPortfolio(terms_of(Bond, file))))


def of_tenants(file, name):
    leases = LeasePortfolio.from_tape(file, as_of=datetime.date(2026, 11, 20), cap_rate=0.06)
    if 0.0 < sum(tenant.rent for tenant in leases.tenants) < 1e12:
        run_deal(vehicle(leases))


def of_structure(file, name):
    deal = load_deal(name)
    refuse(faults_of(deal, load_structure(file), load_scenarios(name)))


def of_loop(file, name):
    book = load_book(name)
    check(load_loop(file), book, institutions_of(find_book(name).parent))


def of_sector(file, name):
    drawn = load_sector(file).model.paths(load_book(name), 5, seed=1)
    assert drawn.count == 5


def of_page(file, name):
    """What a live page may send, as the deal's answer to it: its knobs turned, its numbers changed."""
    (files,) = deals_of("vantage-jersey").values()
    json.dumps(answer(of(files, state_of(load(file)))), allow_nan=False)


def of_holdings(file, name):
    for classes in Holdings.from_table(file).shares.values():
        finite("shares", list(classes.values()))


TAPE = """loan,balance,rate,remaining_term,age,payment,frequency
a,100000,0.065,120,3,level,monthly
b,"250,000.50",4.5%,60,0,equal principal,quarterly
c,75000,0.07,36,12,level,monthly
"""
BONDS = """obligor,notional,coupon,maturity,frequency,severity
hyperscaler 1,40000000,6.75%,2031-10-15,quarterly,0.4
developer 1,30000000,0.0825,2030-10-15,semiannual,0.5
"""
TENANTS = """name,rent,ends,begins,escalator,renewal,downtime
anchor,20,2031-05-31,2024-06-01,2%,0.8,6
other,"12",2033-01-31,,0.03,50%,12
"""
PAGE = """scenario: rent cut 40 %
drivers: {rent: 0.9, downtime: 6.0, value: 0.8, sale: 2030-05-20}
shock: 50.0
spreads: {A: 25.0, BBB: 10.0}
rates: 25.0
numbers: {"tranches['A-2'].notional": 700.0e6, "tranches['B'].coupon.rate": 0.07, "triggers['cash trap'].cure": 2}
date: 2029-05-21
"""
HOLDINGS = """tranche,investor_class,share,known,source,date
A,banks,0.4,reported,call report,2026-09-30
A,insurers,35%,estimated,,
B,hedge funds,1,assumed,,
"""
DEALS = sorted(library())
SEEDS = {  # what each kind of file is read with, and the sound files that are mutated, by name
    "deal": (of_deal, {name: find_deal(name).read_text("utf-8") for name in DEALS}),
    "scenarios": (of_scenarios, {name: find_deal(name).with_name("scenarios.yaml").read_text("utf-8") for name in DEALS}),
    "market": (of_market, {name: find_deal(name).with_name("market.yaml").read_text("utf-8") for name in DEALS}),
    "institutions": (of_institutions, {"shipped": (LIBRARY / "ai-debt-market" / "institutions.yaml").read_text("utf-8")}),
    "stress": (of_stress, {f.stem: f.read_text("utf-8") for f in sorted((LIBRARY / "stresses").glob("*.yaml"))}),
    "book": (of_book, {"b": "firstloss-book: 1\nname: b\nas_of: 2026-11-20\npositions:\n  - {deal: beignet-2025, weight: 0.5}\n  - {deal: vantage-jersey, weight: 1.0, fx: 1.3}\nsources: {name: {assumption: x}}\n"}),
    "structure": (of_structure, {name: find_deal(name).with_name("structure.yaml").read_text("utf-8") for name in DEALS if find_deal(name).with_name("structure.yaml").is_file()}),
    "loop": (of_loop, {name: find_book(name).with_name("loop.yaml").read_text("utf-8") for name in books()}),
    "sector": (of_sector, {"ai-debt-market": find_book("ai-debt-market").with_name("sector.yaml").read_text("utf-8")}),
    "page": (of_page, {"page": PAGE}),
    "tenants": (of_tenants, {"tenants": TENANTS}),
    "tape": (of_tape, {"tape": TAPE}),
    "bonds": (of_bonds, {"bonds": BONDS}),
    "holdings": (of_holdings, {"holdings": HOLDINGS}),
}  # fmt: skip
TABLES = ("tenants", "tape", "bonds", "holdings")


def tried(kind, seed, folder):
    """What is wrong with how a mutant is met, or nothing."""
    draw = numbered(seed)
    use, seeds = SEEDS[kind]
    name = draw.choice(sorted(seeds))
    text = mutant(seeds[name], draw, table=kind in TABLES)
    file = folder / f"{kind}.{'csv' if kind in TABLES else 'yaml'}"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        with bounded():
            use(file, name)
    except Unbalanced as error:
        return f"Unbalanced, which is always a defect of ours: {error}"
    except FirstLossError as error:
        said = str(error)
        return f"says nothing: {said!r}" if not said.strip(" :") or FOREIGN.search(GIVEN.sub("", said)) else ""
    except BaseException as error:  # a raw error, a number, a warning, too long
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize("kind", SEEDS)
def test_a_sound_file_is_met_soundly(kind, tmp_path):
    use, seeds = SEEDS[kind]
    for name, text in seeds.items():
        (tmp_path / f"x.{'csv' if kind in TABLES else 'yaml'}").write_text(text, "utf-8")
        with bounded():
            use(next(tmp_path.iterdir()), name)


@pytest.mark.parametrize("kind", SEEDS)
def test_a_mutant_loads_or_is_refused_in_our_words(kind, tmp_path):
    count = 12 if settings.default.max_examples <= 50 else 400
    seeds = [int(os.environ["MUTANT"])] if "MUTANT" in os.environ else range(count)
    wrong = {seed: said for seed in seeds if (said := tried(kind, seed, tmp_path))}
    assert not wrong, "\n".join(f"mutant {seed}: {said[:300]}" for seed, said in wrong.items())

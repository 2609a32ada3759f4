"""Scenarios, paths and the normal form in which collateral reads them."""

import datetime
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from deals import clock

from structuring.scenarios.drivers import DRIVERS
from structuring.scenarios.monthly_rates import cdr, psa
from structuring.scenarios.scenario import Drivers, Paths, Scenario
from structuring.simulation.normal_distribution import inverse_normal
from structuring.simulation.random_numbers import Draws, philox
from waterfalls.errors import InvalidTerms
from waterfalls.terms.term import plain, read

D = datetime.date
QUARTERS = clock(4, "quarterly")


def test_every_driver_of_the_table_is_a_field_of_a_scenario_and_no_other():
    assert sorted(Scenario.__dataclass_fields__) == sorted([*DRIVERS, "name", "others"])


# What a driver may be given as


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0.7, [0.7]),
        ((0.9, 0.8), [0.9, 0.8, 0.8, 0.8]),  # the last value holds
        ((0.9, 0.8, 0.7, 0.6, 0.5), [0.9, 0.8, 0.7, 0.6]),  # what lies beyond the deal is not read
        ({D(2026, 7, 15): 0.5}, [1.0, 0.5, 0.5, 0.5]),  # the last day of a period belongs to it
        ({D(2026, 7, 16): 0.5, D(2026, 12, 1): 0.25}, [1.0, 1.0, 0.5, 0.25]),
        (np.array([0.9, 0.8]), [0.9, 0.8, 0.8, 0.8]),
        ([0.9, 0.8], [0.9, 0.8, 0.8, 0.8]),
    ],
)
def test_a_driver_is_a_number_a_vector_or_values_by_date(given, expected):
    read = Drivers.of(Scenario("cut", rent=given)).read("rent", QUARTERS, 1.0)
    assert read.tolist() == [expected]


def test_scenarios_that_say_nothing_follow_the_base_case():
    drivers = Drivers.of([Scenario("base"), Scenario("cut", rent=(0.5, 0.6)), Scenario("flat", rent=0.9)])
    assert drivers.read("rent", QUARTERS, 1.0).tolist() == [[1.0] * 4, [0.5, 0.6, 0.6, 0.6], [0.9] * 4]
    assert drivers.read("downtime", QUARTERS, 3.0).tolist() == [[3.0]]
    assert drivers.set_drivers == {"rent"}
    assert (drivers.names, drivers.count) == (("base", "cut", "flat"), 3)


def test_a_driver_may_be_given_by_name():
    drivers = Drivers.of(Scenario("x", renewal={"Acme": 0.5, "Bolt": {D(2026, 7, 15): 0.0}}))
    assert drivers.read("renewal", QUARTERS, 0.8, name="Acme").tolist() == [[0.5]]
    assert drivers.read("renewal", QUARTERS, 0.8, name="Bolt").tolist() == [[0.8, 0.0, 0.0, 0.0]]
    assert drivers.read("renewal", QUARTERS, 0.8, name="Coil").tolist() == [[0.8]]


def test_an_event_is_a_date_in_a_scenario_and_years_in_paths():
    named = Drivers.of([Scenario("never"), Scenario("soon", tenant_default=D(2026, 7, 15))])
    years = Drivers.of(Paths(tenant_default=[np.inf, 0.5]))
    assert named.when("tenant_default", QUARTERS).tolist() == years.when("tenant_default", QUARTERS).tolist()


def test_paths_given_as_arrays():
    drivers = Drivers.of(Paths(rent=[[0.9, 0.8], [1.0, 0.7]], renewal={"Acme": [0.0, 1.0]}, delay_months=[0, 6]))
    assert drivers.read("rent", QUARTERS, 1.0).tolist() == [[0.9, 0.8, 0.8, 0.8], [1.0, 0.7, 0.7, 0.7]]
    assert drivers.read("renewal", QUARTERS, 0.3, name="Acme").tolist() == [[0.0], [1.0]]
    assert drivers.read("renewal", QUARTERS, 0.3, name="Bolt").tolist() == [[0.3]]
    assert drivers.once("delay_months", 0.0).tolist() == [[0.0], [6.0]]
    assert (drivers.names, drivers.set_drivers) == (range(2), {"rent", "renewal", "delay_months"})


# Draws


def words(*values):
    return tuple(np.array([value], dtype=np.uint64) for value in values)


@pytest.mark.parametrize(
    ("counter", "seed", "expected"),
    [
        ((0, 0, 0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, 2**64 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            0x299F31D0A4093822,
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_known_answers_of_its_authors(counter, seed, expected):
    assert tuple(int(word[0]) for word in philox(words(*counter), seed)) == expected


def test_inverse_normal_against_scipy():
    special = pytest.importorskip("scipy.special")
    p = np.concatenate([10.0 ** -np.arange(1.0, 300.0, 7.0), np.linspace(1e-6, 1 - 1e-6, 10_001)])
    np.testing.assert_allclose(inverse_normal(p), special.ndtri(p), rtol=2e-15, atol=1e-15)


def test_draws_do_not_depend_on_how_the_paths_are_cut():
    whole = Draws(seed=5, first=0, count=500).normal(7, stream=3)
    assert np.array_equal(whole[123:321], Draws(seed=5, first=123, count=198).normal(7, stream=3))
    assert np.array_equal(whole[:, :4], Draws(seed=5, first=0, count=500).normal(4, stream=3))
    assert not np.array_equal(whole, Draws(seed=6, first=0, count=500).normal(7, stream=3))
    assert not np.array_equal(whole, Draws(seed=5, first=0, count=500).normal(7, stream=4))


def test_draws_are_uniform_and_independent_between_streams():
    a, b = (Draws(seed=1, first=0, count=100_000).uniform(1, stream=stream)[:, 0] for stream in (0, 1))
    error = 1.0 / np.sqrt(12 * 100_000)
    assert abs(a.mean() - 0.5) < 4 * error and abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(100_000)
    counts = np.histogram(a, bins=100, range=(0, 1))[0]
    assert ((counts - 1000.0) ** 2 / 1000.0).sum() < 160.0  # chi-square, 99 degrees of freedom: p < 1e-4


def test_drawn_paths_keep_their_numbers_and_their_names():
    paths = Paths(1_000, seed=2, draw=lambda draws: {"rent": draws.uniform(4), "renewal": draws.uniform(1, stream=1)})
    part = paths.rows(slice(100, 250)).rows(slice(10, 20))
    assert (part.names, len(part)) == (range(110, 120), 10)
    assert np.array_equal(paths.arrays["rent"][110:120], part.arrays["rent"])
    assert np.array_equal(paths.rows(slice(110, 120)).arrays["renewal"], part.arrays["renewal"])


# Bad input


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Scenario("x", gpu_prise=1.0), "there is no field 'gpu_prise'. Did you mean 'gpu_price'?"),
        (
            lambda: Scenario("x", rent="low"),
            "rent: must be finite numbers: one, a vector, by date or by name, got 'low'",
        ),
        (lambda: Scenario("x", rent=float("nan")), "rent: must be finite numbers"),
        (lambda: Scenario("x", rent=()), "rent: must hold at least one value"),
        (lambda: Scenario("x", rent=(1.0, -0.5)), "rent[1]: must be between 0 and 10 (multiple), got -0.5"),
        (
            lambda: Scenario("x", rent={"Acme": 67.0}),
            "rent['Acme']: must be between 0 and 10 (multiple; 0.67 is 67 %), got 67",
        ),
        (lambda: Scenario("x", delay_months=720.0), "delay_months: must be between 0 and 120 (months), got 720"),
        (lambda: Scenario("x", renewal={"Acme": 2.0}), "renewal['Acme']: must be between 0 and 1 (share), got 2"),
        (lambda: Scenario("x", renewal={"Acme": 1.0, D(2026, 1, 1): 1.0}), "by date or by name, not both at once"),
        (lambda: Scenario("x", delay_months=(1.0, 2.0)), "delay_months: must be one number (months)"),
        (lambda: Scenario("x", tenant_default=2.5), "tenant_default: must be a date, or dates by name, got 2.5"),
        (lambda: Drivers.of([Scenario("a"), Scenario("a")]), "names must differ, 'a' stands more than once"),
        (
            lambda: Scenario("x", default=psa(1.0)),
            "default: takes MDR, CDR, SDA or monthly rates, and 100% PSA is none of",
        ),
        (lambda: Scenario("x", rent=psa(1.0)), "rent: must be finite numbers"),
        (lambda: Drivers.of(["base"]), "scenarios[0]: must be a Scenario, got str"),
        (lambda: Drivers.of([]), "at least one is needed"),
        (lambda: Paths(rents=[1.0]), "there is no driver 'rents'. Did you mean 'rent'?"),
        (
            lambda: Paths(rent=[1.0, np.nan]),
            "Paths.rent: must be a number at least 0 (multiple), got nan in path 1",
        ),
        (lambda: Paths(rent=[1.0, 2.0], renewal=[1.0]), "Paths.renewal: must have 2 rows, one a path, got 1"),
        (lambda: Paths(delay_months=[[1.0, 2.0]]), "Paths.delay_months: must have the shape (paths,), got (1, 2)"),
        (lambda: Paths(sale=D(2026, 1, 1)), "Paths.sale: must be years from the start of the schedule"),
        (lambda: Paths(draw=lambda draws: {}), "Paths.count: must be a whole number of paths, at least 1, got None"),
        (lambda: Paths(10), "give arrays by driver or a function to draw them"),
    ],
)
def test_bad_scenarios_say_what_is_wrong_and_where(make, message):
    with pytest.raises(InvalidTerms) as caught:
        make()
    assert message in str(caught.value)


# Documents and start-up


def test_a_scenario_goes_to_a_document_and_back():
    scenario = Scenario(
        "all at once",
        rent={D(2028, 1, 1): 0.7},
        renewal={"Acme": {D(2034, 1, 1): 0.2}, "Bolt": (1.0, 0.5)},
        gpu_price=np.array([1.0, 0.5]),
        tenant_default={"Acme": D(2026, 5, 28)},
        contract_breach=D(2027, 1, 1),
        delay_months=3,
        prepayment=psa(1.5),
        default=2.0 * cdr(0.02, months=3),
        event={"refinancing freeze": D(2029, 1, 1)},
    )
    assert plain(scenario)["prepayment"] == "150% PSA"
    found = []
    assert read(Scenario, plain(scenario), "", found) == scenario and not found


def test_reading_terms_needs_neither_numpy_nor_pandas_nor_quantlib():
    code = """
import sys
from structuring.collateral.asset_classes import Asset
from structuring.scenarios.scenario import Scenario
from waterfalls.terms.term import plain, read
document = {"lease_portfolio": {"tenants": [{"name": "Acme", "rent": 1.0, "ends": "2030-01-01"}], "as_of": "2026-01-01", "cap_rate": 0.06}}
found = []
portfolio = read(Asset, document, "collateral", found)
assert not found and plain(portfolio, Asset) == document, found
plain(Scenario("cut", rent=0.7, renewal=(1.0, 0.5)))
modules = {name: sys.modules.get(name) for name in ("numpy", "pandas", "QuantLib", "numba")}
loaded = sorted(name for name, made in modules.items() if made is not None and type(made).__name__ != "_LazyModule")
assert not loaded, loaded  # a lazy module is a name that stands for one that has not been loaded
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_speed_may_be_said_as_a_deal_file_does():
    said = Scenario("x", prepayment="150% PSA", default="2% CDR")
    assert said == Scenario("x", prepayment=psa(1.5), default=cdr(0.02))
    with pytest.raises(InvalidTerms, match="Scenario 'x'.default: there is no speed 'CDRR'. Did you mean 'CDR'"):
        Scenario("x", default="2% CDRR")
    with pytest.raises(InvalidTerms, match="default: takes MDR, CDR, SDA or monthly rates, and 2% CPR is none of them"):
        Scenario("x", default="2% CPR")
    with pytest.raises(
        InvalidTerms, match="severity: must be finite numbers: one, a vector, by date or by name, got '40%'"
    ):
        Scenario("x", severity="40%")

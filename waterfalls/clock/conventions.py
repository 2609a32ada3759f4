"""The market conventions a deal may name, each with what it is called in QuantLib."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator

from waterfalls.errors import Fault, refuse, refuse_unknown, strangers

V = TypeVar("V")

FREQUENCIES: dict[str, int] = {"monthly": 12, "quarterly": 4, "semiannual": 2, "annual": 1}
CONVENTIONS: dict[str, str] = {
    "unadjusted": "Unadjusted",
    "following": "Following",
    "modified following": "ModifiedFollowing",
    "preceding": "Preceding",
}
CALENDARS: dict[str, tuple[str, ...]] = {
    "none": ("NullCalendar",),
    "weekends": ("WeekendsOnly",),
    "US": ("UnitedStates", "Settlement"),
    "NYSE": ("UnitedStates", "NYSE"),
    "US government bonds": ("UnitedStates", "GovernmentBond"),
    "UK": ("UnitedKingdom", "Settlement"),
    "TARGET": ("TARGET",),
    "Japan": ("Japan",),
    "Canada": ("Canada",),
}
DAY_COUNTS: dict[str, tuple[str, ...]] = {  # no path: QuantLib has none, see waterfalls.clock.schedule
    "30/360": ("Thirty360", "BondBasis"),
    "30/360 US": ("Thirty360", "USA"),
    "30E/360": ("Thirty360", "European"),
    "30E+/360": (),
    "30E/360 ISDA": ("Thirty360", "ISDA"),
    "30/360 German": ("Thirty360", "German"),
    "actual/360": ("Actual360",),
    "actual/365F": ("Actual365Fixed",),
    "actual/365A": (),
    "actual/365L": (),
    "actual/365 no leap": ("Actual365Fixed", "NoLeap"),
    "actual/actual ISDA": ("ActualActual", "ISDA"),
    "actual/actual ICMA": (),
    "actual/actual AFB": ("ActualActual", "AFB"),
}
# Every other currency: actual/360. Source: QuantLib's indices; of HKD and SGD, OpenGamma's guide to market conventions.
FLOATING_DAY_COUNTS: dict[str, str] = dict.fromkeys(
    ("AUD", "CAD", "GBP", "HKD", "JPY", "KRW", "NZD", "PLN", "SGD", "THB", "ZAR"), "actual/365F"
)
CURRENCIES = tuple(  # ISO 4217, without metals and codes for tests
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
    CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ
    GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL
    LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR
    PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY
    TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XDR XOF XPF YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905  (a table of codes, not of quotation marks)
)


def pick(what: str, table: Mapping[str, V], name: str) -> V:
    """An entry by name, or an error with the nearest."""
    refuse_unknown(what, name, table)
    return table[name]


def usual_day_count(currency: str, *, fixed: bool) -> str:
    """How a coupon counts days where nothing is said: 30/360 at a fixed rate, else as the money of its currency does."""
    return "30/360" if fixed else FLOATING_DAY_COUNTS.get(currency, "actual/360")


def known_day_count(name: str) -> str:
    """A name that a day count bears."""
    refuse(strangers("", "day count", [name], DAY_COUNTS))
    return name


DayCount = Annotated[str, AfterValidator(known_day_count)]  # a field of a term that takes one


def odd_currency(fields: Mapping[str, Any]) -> Iterator[Fault]:
    """A field `currency` that is no ISO code."""
    if fields.get("currency") is not None:
        yield from strangers("currency", "currency of ISO 4217", [fields["currency"]], CURRENCIES)


def unadjusted(day_count: str) -> bool:
    """Whether a day count runs between scheduled dates, as bonds accrue: 30/360 and ICMA; the others count days paid."""
    return day_count.startswith("30") or day_count == "actual/actual ICMA"


def calendar_names(name: str) -> list[str]:
    """The calendars of a joint one: `UK + US` is closed when either is."""
    return [part.strip() for part in name.split("+")]

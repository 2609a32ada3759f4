"""Collateralised bond obligations of the Open Source Risk Engine (ORE), from the XML of a trade."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from structuring.deals.deal import Deal
from structuring.documents.xml_files import Node, date_of, number_of, read_xml
from structuring.foreign_deals.as_deal import as_deal
from waterfalls.arguments import number, takes
from waterfalls.arguments import path as a_path
from waterfalls.errors import Fault, InvalidTerms, unknown

TENORS = {"1M": "monthly", "3M": "quarterly", "6M": "semiannual", "12M": "annual", "1Y": "annual"}
CALENDARS = {"": "none", "NullCalendar": "none", "WeekendsOnly": "weekends", "US": "US", "USD": "US", "UK": "UK", "GBP": "UK",
             "TARGET": "TARGET", "EUR": "TARGET", "JP": "Japan", "JPY": "Japan", "CA": "Canada", "CAD": "Canada"}  # fmt: skip
CONVENTIONS = {"": "unadjusted", "U": "unadjusted", "UNADJUSTED": "unadjusted", "F": "following", "FOLLOWING": "following",
               "MF": "modified following", "MODIFIEDFOLLOWING": "modified following", "P": "preceding"}  # fmt: skip
DAY_COUNTS = {"30/360": "30/360", "A360": "actual/360", "ACT/360": "actual/360", "A365": "actual/365F", "A365F": "actual/365F",
              "ACT/365": "actual/365F", "ACT/ACT": "actual/actual ISDA"}  # fmt: skip


@takes(path=a_path, recovery=number(0.0, 1.0))
def deal_from_ore(path: Path | str, *, recovery: float) -> Deal:
    """A deal from an ORE trade of type CBO, or from the reference datum of one; the trade does not say the `recovery`.

    Interest pays the senior fee, then each note in turn and, where its OC or IC ratio fails, principal of it and all above
    it; then the subordinated fee. Principal repays the notes in sequence, then the equity its notional; what is left goes by
    the kicker, where there is one, to the receiver of the senior fee (an equity called `kicker`) and the rest to the equity,
    which is the last tranche. Unpaid interest stays owed, where ORE forgives it. Read are bullets and bonds with fixed coupons; schedules
    by rule, that of a bond with the tenor of its coupon; reinvestment, amortising and floating bonds are refused by name.
    Source: ORE user guide, section on CBO; `MonteCarloCBOEngine`.
    """
    root, found = read_xml(path), list[Fault]()
    structure = next((each for each in inside(root) if each.name in ("CBOStructure", "CboReferenceData")), None)
    if structure is None:
        name = Path(path).name
        raise InvalidTerms(
            [Fault(f"{name}, line {root.line}", "is no CBO of ORE: it has no <CBOStructure> or <CboReferenceData>")]
        )
    reader = Reader(Path(path).name, found)
    dates = reader.schedule(structure)
    tranches = reader.tranches(structure)
    fee_days = reader.known("day count", structure, "FeeDayCounter", DAY_COUNTS, "actual/365F")
    note_days = reader.known("day count", structure, "DayCounter", DAY_COUNTS, "30/360")
    notes, equity = tranches[:-1], tranches[-1:]
    fees = {
        "senior": reader.number(structure, "SeniorFee"),
        "subordinated": reader.number(structure, "SubordinatedFee"),
    }
    kicker = reader.number(structure, "EquityKicker")
    if structure.said("ReinvestmentEndDate") and "closing" in dates:
        until = reader.date(structure, "ReinvestmentEndDate")
        if until is not None and until.isoformat() > dates["closing"]:
            reader.fault(structure.first("ReinvestmentEndDate") or structure, f"reinvestment until {until} is not read")
    data: dict[str, Any] = {
        "name": root.attributes.get("id") or structure.said("StructureId") or Path(path).stem,
        "currency": structure.said("Currency") or "USD", **dates,
        "collateral": {"bond_portfolio": {"bonds": list(reader.bonds(structure, 1.0 - recovery)), "recovery_lag": 0}},
        "tranches": [
            *({"note": {"name": n["name"], "notional": n["notional"], "coupon": n["coupon"], "day_count": note_days, "deferrable": True}}
              for n in notes),
            *({"equity": {"name": e["name"], "notional": e["notional"]}} for e in equity),
            *([{"equity": {"name": "kicker"}}] if kicker else ()),
        ],
        "fees": [{"name": name, "rate": rate, "on": "pool_balance()", "day_count": fee_days} for name, rate in fees.items()],
        "accounts": [{"name": "principal"}],
        "waterfall": list(clauses(notes, equity, kicker)) if equity else [],
    }  # fmt: skip
    return as_deal(data, found, str(path), lambda fault: None)


def inside(node: Node) -> Iterator[Node]:
    """An element and everything in it."""
    yield node
    for child in node.children:
        yield from inside(child)


def clauses(notes: list[dict[str, Any]], equity: list[dict[str, Any]], kicker: float) -> Iterator[str]:
    """The priority of payments, as ORE's engine goes through it."""
    names = [note["name"] for note in notes]
    down = ", ".join(map(repr, names))
    all_notes = f"pay(principal({down}){', sharing=' + repr('sequential') if len(names) > 1 else ''})"
    yield "pay(deposit('principal')).capped(principal_collections())"
    yield "pay(fee('senior'))"
    for k, note in enumerate(notes):
        yield f"pay(interest({note['name']!r}))"
        tests = [
            f"({word}({note['name']!r}) < {note[key]!r})"
            for word, key in (("oc_ratio", "oc"), ("ic_ratio", "ic"))
            if note[key] > 0.0
        ]
        if tests:
            sharing = ", sharing='sequential'" if k else ""
            yield f"pay(principal({', '.join(map(repr, names[: k + 1]))}){sharing}).when({' | '.join(tests)})"
    yield "pay(fee('subordinated'))"
    last = equity[0]["name"]
    yield f"{all_notes}.from_('principal')"
    yield f"pay(residual({last!r})).from_('principal').capped(balance({last!r}))"
    yield "release('principal')"
    shares = {"kicker": kicker, last: 1.0 - kicker}
    yield f"pay(residual('kicker'), residual({last!r}), shares={shares})" if kicker else f"pay(residual({last!r}))"


class Reader:
    """Reads elements of one file, and notes what is wrong with its line."""

    def __init__(self, file: str, found: list[Fault]) -> None:
        self.file, self.found = file, found

    def fault(self, node: Node, what: str) -> None:
        self.found.append(Fault(f"{self.file}, <{node.name}>", what, node.line))

    def number(self, node: Node, *path: str) -> float:
        at = node.first(*path)
        if at is None or not at.text.strip():
            self.fault(at or node, f"{path[-1]} is needed and missing")
            return 0.0
        return number_of(at.text.strip(), f"{self.file}, line {at.line}, <{at.name}>", self.found) or 0.0

    def date(self, node: Node, *path: str) -> Any:
        at = node.first(*path)
        if at is None:
            self.fault(node, f"{path[-1]} is needed and missing")
            return None
        return date_of(at.text.strip(), f"{self.file}, line {at.line}, <{at.name}>", self.found)

    def known(self, what: str, node: Node, name: str, table: dict[str, str], other: str) -> str:
        at = node.first(name)
        said = "" if at is None else at.text.strip()
        if not said and "" not in table:
            return other
        key = next((key for key in table if key.upper() == said.upper()), None)
        if at is not None and key is None:
            self.fault(at, unknown(what, said, [key for key in table if key]))
        return table.get(key or "", other)

    def rules(self, node: Node) -> Node | None:
        """The one rule of a schedule."""
        rules = list(node.all("ScheduleData", "Rules"))
        if len(rules) != 1:
            self.fault(node, f"a schedule of one set of Rules is read, got {len(rules)}")
            return None
        return rules[0]

    def schedule(self, node: Node) -> dict[str, Any]:
        """The deal's dates."""
        rules = self.rules(node)
        if rules is None:
            return {}
        start, end = self.date(rules, "StartDate"), self.date(rules, "EndDate")
        tenor = self.known("tenor", rules, "Tenor", TENORS, "quarterly")
        made = {"frequency": tenor, "calendar": self.known("calendar", rules, "Calendar", CALENDARS, "none"),
                "convention": self.known("convention", rules, "Convention", CONVENTIONS, "unadjusted")}  # fmt: skip
        if start is None or end is None:
            return made
        from structuring.scenarios.months import month_after

        months = {"monthly": 1, "quarterly": 3, "semiannual": 6, "annual": 12}[tenor]
        back, first = 0, end
        while (earlier := month_after(end, -months * (back + 1))) > start:
            back, first = back + 1, earlier
        return {**made, "closing": start.isoformat(), "first_payment": first.isoformat(), "maturity": end.isoformat()}

    def tranches(self, node: Node) -> list[dict[str, Any]]:
        """Name, notional, coupon and ratios of each tranche, the equity last."""
        made = []
        given = list(node.all("CBOTranches", "Tranche"))
        for k, each in enumerate(given):
            fixed, floating = each.first("FixedLegData", "Rates", "Rate"), each.first("FloatingLegData")
            coupon: dict[str, Any] = {"fixed": {"rate": 0.0}}
            if fixed is not None:
                if len(list(each.all("FixedLegData", "Rates", "Rate"))) > 1:
                    self.fault(each, "a coupon of several rates is not read")
                coupon = {
                    "fixed": {
                        "rate": number_of(fixed.text.strip(), f"{self.file}, line {fixed.line}", self.found) or 0.0
                    }
                }
            elif floating is not None:
                margin = self.number(floating, "Spreads", "Spread") if floating.first("Spreads") else 0.0
                coupon = {"floating": {"index": floating.said("Index"), "margin": margin}}
            made.append({
                "name": each.said("Name"), "notional": self.number(each, "Notional"), "coupon": coupon,
                "ic": self.number(each, "ICRatio"), "oc": self.number(each, "OCRatio"),
            })  # fmt: skip
            bears = coupon != {"fixed": {"rate": 0.0}}
            if k + 1 == len(given) and bears:
                self.fault(each, "the last tranche takes what is left; one that bears a coupon besides is not read")
        if len(made) < 2:
            self.fault(node, f"at least one note and the equity are needed, got {len(made)} tranches")
        return made

    def bonds(self, node: Node, severity: float) -> Iterator[dict[str, Any]]:
        """The bonds of the basket."""
        basket = [each for part in node.all("BondBasketData") for each in inside(part) if each.name == "BondData"]
        if not basket:
            self.fault(node, "BondBasketData holds no BondData")
        for bond in basket:
            legs = list(bond.all("LegData"))
            if len(legs) != 1:
                self.fault(bond, f"a bond of one leg is read, got {len(legs)}")
                continue
            (leg,) = legs
            if leg.said("LegType") != "Fixed":
                self.fault(leg, f"a leg of type {leg.said('LegType')!r} is not read; Fixed is")
                continue
            for name in ("Amortizations", "NotionalPayments"):
                if leg.first(name) is not None and leg.first(name).children:  # type: ignore[union-attr]
                    self.fault(leg, f"{name} are not read; bullets are")
            rules = self.rules(leg)
            if rules is None:
                continue
            if self.known("convention", rules, "Convention", CONVENTIONS, "unadjusted") != "unadjusted":
                self.fault(
                    rules, "days of a bond that move to business days are not read: coupons count back unadjusted"
                )
            end = self.date(rules, "EndDate")
            count = self.known("day count", leg, "DayCounter", DAY_COUNTS, "30/360")
            yield {
                "obligor": bond.said("IssuerId") or bond.said("SecurityId"), "notional": self.number(leg, "Notionals", "Notional"),
                "coupon": self.number(leg, "FixedLegData", "Rates", "Rate"), "maturity": "" if end is None else end.isoformat(),
                "frequency": self.known("tenor", rules, "Tenor", TENORS, "quarterly"), "day_count": count, "severity": severity,
            }  # fmt: skip

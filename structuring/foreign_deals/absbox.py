"""Deals of AbsBox, from the JSON that it sends to its engine."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from structuring.deals.deal import Deal
from structuring.documents.plain_data import load, parsed
from structuring.documents.yaml_and_json import line_of
from structuring.foreign_deals.as_deal import as_deal
from structuring.scenarios.months import month_after
from waterfalls.arguments import path as a_path
from waterfalls.arguments import takes
from waterfalls.errors import Fault, InvalidTerms, unknown

DAY_COUNTS = {
    "DC_ACT_365F": "actual/365F", "DC_ACT_360": "actual/360", "DC_30_360_US": "30/360 US", "DC_30E_360": "30E/360",
    "DC_ACT_ACT": "actual/actual ISDA",
}  # fmt: skip
PERIODS = {
    "Monthly": ("monthly", 1),
    "Quarterly": ("quarterly", 3),
    "SemiAnnually": ("semiannual", 6),
    "Annually": ("annual", 12),
}
PAYMENTS = {"Level": "level", "Even": "equal principal"}
PARTS = ("triggers", "rateSwap", "rateCap", "currencySwap", "custom", "liqProvider", "ledgers")
COLLECTED = ("CollectedInterest", "CollectedPrincipal", "CollectedPrepayment", "CollectedRecoveries")


@takes(path=a_path)
def deal_from_absbox(path: Path | str, *, currency: str = "USD", calendar: str = "none") -> Deal:
    """A deal from the JSON of AbsBox (`deal.json` in its Python), which says neither currency nor calendar.

    Read are: mortgages at fixed rates, level or of equal principal; notes at fixed rates that are paid in sequence, and
    equity; fees that are due once or are a rate a year on the pool; one account into which everything collected goes; and a
    waterfall of fees, interest, principal and what is left. What the engine pays on is the same: interest accrues from
    closing, unpaid interest stays owed and bears none. Everything else is refused by name, all at once, with its line.
    Source: AbsBox 0.52, Hastructure's types of the same release.
    """
    data = load(path)
    found: list[Fault] = []
    inside = data.get("contents") if isinstance(data, Mapping) else None
    if not isinstance(inside, Mapping) or not str(data.get("tag", "")).endswith("Deal") or "waterfall" not in inside:
        raise InvalidTerms(f"{path} is no deal of AbsBox: it has no 'tag': 'MDeal' with 'contents'")
    if data["tag"] != "MDeal":
        found.append(
            Fault("tag", f"deals of {data['tag']!r} own another asset class than mortgages, which alone are read")
        )
    for part in PARTS:
        if inside.get(part):
            found.append(
                Fault(f"contents.{part}", f"{part} have no counterpart that is read: write them in the deal file")
            )
    made: dict[str, Any] = {"name": inside.get("name"), "currency": currency, "calendar": calendar}
    read: dict[str, Callable[[], dict[str, Any] | None]] = {
        "dates": lambda: dates_of(inside["dates"], found),
        "pool": lambda: {"collateral": collateral_of(inside["pool"], found)},
        "bonds": lambda: {"tranches": list(tranches_of(inside["bonds"], found))},
        "fees": lambda: {"fees": list(fees_of(inside["fees"], found))},
        "waterfall": lambda: {"waterfall": list(waterfall_of(inside, found))},
        "accounts": lambda: faults_of_accounts(inside, found),
    }
    for part, fields in read.items():
        try:
            made |= fields() or {}
        except (KeyError, TypeError, IndexError, AttributeError, ValueError):  # in whatever way it is odd
            found.append(Fault(f"contents.{part}", "is not as AbsBox 0.52 writes it"))

    def line(fault: Fault) -> int | None:
        return line_of(fault, parsed(path)[1])

    return as_deal(made, found, str(path), line)


def dates_of(dates: Mapping[str, Any], found: list[Fault]) -> dict[str, Any]:
    """Closing, first and later payments, and the ends of collection periods; its cutoff is a day that still collects."""
    said, place = dates["contents"], "contents.dates.contents"
    if dates["tag"] != "GenericDates":
        found.append(Fault("contents.dates", f"the dates {dates['tag']!r} are not read; GenericDates are"))
        return {}
    day = {
        name: datetime.date.fromisoformat(value["contents"])
        for name, value in said.items()
        if value.get("tag") == "SingletonDate"
    }
    first, paid, collected = day["FirstPayDate"], said["DistributionDates"], said["CollectionDates"]
    made: dict[str, Any] = {
        "closing": day["ClosingDate"].isoformat(), "cutoff": (day["CutoffDate"] - datetime.timedelta(days=1)).isoformat(),
        "first_payment": first.isoformat(), "frequency": "monthly", "convention": "unadjusted",
    }  # fmt: skip
    if paid["tag"] == "DayOfMonth":
        number = paid["contents"]
        if number != first.day:
            if number > 28:
                what = f"payments on day {number} are not read where the first falls on day {first.day}; on days to 28 they are"
                found.append(Fault(f"{place}.DistributionDates", what))
            begin = first.replace(day=1) if first.day < number else month_after(first.replace(day=1), 1)
            made["second_payment"] = begin.replace(day=min(number, 28)).isoformat()
    elif paid["tag"] == "MonthEnd":
        made["end_of_month"] = True
    else:
        found.append(
            Fault(
                f"{place}.DistributionDates", f"payments on {paid['tag']!r} are not read; DayOfMonth and MonthEnd are"
            )
        )
    if collected != paid:
        if collected["tag"] == "MonthEnd":
            made["collection_ends"] = "month end"
        elif collected["tag"] == "MonthFirst" and paid == {"tag": "DayOfMonth", "contents": first.day}:
            made["payment_lag"] = first.day - 1
        else:
            ways = "must be MonthEnd, MonthFirst where all payments fall on one day, or the payment dates"
            found.append(Fault(f"{place}.CollectionDates", f"{ways}; got {collected['tag']!r}"))
    last, start = (
        day["StatedMaturityDate"],
        datetime.date.fromisoformat(made.get("second_payment", made["first_payment"])),
    )
    count = (last.year - start.year) * 12 + last.month - start.month
    end = month_after(start, count)
    made["maturity"] = (end if end <= last else month_after(start, count - 1)).isoformat()
    return made


def collateral_of(pool: Mapping[str, Any], found: list[Fault]) -> dict[str, Any]:
    """A loan pool of the mortgages, whose payments follow their own start."""
    pools = pool["contents"] if pool["tag"] == "MultiPool" else {"PoolConsol": pool["contents"]}
    lines, firsts = [], {}
    for name, each in pools.items():
        for k, asset in enumerate(each["assets"]):
            place = f"contents.pool.contents.{name}.assets[{k}]"
            if asset["tag"] != "Mortgage":
                found.append(Fault(place, f"the asset {asset['tag']!r} is not read; Mortgage is"))
                continue
            terms, balance, rate, left, _, status = asset["contents"]
            if terms["originRate"]["tag"] != "Fix":
                found.append(Fault(f"{place}.contents", "a rate that changes is not read; Fix is"))
            if terms["prinType"]["tag"] not in PAYMENTS:
                found.append(Fault(f"{place}.contents", unknown("kind of payment", terms["prinType"]["tag"], PAYMENTS)))
            if terms["period"] not in PERIODS:
                found.append(Fault(f"{place}.contents", unknown("period", terms["period"], PERIODS)))
            if status["tag"] != "Current":
                found.append(
                    Fault(f"{place}.contents", f"a mortgage that is {status['tag']!r} is not read; Current is")
                )
            if terms.get("prepaymentPenalty"):
                found.append(Fault(f"{place}.contents", "a prepaymentPenalty is not read"))
            often, every = PERIODS.get(terms["period"], ("monthly", 1))
            gone = terms["originTerm"] - left
            firsts.setdefault(month_after(datetime.date.fromisoformat(terms["startDate"]), (gone + 1) * every), place)
            lines.append({
                "balance": balance, "rate": rate, "remaining_term": left * every, "age": gone * every, "frequency": often,
                "payment": PAYMENTS.get(terms["prinType"]["tag"], "level"),
            })  # fmt: skip
    if len(firsts) > 1:
        days = " and ".join(map(str, sorted(firsts)))
        found.append(
            Fault(
                next(iter(firsts.values())), f"mortgages next pay on {days}: those of a pool pay on the same day here"
            )
        )
    return {
        "loan_pool": {
            "lines": lines,
            "order": "sequential",
            "first_payment": min(firsts).isoformat() if firsts else None,
        }
    }


def tranches_of(bonds: Mapping[str, Any], found: list[Fault]) -> Iterator[dict[str, Any]]:
    """Notes and equity, in the order of the file."""
    for name, bond in bonds.items():
        place = f"contents.bonds.{name}"
        kind, interest = bond["bndType"]["tag"], bond["bndInterestInfo"]
        if kind == "Equity":
            yield {"equity": {"name": name, "notional": bond["bndBalance"]}}
            continue
        if bond.get("tag") != "Bond" or kind != "Sequential":
            found.append(Fault(f"{place}.bndType", f"bonds of type {kind!r} are not read; Sequential and Equity are"))
        if interest["tag"] != "Fix" or interest["contents"][1] not in DAY_COUNTS:
            known = f"Fix by {', '.join(DAY_COUNTS)} is"
            found.append(Fault(f"{place}.bndInterestInfo", f"interest {interest['tag']!r} is not read; {known}"))
            continue
        if bond.get("bndStepUp"):
            found.append(Fault(f"{place}.bndStepUp", "a step-up is not read"))
        count, issued = interest["contents"][1], bond["bndOriginInfo"]["originBalance"]
        note = {
            "name": name,
            "notional": issued,
            "coupon": {"fixed": {"rate": bond["bndRate"]}},  # its tables accrue by this rate, whatever the kind says
            "day_count": DAY_COUNTS[count],
            "deferrable": True,
        }
        note |= {"balance": bond["bndBalance"]} if bond["bndBalance"] != issued else {}
        note |= {"arrears": bond["bndDueInt"]} if bond.get("bndDueInt") else {}
        yield {"note": note}


def fees_of(fees: Mapping[str, Any], found: list[Fault]) -> Iterator[dict[str, Any]]:
    """Fees due once, and rates a year on the pool."""
    for name, fee in fees.items():
        match fee["feeType"]:
            case {"tag": "FixFee", "contents": amount}:
                yield {"name": name, "annual": 0.0, "arrears": amount}
            case {
                "tag": "AnnualRateFee",
                "contents": [{"tag": "CurrentPoolBalance"}, {"tag": "Constant", "contents": rate}],
            }:
                yield {"name": name, "rate": rate, "on": "pool_balance()", "day_count": "actual/365F"}
            case {"tag": tag}:
                known = "FixFee and AnnualRateFee on CurrentPoolBalance are"
                found.append(Fault(f"contents.fees.{name}.feeType", f"the fee {tag!r} is not read; {known}"))


def waterfall_of(deal: Mapping[str, Any], found: list[Fault]) -> Iterator[str]:
    """The clauses of the distribution day."""
    stages = deal["waterfall"]
    usual = next((key for key in stages if key.startswith("DistributionDay")), None)
    for key in stages:
        if key != usual:
            found.append(
                Fault(f"contents.waterfall[{key!r}]", "one waterfall is read, that of DistributionDay Amortizing")
            )
    actions = stages[usual] if usual is not None else []
    place = f"contents.waterfall[{usual!r}]"
    equity = {name for name, bond in deal["bonds"].items() if bond["bndType"]["tag"] == "Equity"}
    for k, action in enumerate(actions):
        here, tag, said = f"{place}[{k}]", action["tag"], action["contents"]
        if said[0] is not None or any(extra is not None for extra in said[3:]):
            found.append(
                Fault(here, f"a limit, condition or support of {tag!r} is not read: write it in the deal file")
            )
            continue
        whom = said[2]
        if tag == "PayFee":
            yield claims("fee", whom)
        elif tag in ("PayInt", "AccrueAndPayInt"):
            yield claims("interest", whom)
        elif tag == "PayPrin" and not equity & set(whom):
            yield claims("principal", whom)
        elif tag == "PayPrin" and k + 1 < len(actions) and actions[k + 1]["contents"][2] in whom and len(whom) == 1:
            continue  # what is left goes to the same equity next, as one sum
        elif tag in ("PayIntResidual", "PayPrinResidual") and whom in equity:
            yield f"pay(residual({whom!r}))"
        else:
            known = "PayFee, PayInt, AccrueAndPayInt, PayPrin to notes and PayIntResidual to equity are"
            found.append(Fault(here, f"{tag!r} to {whom!r} is not read; {known}"))
    if not actions or actions[-1]["tag"] not in ("PayIntResidual", "PayPrinResidual"):
        found.append(
            Fault(place, "does not end with what is left to the equity, so that cash would stay in the account")
        )


def claims(kind: str, names: list[str]) -> str:
    """A clause that pays several by what is due to each, as AbsBox does."""
    sharing = ", sharing='pro rata by due'" if len(names) > 1 else ""
    return f"pay({', '.join(f'{kind}({name!r})' for name in names)}{sharing})"


def faults_of_accounts(deal: Mapping[str, Any], found: list[Fault]) -> None:
    """Accounts that are more than one, or hold or earn something; collections that do not all go there."""
    accounts = deal["accounts"]
    for name, account in accounts.items():
        if account.get("accBalance") or account.get("accType") or account.get("accInterest"):
            found.append(
                Fault(f"contents.accounts.{name}", "an account with a balance, a target or interest is not read")
            )
    if len(accounts) != 1:
        found.append(
            Fault("contents.accounts", f"one account is read, into which all is collected; got {len(accounts)}")
        )
    into = {rule["contents"][1] for rule in deal["collects"] if rule["tag"] == "Collect"}
    for what in COLLECTED:
        if what not in into:
            found.append(Fault("contents.collects", f"{what} goes into no account"))

"""Holdings: the share of each tranche that each investor class holds, and how that is known."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from waterfalls.errors import Fault, refuse, strangers, unknown
from waterfalls.terms.term import term

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

UNIDENTIFIED = "unidentified"
KNOWN = ("reported", "estimated", "assumed")


@term
class Cell:
    """How one knows a share: reported by the holder or its regulator, estimated from margins, or assumed."""

    known: Literal["reported", "estimated", "assumed"]
    _: KW_ONLY
    source: str = ""
    date: datetime.date | None = None
    confidence: Annotated[float, Field(ge=0.0, le=1.0)] | None = None


@term
class Share:
    """A row of a table of holdings: a share of a tranche's balance, held by a class or by a single `holder` inside it.

    A single holder's share stands inside that of its class and is not added to it.
    """

    tranche: str
    investor_class: str
    share: float
    _: KW_ONLY
    holder: str = ""
    known: Literal["reported", "estimated", "assumed"] | None = None
    source: str = ""
    date: datetime.date | None = None
    confidence: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    purchase_price: Annotated[float, Field(gt=0.0)] | None = None

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        share = fields.get("share", 0.0)
        if not 0.0 <= share <= 1.0:
            advice = f": {share:g} per cent is {share / 100.0:g} or {share:g}%" if 1.0 < share <= 100.0 else ""
            yield Fault("share", f"must be between 0 and 1, got {share:g}{advice}")


@term
class Holdings:
    """Shares of the current balance by tranche and investor class; they sum to 1, what is not known is `unidentified`.

    `named` are shares of single holders, by tranche; each belongs to the class that `members` says, stands inside that
    class's share and is never added to it. `cells` say how a share is known, assumed where nothing is said.
    `purchase_prices` clean, per 100 of what is drawn and may be drawn, where known, by tranche and class.
    """

    shares: Mapping[str, Mapping[str, float]]
    _: KW_ONLY
    named: Mapping[str, Mapping[str, Annotated[float, Field(ge=0.0, le=1.0)]]] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    cells: Mapping[str, Mapping[str, Cell]] = field(default_factory=dict)
    purchase_prices: Mapping[str, Mapping[str, Annotated[float, Field(gt=0.0)]]] = field(default_factory=dict)

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        shares = fields.get("shares", {})
        for tranche, classes in shares.items():
            listed = ", ".join(f"{name} {share:g}" for name, share in classes.items())
            for name, share in classes.items():
                if not 0.0 <= share <= 1.0:
                    yield Fault(f"shares[{tranche!r}][{name!r}]", f"must be between 0 and 1, got {share:g}")
            total = sum(classes.values())
            if abs(total - 1.0) > 1e-9:
                yield Fault(
                    f"shares[{tranche!r}]",
                    f"Holdings of {tranche!r} must sum to 1, got {total:.10g} ({listed}); what is not known is {UNIDENTIFIED!r}",
                )
        for what in ("cells", "purchase_prices"):
            for tranche, classes in fields.get(what, {}).items():
                yield from strangers(what, "tranche", [tranche], shares)
                yield from strangers(f"{what}[{tranche!r}]", "holder", classes, shares.get(tranche, classes))
        yield from faults_of_named(shares, fields.get("named", {}), fields.get("members", {}))

    @property
    def classes(self) -> tuple[str, ...]:
        """Every investor class, in the order first named; `unidentified` last."""
        names = dict.fromkeys(name for classes in self.shares.values() for name in classes)
        return (*(name for name in names if name != UNIDENTIFIED), *([UNIDENTIFIED] if UNIDENTIFIED in names else []))

    def known(self, tranche: str, investor_class: str) -> str:
        """How a share is known: reported, estimated, assumed, or unidentified."""
        if investor_class == UNIDENTIFIED:
            return UNIDENTIFIED
        cell = self.cells.get(tranche, {}).get(investor_class)
        return "assumed" if cell is None else cell.known

    def coverage(self, balances: Mapping[str, float]) -> pd.DataFrame:
        """One row a tranche and one for all: balance, and per cent of it reported, estimated, assumed and unidentified."""
        import pandas as pd

        kinds: tuple[str, ...] = (*KNOWN, UNIDENTIFIED)
        missing = [
            Fault("balances", f"says nothing of {tranche!r}") for tranche in self.shares if tranche not in balances
        ]
        refuse(missing)
        rows: list[dict[str, Any]] = []
        whole: dict[str, float] = dict.fromkeys(kinds, 0.0)
        for tranche, classes in self.shares.items():
            parts: dict[str, float] = dict.fromkeys(kinds, 0.0)
            for name, share in classes.items():
                parts[self.known(tranche, name)] += share
            for kind, part in parts.items():
                whole[kind] += part * balances[tranche]
            rows.append({"tranche": tranche, "balance": balances[tranche], **{k: 100.0 * v for k, v in parts.items()}})
        total = sum(balances[tranche] for tranche in self.shares)
        rows.append({
            "tranche": "all", "balance": total, **{k: 100.0 * v / total if total else float("nan") for k, v in whole.items()}
        })  # fmt: skip
        return pd.DataFrame(rows)

    @classmethod
    def from_table(
        cls,
        table: pd.DataFrame | Path | str | Iterable[Mapping[str, Any]],
        *,
        sheet: str | None = None,
        ignore: Iterable[str] = (),
    ) -> Holdings:
        """Holdings from a row a share: a CSV, Parquet or Excel file, a DataFrame, or mappings; every bad row is told at once.

        Columns are the fields of `Share`; of others, `ignore` names those to leave aside. What a tranche's shares leave
        of 1 is `unidentified`. `sheet` is needed where a workbook has several.
        """
        from structuring.documents.tables import read_rows, sound

        found: list[Fault] = []
        shares: dict[str, dict[str, float]] = {}
        named: dict[str, dict[str, float]] = {}
        members: dict[str, str] = {}
        cells: dict[str, dict[str, Cell]] = {}
        bought: dict[str, dict[str, float]] = {}
        for where, row in sound(read_rows(Share, table, found, sheet=sheet, ignore=ignore)):
            tranche, name, who = row.tranche, row.investor_class, row.holder or row.investor_class
            if row.holder and members.setdefault(row.holder, name) != name:
                found.append(Fault(where, f"{who!r} is one of {members[who]!r} already"))
            book = named if row.holder else shares
            if who in book.setdefault(tranche, {}):
                found.append(Fault(where, f"{who!r} holds {tranche!r} in an earlier row already"))
            book[tranche][who] = row.share
            if not row.holder and (row.known or row.source):
                how = Cell(row.known or "assumed", source=row.source, date=row.date, confidence=row.confidence)
                cells.setdefault(tranche, {})[name] = how
            if not row.holder and row.purchase_price is not None:
                bought.setdefault(tranche, {})[name] = row.purchase_price
        refuse(found)
        for classes in shares.values():
            left = 1.0 - sum(classes.values())
            if left > 1e-9:
                classes[UNIDENTIFIED] = classes.get(UNIDENTIFIED, 0.0) + left
        return cls(shares, named=named, members=members, cells=cells, purchase_prices=bought)

    __table__ = from_table  # what a deal file names a table for


def faults_of_named(
    shares: Mapping[str, Mapping[str, float]], named: Mapping[str, Mapping[str, float]], members: Mapping[str, str]
) -> Iterator[Fault]:
    """Single holders of no class, of a class that does not hold the tranche, or of more than their class holds."""
    for tranche, holders in named.items():
        if tranche not in shares:
            yield Fault("named", unknown("tranche", tranche, shares))
            continue
        inside: dict[str, float] = {}
        for holder, share in holders.items():
            if holder not in members:
                yield Fault("members", f"does not say which class {holder!r} belongs to")
            elif members[holder] not in shares[tranche]:
                yield Fault(f"members[{holder!r}]", unknown(f"holder of {tranche!r}", members[holder], shares[tranche]))
            else:
                inside[members[holder]] = inside.get(members[holder], 0.0) + share
        for name, share in inside.items():
            if share > shares[tranche][name] + 1e-9:
                yield Fault(
                    f"named[{tranche!r}]",
                    f"holders among {name} hold {share:g}, the class only {shares[tranche][name]:g}",
                )

"""Holdings out of filings: who holds a note by its identifier, as funds and insurers reported it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from structuring.deals.holdings import UNIDENTIFIED, Cell, Holdings
from structuring.regulators.positions import Position, cusip_of, odd_identifier, positions_of
from waterfalls.arguments import many, mapping, takes
from waterfalls.errors import Fault, InvalidTerms, unknown


@takes(files=many(str, Path), notes=mapping, outstanding=mapping, classes=mapping, others=mapping)
def filed_holdings(
    files: Iterable[Path | str],
    *,
    notes: Mapping[str, str | Sequence[str]],
    outstanding: Mapping[str, float],
    classes: Mapping[str, str] | None = None,
    others: Mapping[str, Mapping[str, float]] | None = None,
) -> Holdings:
    """Holdings of notes by what filings report, the rest of each `unidentified`.

    `files` are Form N-PORT filings (XML), folders of its quarterly tables, and tables in the layout of Schedule D, part 1.
    `notes` gives each tranche its CUSIP or ISIN, or several (144A and regulation S); `outstanding` its principal, of which
    what is held is a share. `classes` says of which class a holder is, by name; where it does not, insurers are `insurers`,
    funds whose name says so `exchange-traded funds`, and others `registered funds`, since the filing does not tell. `others`
    are shares of tranches that no filing names, such as the equity. Of a holder that filed twice the latest day counts.
    """
    by_cusip, found = dict[str, str](), list[Fault]()
    for tranche, given in notes.items():
        for identifier in [given] if isinstance(given, str) else given:
            if wrong := odd_identifier(identifier):
                found.append(Fault(f"notes[{tranche!r}]", wrong))
            elif by_cusip.setdefault(cusip_of(identifier), tranche) != tranche:
                found.append(
                    Fault(f"notes[{tranche!r}]", f"{identifier!r} is {by_cusip[cusip_of(identifier)]!r} already")
                )
        if not outstanding.get(tranche, 0.0) > 0.0:
            found.append(Fault(f"outstanding[{tranche!r}]", "must say the principal outstanding, above 0"))
    found += [Fault("outstanding", unknown("note", name, notes)) for name in outstanding if name not in notes]
    read: list[Position] = []
    if not found:
        for file in files:
            try:
                read += positions_of(file, frozenset(by_cusip))
            except InvalidTerms as error:
                found += error.faults
    if found:
        raise InvalidTerms(found)
    shares: dict[str, dict[str, float]] = {tranche: {} for tranche in notes}
    named: dict[str, dict[str, float]] = {}
    members: dict[str, str] = {}
    cells: dict[str, dict[str, Cell]] = {}
    latest: dict[tuple[str, str], list[Position]] = {}
    for each in read:
        tranche = by_cusip[each.cusip if each.cusip in by_cusip else cusip_of(each.isin)]
        before = latest.setdefault((tranche, each.holder), [each])
        if before[0] is not each:
            if before[0].date == each.date:
                before.append(each)  # a position reported in several lines
            elif before[0].date is None or (each.date is not None and each.date > before[0].date):
                latest[tranche, each.holder] = [each]
    for (tranche, holder), lines in latest.items():
        kind = (classes or {}).get(holder, lines[0].kind)
        share = sum(line.par for line in lines) / outstanding[tranche]
        shares[tranche][kind] = shares[tranche].get(kind, 0.0) + share
        named.setdefault(tranche, {})[holder] = share
        members[holder] = kind
        cell, day = cells.setdefault(tranche, {}).get(kind), lines[0].date
        newest = day if cell is None or cell.date is None or (day is not None and day > cell.date) else cell.date
        cells[tranche][kind] = Cell("reported", source=lines[0].source, date=newest)
    for tranche, held in shares.items():
        total = sum(held.values())
        if total > 1.0 + 1e-9:
            what = f"holders report {total * outstanding[tranche]:,.0f} of {outstanding[tranche]:,.0f} outstanding"
            found.append(
                Fault(f"outstanding[{tranche!r}]", f"{what}: a note upsized, an identifier of two notes, or lent bonds")
            )
        elif total < 1.0:
            held[UNIDENTIFIED] = 1.0 - total
    for tranche in others or {}:
        if tranche in notes:
            found.append(Fault(f"others[{tranche!r}]", "is one of the notes, whose holders the filings tell"))
    if found:
        raise InvalidTerms(found)
    return Holdings({**shares, **(others or {})}, named=named, members=members, cells=cells)

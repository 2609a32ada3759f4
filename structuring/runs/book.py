"""Book: several deals under the same scenarios, their obligors and holders taken together."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import KW_ONLY, field
from typing import TYPE_CHECKING, Any

from structuring.deals.deal import Deal, drivers_of
from structuring.deals.deal_files import find_deal, load_deal
from structuring.deals.exposures import FAILS, UNNAMED, exposures, herfindahl
from structuring.deals.holdings import UNIDENTIFIED
from structuring.runs.run import scenario_list
from structuring.runs.shared_scenarios import View
from structuring.scenarios.paths import Paths
from structuring.scenarios.scenario import Scenario
from waterfalls.arguments import fitting, function, instance, is_function, takes, whole
from waterfalls.clock.conventions import odd_currency
from waterfalls.errors import Fault, InvalidTerms, UnknownName, refuse_unknown, repeated, strangers
from waterfalls.terms.bounded_numbers import Positive
from waterfalls.terms.field_types import Listed
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Rates = Mapping[str, Any] | Callable[[Deal], Mapping[str, Any]] | None


@term
class Position:
    """A deal in a book: `weight` is the part of it that the book holds, `fx` the book's currency for one of the deal's.

    `deal` is a deal, the path of its file or the name of a shipped one. `obligors` gives the ultimate obligor behind a
    name that the deal uses; other names stand as they are, so that one name in two deals is one obligor.
    """

    deal: str | Deal
    _: KW_ONLY
    weight: Positive = 1.0
    fx: Positive = 1.0
    obligors: Mapping[str, str] = field(default_factory=dict)

    @property
    def terms(self) -> Deal:
        """The deal itself, read where it is given by name or path."""
        return (
            self.deal if isinstance(self.deal, Deal) else read_once(self.deal, find_deal(self.deal).stat().st_mtime_ns)
        )


@functools.lru_cache(maxsize=64)
def read_once(path: str, changed: int) -> Deal:
    """A deal from its file, read again only when the file has changed."""
    return load_deal(path)


@term
class BookFile:
    """A book as its file says it, before the deals are read."""

    name: str
    _: KW_ONLY
    as_of: datetime.date
    positions: Listed[Position]
    currency: str = "USD"
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@term
class Book(BookFile):
    """Many deals under shared scenarios: amounts are in `currency`, each deal's times its weight and exchange rate.

    `as_of` is the date from which shared paths count: years of dated drivers, and months of drivers with a value a
    period or month. A driver given by name names ultimate obligors. `sources` says where its figures come from, by path.
    """

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        positions: Any = fields.get("positions")
        currency = fields.get("currency")
        yield from odd_currency(fields)
        if positions is not None and not positions:
            yield Fault("positions", "at least one is needed")
        deals: list[Deal] = []
        for i, position in enumerate(positions or []):
            try:
                deals.append(deal := position.terms)
            except (InvalidTerms, UnknownName, OSError) as error:
                yield Fault(f"positions[{i}].deal", str(error))
                continue
            if currency is not None and deal.currency != currency and position.fx == 1.0:
                yield Fault(
                    f"positions[{i}].fx", f"{deal.name!r} is in {deal.currency} and the book in {currency}: give fx"
                )
            names = [name for _, name, _ in exposures(deal)]
            yield from strangers(f"positions[{i}].obligors", "obligor", position.obligors, names)
        names = [deal.name for deal in deals]
        for name, times in repeated(names).items():
            yield Fault("positions", f"deals must differ, {name!r} stands {times} times: add the weights")

    @property
    def deals(self) -> dict[str, Deal]:
        """The deals by name."""
        return {deal.name: deal for deal in (position.terms for position in self.positions)}

    @property
    def scales(self) -> dict[str, float]:
        """weight x fx by deal: what turns its amounts into the book's."""
        return {position.terms.name: position.weight * position.fx for position in self.positions}

    def views(self) -> dict[str, View]:
        """How each deal sees the book's scenarios."""
        found = {}
        for position in self.positions:
            local: dict[str, tuple[str, ...]] = {}
            for own in dict.fromkeys([*position.obligors, *(name for _, name, _ in exposures(position.terms))]):
                ultimate = position.obligors.get(own, own)
                local[ultimate] = (*local.get(ultimate, ()), own)
            found[position.terms.name] = View(position.terms, self.as_of, local)
        return found

    def exposures(self) -> pd.DataFrame:
        """One row a deal, role and ultimate obligor: `exposure` in the book's currency. See `concentration`."""
        import pandas as pd

        rows = []
        for position in self.positions:
            deal = position.terms
            rows += [
                {
                    "deal": deal.name,
                    "role": role,
                    "obligor": position.obligors.get(name, name),
                    "exposure": amount * position.weight * position.fx,
                }
                for role, name, amount in exposures(deal)
            ]
        return pd.DataFrame(rows, columns=["deal", "role", "obligor", "exposure"])

    def concentration(self) -> pd.DataFrame:
        """One row a part and ultimate obligor, largest first: exposure, share of all debt, deals, and Herfindahl index.

        `part` is payer (tenant, customer, borrower or unnamed; exposures sum to the book's debt), guarantor or sponsor
        (other views of the same debt: never added up). `herfindahl` is that of the part, by exposure; unnamed payers
        count as one name, so that it is not understated.
        """
        frame: Any = self.exposures()
        frame["part"] = frame["role"].where(frame["role"].isin(["guarantor", "sponsor"]), "payer")
        owed = frame.loc[frame["part"] == "payer", "exposure"].sum()
        table: Any = frame.groupby(["part", "obligor"], as_index=False).agg(
            exposure=("exposure", "sum"), deals=("deal", "nunique")
        )
        table["share"] = table["exposure"] / owed if owed > 0.0 else float("nan")
        indices = {
            part: herfindahl(dict(zip(rows["obligor"], rows["exposure"], strict=True)))
            for part, rows in table.groupby("part")
        }
        table["herfindahl"] = table["part"].map(indices)
        order = table["part"].map({"payer": 0, "guarantor": 1, "sponsor": 2})
        table = table.assign(order=order).sort_values(["order", "exposure"], ascending=[True, False])
        columns = ["part", "obligor", "exposure", "share", "deals", "herfindahl"]
        return table[columns].reset_index(drop=True)

    def by_class(self, amounts: Mapping[str, Mapping[str, Any]]) -> dict[str, np.ndarray]:
        """Amounts by deal and tranche, in the deals' own currencies (numbers or arrays), summed by investor class.

        sum over deals of weight x fx x amount x share held; tranches that nobody is known to hold are `unidentified`.
        Give losses in value, cash shortfalls, or whatever adds up.
        """
        import numpy as np

        deals, scales = self.deals, self.scales
        found: dict[str, np.ndarray] = {}
        for deal, tranches in amounts.items():
            refuse_unknown("deal of the book", deal, deals)
            held = deals[deal].holdings
            for tranche, amount in tranches.items():
                known = [each.name for each in deals[deal].tranches]
                refuse_unknown(f"tranche of {deal!r}", tranche, known)
                shares = held.shares[tranche] if held is not None else {UNIDENTIFIED: 1.0}
                for name, share in shares.items():
                    part = np.asarray(amount, dtype=np.float64) * (scales[deal] * share)
                    found[name] = found[name] + part if name in found else part
        last = {UNIDENTIFIED: found.pop(UNIDENTIFIED)} if UNIDENTIFIED in found else {}
        return {**found, **last}

    def failures(self, when: datetime.date) -> tuple[Scenario, ...]:
        """One scenario a named ultimate obligor: on that day it fails in every role it has, and nothing else happens.

        The first, "base", is what they are measured against.
        """
        views = self.views().values()
        names = dict.fromkeys(name for view in views for name in view.local if name != UNNAMED)
        drivers = dict.fromkeys(driver for each in FAILS.values() for driver in each)
        found = [Scenario("base")]
        for name in names:
            given: dict[str, Any] = {driver: {name: when} for driver in drivers}
            seen = {driver for view in views for driver in view.chosen(given)}
            if seen:
                found.append(
                    Scenario(f"{name} fails", **{driver: given[driver] for driver in drivers if driver in seen})
                )
        return tuple(found)


@dataclasses.dataclass(frozen=True, eq=False)
class BookStudy:
    """What a measure kept of every deal of a book, by the deal's name: `results["beignet-2025"]`."""

    book: Book
    results: Mapping[str, Any]

    def total(self, name: str) -> dict[str, dict[str, np.ndarray]]:
        """A total of `summary()` by deal and tranche (S,), in the deals' own currencies."""
        return {
            deal: {tranche: result.totals[name][:, i] for i, tranche in enumerate(result.tranches)}
            for deal, result in self.results.items()
        }

    def by_class(self, name: str = "loss") -> dict[str, np.ndarray]:
        """A total of `summary()` by investor class (S,), in the book's currency."""
        return self.book.by_class(self.total(name))


@takes(
    book=instance(Book),
    scenarios=scenario_list,
    measure=fitting(
        lambda given: hasattr(given, "join") or is_function(given),
        "a measure, with of(block) and join(parts), such as summary(), or a function of the deal that makes one",
    ),
    rates=fitting(
        lambda given: isinstance(given, Mapping) or is_function(given), "rates by index, or a function of the deal"
    ),
    chunk=whole(),
    workers=whole(),
    progress=function,
)
def study_book(
    book: Book,
    scenarios: Scenario | Sequence[Scenario] | Paths,
    *,
    measure: Any,
    rates: Rates = None,
    chunk: int | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> BookStudy:
    """Studies every deal of a book under the same scenarios: row s of every result is the same state of the world.

    `rates` gives every index, or is a function of the deal that does; `measure` may be one measure, or a function of the
    deal that makes one. Each deal sees the drivers that it reads, under its own names and clock; a driver that no deal
    reads, or a name that none bears, is refused. `progress(done, total)` counts scenarios times deals.
    """
    from structuring.runs.study import CHUNK, study

    listed = (scenarios,) if isinstance(scenarios, Scenario) else scenarios
    views = book.views()
    refuse_unread(views, listed)
    results, total = {}, len(listed) * len(views)
    for k, (name, view) in enumerate(views.items()):

        def told(done: int, count: int, before: int = k * len(listed)) -> None:
            if progress:
                progress(before + done, total)

        given = rates(view.deal) if callable(rates) else rates
        results[name] = study(
            view.deal,
            view.of(listed),
            measure=measure if hasattr(measure, "join") else measure(view.deal),
            rates=given,
            chunk=chunk or CHUNK,
            workers=workers,
            executor=executor,
            progress=told,
        )
    return BookStudy(book, results)


def refuse_unread(views: Mapping[str, View], scenarios: Sequence[Scenario] | Paths) -> None:
    """Refuses drivers that no deal of the book reads and names that none bears."""
    read = frozenset[str]().union(*(drivers_of(view.deal) for view in views.values()))
    given = [scenarios.rows(slice(0, 1)).arrays] if isinstance(scenarios, Paths) else [s.given() for s in scenarios]
    for row in given:
        for driver, value in row.items():
            if driver not in read:
                raise UnknownName("collateral of this book that reads the driver", driver, sorted(read))
            for name in value if isinstance(value, Mapping) else ():
                if isinstance(name, str) and not any(
                    view.chosen({driver: {name: value[name]}}) for view in views.values()
                ):
                    known = sorted({known for view in views.values() for known in view.local})
                    raise UnknownName(f"name in this book that {driver} can be given for", name, known)

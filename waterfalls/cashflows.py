"""What was paid: every flow and every balance, per tranche, fee and account, for each scenario and payment date."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from waterfalls.doors import drawn
from waterfalls.engines.laws import laws, never_negative, tolerance
from waterfalls.engines.outputs import Outputs
from waterfalls.engines.totals import SUMMED, TOTALS
from waterfalls.equality import restored
from waterfalls.errors import Unbalanced, refuse_unknown
from waterfalls.frames import arrow_stream, labels, room
from waterfalls.language.machine import Key
from waterfalls.notebook import tabled
from waterfalls.plan import Plan, is_reported
from waterfalls.receipts import Receipts

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects

    from waterfalls.explain import Explanation

BLOCK = 128
ROUNDING = 1e-13  # of an amount: what a sum of some hundreds may be off by


class Table(Mapping[str, np.ndarray]):
    """Arrays (S, T) by name, each made once and read-only; an unknown name raises with the nearest."""

    def __init__(self, what: str, names: tuple[str, ...], make: Callable[[str], np.ndarray]) -> None:
        self._what, self._names, self._make = what, names, make
        self._made: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        refuse_unknown(self._what, name, self._names)
        if name not in self._made:
            array = np.ascontiguousarray(self._make(name))
            array.setflags(write=False)
            self._made[name] = array
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __reduce__(self) -> tuple[type[Table], tuple[Any, ...]]:
        return Table, (self._what, self._names, self._make)  # what was made is made anew, read-only as here

    def __len__(self) -> int:
        return len(self._names)


class Cashflows:
    """The result of running a plan: amounts in currency units, positive when paid, arrays (S, T) by name.

    `interest` of a note includes additional interest, that of equity is what the residual paid it; `shortfall` is
    interest that fell due and was not paid in the period, `arrears` the stock of it. `draws` are paid in by the holders;
    `written_down` is net of what was written up. Balances are after the date's payments.
    """

    def __init__(
        self, plan: Plan, receipts: Receipts, rates: Mapping[str, np.ndarray], outputs: np.ndarray | Outputs
    ) -> None:
        """`outputs` are what an engine stored, or an array (B, T, K, W) of all in the order of `plan.outputs`."""
        if isinstance(outputs, np.ndarray):
            slots = {key: k for k, key in enumerate(plan.outputs)}
            outputs = Outputs(plan.outputs, len(receipts.scenarios), outputs, slots)
        self.plan = plan
        self.receipts = receipts
        self.rates = rates
        self.outputs = outputs
        tranches, notes, fees = tuple(plan.tranches), tuple(plan.notes_by_name), tuple(plan.fees)

        def table(what: str, names: tuple[str, ...], make: Callable[..., np.ndarray], *symbol: str) -> Table:
            # it holds the outputs, not these flows: no cycle keeps a chunk in memory
            return Table(what, names, functools.partial(make, outputs, *symbol))

        self.interest = table("tranche", tranches, interest_of)
        self.principal = table("tranche", tranches, output_of, "principal")
        self.balance = table("tranche", tranches, output_of, "balance")
        self.draws = table("tranche", tranches, output_of, "drawn")
        self.accrued = table("note", notes, output_of, "accrued", "interest")
        self.arrears = table("note", notes, output_of, "owed", "interest")
        self.shortfall = table("note", notes, shortfall_of)
        self.missed = table("note", notes, output_of, "owed", "scheduled")
        self.capitalised = table("note", notes, output_of, "capitalised")
        self.written_down = table("tranche", tranches, written_down_of)
        self.fees = table("fee", fees, output_of, "paid", "fee")
        self.expenses = table("expense", plan.expenses, output_of, "paid", "expense")
        self.accounts = table("account", tuple(plan.accounts), output_of, "account")
        self.triggers = table("trigger", tuple(plan.triggers), output_of, "trigger")
        self.regime = table("regime", tuple(plan.waterfalls), output_of, "regime")

    __setstate__ = restored

    def __getitem__(self, key: Key) -> np.ndarray:
        """One output (S, T) by its symbol, as a view where the layout allows."""
        return self.outputs[key]

    def zeros(self) -> np.ndarray:
        return np.zeros((len(self.receipts.scenarios), self.periods))

    @property
    def deal(self) -> str:
        """The name of the deal."""
        return self.plan.name

    @property
    def periods(self) -> int:
        return self.plan.schedule.periods

    @property
    def dates(self) -> tuple[datetime.date, ...]:
        """The T payment dates."""
        return self.plan.schedule.dates

    @property
    def tranches(self) -> tuple[str, ...]:
        """The names of the tranches, most senior first."""
        return tuple(self.plan.tranches)

    @property
    def scenarios(self) -> pd.Index:
        """The names of the scenarios, or their numbers where they have none."""
        import pandas as pd

        names = self.receipts.scenarios
        return (
            pd.RangeIndex(names.start, names.stop, name="scenario")
            if isinstance(names, range)
            else pd.Index(names, name="scenario")
        )

    @property
    def collected(self) -> np.ndarray:
        """Cash from the collateral (S, T): what it delivered until it was sold, and what that brought."""
        if not self.plan.sells:
            return self.receipts.cash
        return self.receipts.cash * self[("live",)] + self[("proceeds",)]

    def receipt(self, name: str) -> np.ndarray:
        """A receipt as the waterfall reads it (S, T): until the collateral is sold, with what replacement collateral adds."""
        found = self.receipts.cash if name == "cash" else self.receipts[name]
        found = found * self[("live",)] if self.plan.sells else found
        known = is_reported(name, self.plan, self.receipts)  # else what replaced it is a part of it alone
        for key in self.plan.counted.get(name, ()) if known else ():
            found = found + self[key]
        return found

    def cash(self, tranche: str) -> np.ndarray:
        """What the holders of a tranche receive net of what they pay in (S, T): interest + principal - draws."""
        return self.interest[tranche] + self.principal[tranche] - self.draws[tranche]

    def frame(self) -> pd.DataFrame:
        """A long, tidy frame: one row per scenario, date and tranche."""
        import pandas as pd

        S, T, names = len(self.receipts.scenarios), self.periods, self.tranches
        rows = S * T * len(names)
        room(rows, 12, "take fewer scenarios or use blocks()")
        columns = ("interest", "principal", "draws", "written_down", "balance")
        data = {name: np.stack([getattr(self, name)[n] for n in names], axis=2).ravel() for name in columns}
        for name in ("shortfall", "arrears"):
            table = getattr(self, name)
            data[name] = np.stack([table[n] if n in table else self.zeros() for n in names], axis=2).ravel()
        index = {
            "scenario": labels(np.repeat(np.arange(S), T * len(names)), self.receipts.scenarios),
            "date": np.tile(np.repeat(pd.to_datetime(list(self.dates)), len(names)), S),
            "tranche": labels(np.tile(np.arange(len(names)), S * T), names),
        }
        return pd.DataFrame({"deal": self.deal, "currency": self.plan.currency, **index, **data})

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return arrow_stream(self.frame(), requested_schema)

    def _repr_html_(self) -> str:
        size = f"{len(self.receipts.scenarios):,} scenarios, {self.periods} dates, sums in {self.plan.currency}"
        columns = ["interest", "principal", "draws", "written_down", "shortfall"]
        grouped = next(self.blocks()).frame().groupby(["scenario", "tranche"], observed=True, sort=False)
        sums: Any = grouped[columns].sum()
        return tabled(f"{self.deal}: {size}", sums.reset_index())

    def plot(self, scenario: Any = None, show: Literal["balances", "cash"] = "balances") -> plotly.graph_objects.Figure:
        """One scenario, the first unless said: balances after each date, or `show="cash"` from sources to uses.

        Needs the extra `report`. Amounts are in the unit that the title names.
        """
        return drawn("flows", self, scenario, show)

    def blocks(self) -> Iterator[Cashflows]:
        """The same flows as views of at most 128 scenarios."""
        count, whole = len(self.receipts.scenarios), self.outputs.whole()
        for start in range(0, count, BLOCK):
            part = slice(start, min(start + BLOCK, count))
            rates = {name: rate if rate.shape[0] == 1 else rate[part] for name, rate in self.rates.items()}
            yield Cashflows(self.plan, self.receipts.rows(part), rates, whole.part(part.start, part.stop))

    def explain(self, scenario: Any, date: datetime.date) -> Explanation:
        """How one payment date was settled in one scenario, clause by clause: `print(flows.explain("base", date))`."""
        from waterfalls.explain import explain

        return explain(self, scenario, date)

    def totals(self) -> dict[str, np.ndarray]:
        """Arrays (S, N) by name: the sums over all dates, `unpaid` the balance of notes at the last, and `wal`.

        wal = sum(principal x years) / sum(principal), NaN where nothing was repaid. loss = written down (net of written up)
        + balance and interest still owed at the last date: cash terms, not value.
        """
        S, notes = len(self.receipts.scenarios), self.plan.notes_by_name
        columns: dict[str, list[np.ndarray]] = {name: [] for name in (*TOTALS, "wal")}
        after = self.plan.years
        for tranche in self.plan.tranches:
            if ("total", SUMMED[0], tranche) in self.outputs.carried:
                sums = {name: self.outputs.carried["total", name, tranche] for name in SUMMED}
                unpaid = self.outputs.carried["balance", tranche] if tranche in notes else np.zeros(S)
                owed = self.outputs.carried["owed", "interest", tranche] if tranche in notes else 0.0
            else:
                given = {name: getattr(self, name)[tranche] for name in SUMMED[:4]}
                given["shortfall"] = self.shortfall[tranche] if tranche in notes else np.zeros((S, len(after)))
                given["weighted"] = given["principal"] * after
                sums = {name: np.cumsum(array, axis=1)[:, -1] for name, array in given.items()}  # in the order of dates
                unpaid = self.balance[tranche][:, -1] if tranche in notes else np.zeros(S)
                owed = self.arrears[tranche][:, -1] if tranche in notes else 0.0
            weighted, repaid = sums.pop("weighted"), sums["principal"]
            wal = np.divide(weighted, repaid, out=np.full(S, np.nan), where=repaid > 0.0)
            loss = sums["written_down"] + (unpaid + owed)
            for name, array in {**sums, "unpaid": unpaid, "loss": loss, "wal": wal}.items():
                columns[name].append(array)
        return {name: np.stack(arrays, axis=1) for name, arrays in columns.items()}

    def check(self) -> None:
        """Proves the laws of claims and cash to 1e-9 of the deal's notional; `Unbalanced` names what does not add up.

        Where more cash than that passes, to the rounding of its sum.
        """
        plan, opening, most = self.plan, self.plan.opening, tolerance(self.plan)

        def before(key: Key) -> np.ndarray:
            closing = self[key]
            return np.concatenate([np.full((closing.shape[0], 1), opening[key]), closing[:, :-1]], axis=1)

        for law in laws(plan):
            left, right = self.zeros(), self.zeros()
            for key in law.opening:
                left += before(key)
            for key in law.came:
                left += self[key]
            for (_, field), share in law.collected:
                given = self.receipts.cash if field == "cash" else self.receipts[field]
                left += given if share is None else given * self[share]
            for key in law.went:
                right += self[key]
            gap = np.abs(left - right)
            if not (gap <= np.maximum(most, ROUNDING * np.abs(left))).all():
                s, t = np.unravel_index(np.argmax(np.where(np.isnan(gap), np.inf, gap)), gap.shape)
                error = Unbalanced(
                    f"{law.what} of {plan.name!r} on {self.dates[t]}, scenario {self.scenarios[s]!r}: "
                    f"{left[s, t]:,.6f} came in, {right[s, t]:,.6f} is accounted for"
                )
                error.add_note(str(self.explain(list(self.scenarios)[s], self.dates[t])))
                raise error
        for key in never_negative(plan):
            least = self[key].min(initial=0.0)
            if not least >= -most:
                raise Unbalanced(f"{' '.join(key)} of {plan.name!r} is negative or no number: {least:,.6f}")


def output_of(outputs: Outputs, *symbol: str) -> np.ndarray:
    """An output (S, T) by its symbol."""
    return outputs[symbol]


def written_down_of(outputs: Outputs, name: str) -> np.ndarray:
    """What a tranche was written down, net of what it was written up (S, T)."""
    return outputs["written down", name] - outputs["written up", name]


def interest_of(outputs: Outputs, name: str) -> np.ndarray:
    """What a note was paid beside principal, or an equity as residual (S, T)."""
    if ("residual", name) in outputs:
        return outputs["residual", name]
    paid = outputs["paid", "interest", name]
    for more in (("paid", "additional", name), ("premium", name)):
        paid = paid + outputs[more] if more in outputs else paid
    return paid


def shortfall_of(outputs: Outputs, name: str) -> np.ndarray:
    """Interest that fell due on a note and was neither paid nor capitalised (S, T)."""
    unpaid = outputs["accrued", "interest", name] - outputs["paid", "interest", name] - outputs["capitalised", name]
    return np.maximum(unpaid, 0.0)

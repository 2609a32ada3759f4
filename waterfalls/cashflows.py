"""What was paid: every flow and every balance, per tranche, fee and account, for each scenario and payment date."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from waterfalls.errors import TooLarge, Unbalanced, UnknownName
from waterfalls.plan import Key, Plan
from waterfalls.receipts import Receipts

if TYPE_CHECKING:
    import pandas as pd

    from waterfalls.explain import Explanation

BLOCK = 128
MOST_ROWS = 10_000_000


class Table(Mapping[str, np.ndarray]):
    """Arrays (S, T) by name, each made once and read-only; an unknown name raises with the nearest."""

    def __init__(self, what: str, names: tuple[str, ...], make: Callable[[str], np.ndarray]) -> None:
        self._what, self._names, self._make = what, names, make
        self._made: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise UnknownName(self._what, name, self._names)
        if name not in self._made:
            array = np.ascontiguousarray(self._make(name))
            array.setflags(write=False)
            self._made[name] = array
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Cashflows:
    """The result of running a plan: amounts in currency units, positive when paid, arrays (S, T) by name.

    `interest` of a note includes additional interest, that of equity is what the residual paid it; `shortfall` is
    interest that fell due and was not paid in the period, `arrears` the stock of it. `draws` are paid in by the holders;
    `written_down` is net of what was written up. Balances are after the date's payments.
    """

    def __init__(self, plan: Plan, receipts: Receipts, rates: Mapping[str, np.ndarray], outputs: np.ndarray) -> None:
        self.plan = plan
        self.receipts = receipts
        self.rates = rates
        self._outputs = outputs  # (B, T, K, W): blocks of W scenarios
        self._index = {key: k for k, key in enumerate(plan.outputs)}
        tranches, notes, fees = tuple(plan.tranches), tuple(plan.notes_by_name), tuple(plan.fees)
        self.interest = Table("tranche", tranches, self._interest)
        self.principal = Table("tranche", tranches, lambda n: self["principal", n])
        self.balance = Table("tranche", tranches, lambda n: self["balance", n])
        self.draws = Table("tranche", tranches, lambda n: self["drawn", n])
        self.accrued = Table("note", notes, lambda n: self["accrued", "interest", n])
        self.arrears = Table("note", notes, lambda n: self["owed", "interest", n])
        self.shortfall = Table("note", notes, self._shortfall)
        self.missed = Table("note", notes, lambda n: self["owed", "scheduled", n])
        self.capitalised = Table("note", notes, lambda n: self["capitalised", n])
        self.written_down = Table("tranche", tranches, lambda n: self["written down", n] - self["written up", n])
        self.fees = Table("fee", fees, lambda n: self["paid", "fee", n])
        self.expenses = Table("expense", plan.expenses, lambda n: self["paid", "expense", n])
        self.accounts = Table("account", tuple(plan.accounts), lambda n: self["account", n])
        self.triggers = Table("trigger", tuple(plan.triggers), lambda n: self["trigger", n])
        self.regime = Table("regime", tuple(plan.waterfalls), lambda n: self["regime", n])

    def __getitem__(self, key: Key) -> np.ndarray:
        """One output (S, T) by its symbol, as a view where the layout allows."""
        block = self._outputs[:, :, self._index[key], :]
        return block.transpose(0, 2, 1).reshape(-1, self.periods)[: len(self.receipts.scenarios)]

    def _interest(self, name: str) -> np.ndarray:
        if name not in self.plan.notes_by_name:
            return self["residual", name]
        paid = self["paid", "interest", name]
        for more in (("paid", "additional", name), ("premium", name)):
            paid = paid + self[more] if more in self._index else paid
        return paid

    def _shortfall(self, name: str) -> np.ndarray:
        unpaid = self["accrued", "interest", name] - self["paid", "interest", name] - self["capitalised", name]
        return np.maximum(unpaid, 0.0)

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

    def cash(self, tranche: str) -> np.ndarray:
        """What the holders of a tranche receive net of what they pay in (S, T): interest + principal - draws."""
        return self.interest[tranche] + self.principal[tranche] - self.draws[tranche]

    def frame(self) -> pd.DataFrame:
        """A long, tidy frame: one row per scenario, date and tranche."""
        import pandas as pd

        S, T, names = len(self.receipts.scenarios), self.periods, self.tranches
        rows = S * T * len(names)
        if rows > MOST_ROWS:
            raise TooLarge(
                f"a frame of {rows:,} rows needs about {rows * 100 / 1e9:.1f} GB; take fewer scenarios or use blocks()"
            )
        columns = ("interest", "principal", "draws", "written_down", "balance")
        data = {name: np.stack([getattr(self, name)[n] for n in names], axis=2).ravel() for name in columns}
        for name in ("shortfall", "arrears"):
            table = getattr(self, name)
            data[name] = np.stack([table[n] if n in table else self.zeros() for n in names], axis=2).ravel()
        index = {
            "scenario": np.repeat(self.scenarios, T * len(names)),
            "date": np.tile(np.repeat(pd.to_datetime(list(self.dates)), len(names)), S),
            "tranche": pd.Categorical.from_codes(np.tile(np.arange(len(names)), S * T), list(names), ordered=True),
        }
        return pd.DataFrame({"deal": self.deal, "currency": self.plan.currency, **index, **data})

    def _repr_html_(self) -> str:
        from waterfalls.notebook import summed, tabled

        size = f"{len(self.receipts.scenarios):,} scenarios, {self.periods} dates, sums in {self.plan.currency}"
        return tabled(f"{self.deal}: {size}", summed(self))

    def blocks(self) -> Iterator[Cashflows]:
        """The same flows as views of at most 128 scenarios."""
        count = len(self.receipts.scenarios)
        width = self._outputs.shape[3]
        for start in range(0, count, BLOCK):
            part = slice(start, min(start + BLOCK, count))
            outputs = self._outputs[start // width : start // width + 1]
            if width != BLOCK:
                outputs = self._outputs[:, :, :, part]
            rates = {name: rate if rate.shape[0] == 1 else rate[part] for name, rate in self.rates.items()}
            yield Cashflows(self.plan, self.receipts.rows(part), rates, outputs)

    def explain(self, scenario: Any, date: datetime.date) -> Explanation:
        """How one payment date was settled in one scenario, clause by clause: `print(flows.explain("base", date))`."""
        from waterfalls.explain import explain

        return explain(self, scenario, date)

    def check(self) -> None:
        """Proves the laws of claims and cash to 1e-9 of the deal's notional; `Unbalanced` names what does not add up.

        debts     opening owed + accrued = paid + capitalised + closing owed
        balances  opening + draws + capitalised = principal + written down + closing
        accounts  opening + deposits + income = withdrawals + closing
        ledgers   opening + debited = credited + closing
        assets    opening + bought = repaid + defaulted + sold + closing
        cash      opening + collections + draws + withdrawals + hedge receipts = all payments + deposits + closing
        """
        plan, opening = self.plan, self.plan.opening
        scale = sum(tranche.notional for tranche in plan.tranches.values()) or 1.0

        def before(key: Key) -> np.ndarray:
            closing = self[key]
            return np.concatenate([np.full((closing.shape[0], 1), opening[key]), closing[:, :-1]], axis=1)

        def prove(what: str, left: np.ndarray, right: np.ndarray) -> None:
            gap = np.abs(left - right)
            if not (gap <= 1e-9 * scale).all():
                s, t = np.unravel_index(np.argmax(np.where(np.isnan(gap), np.inf, gap)), gap.shape)
                raise Unbalanced(
                    f"{what} of {plan.name!r} on {self.dates[t]}, scenario {self.scenarios[s]!r}: "
                    f"{left[s, t]:,.6f} came in, {right[s, t]:,.6f} is accounted for"
                )

        paid = self.zeros()
        for key in plan.outputs:
            if key[0] == "owed" and key[1] != "scheduled":
                kind = key[1:]
                left, right = before(key) + self["accrued", *kind], self["paid", *kind] + self[key]
                if ("capitalised", kind[1]) in self._index and kind[0] == "interest":
                    right = right + self["capitalised", kind[1]]
                prove(f"{' '.join(kind)}", left, right)
                paid = paid + self["paid", *kind]
            elif key[0] in ("residual", "premium", "spent"):
                paid = paid + self[key]
        cash_in = before(("cash",)) + self.collected
        for name in plan.tranches:
            cash_in = cash_in + self.draws[name]
            paid = paid + self.principal[name]
            left = before(("balance", name)) + self.draws[name]
            left = left + self.capitalised[name] if name in plan.notes_by_name else left
            prove(f"the balance of {name}", left, self.principal[name] + self.written_down[name] + self.balance[name])
        for name in plan.accounts:
            left = before(("account", name)) + self["deposited", name] + self["income", name]
            prove(f"the account {name}", left, self["withdrawn", name] + self["account", name])
            cash_in = cash_in + self["withdrawn", name]
            paid = paid + self["deposited", name]
        for name in plan.facilities:
            cash_in = cash_in + self["lent", name]
            paid = paid + self["principal", name]
            left = before(("balance", name)) + self["lent", name]
            prove(f"the facility {name}", left, self["principal", name] + self["balance", name])
        for name in plan.hedges:
            cash_in = cash_in + self["received", name]
        for name in plan.ledgers:
            left = before(("ledger", name)) + self["debited", name]
            prove(f"the ledger {name}", left, self["credited", name] + self["ledger", name])
        for name in plan.replacements:
            cash_in = cash_in + self["earned", name] + self["repaid", name] + self["recovered", name]
            left = before(("assets", name)) + self["bought", name]
            gone = self["repaid", name] + self["defaulted", name] + self["sold", name]
            prove(f"the assets {name}", left, gone + self["assets", name])
        prove("cash", cash_in, paid + self[("cash",)])
        for key in plan.outputs:
            if self[key].min(initial=0.0) < -1e-9 * scale and key[0] not in ("accrued", "income"):
                raise Unbalanced(f"{' '.join(key)} of {plan.name!r} is negative: {self[key].min():,.6f}")

"""Fire sales on arrays: who must sell, how far prices fall, and what that costs everyone.

S scenarios, N institutions, K assets. Institutions sell in proportion what can be sold, so a holding is at all times

    value(s, n, k) = left(s, n) x price(s, k) x value0(n, k)        left = 1 and price = start(s, k) before any sale

and every sum over assets is a matrix product. Nothing here knows names: see `contagion`.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Literal

import numpy as np

Impact = Literal["exponential", "linear"]

SHORTFALL = 0.5  # of a fall of price, what the seller bears on what it sells meanwhile: Cont and Schaanning (2017)
BLOCK = 250
SETTLED = 1e-13
SPENT = 1e-12  # of all holdings: where a round takes less, what follows it moves nothing that is told
MOST_STEPS = 2000


@dataclasses.dataclass(frozen=True, eq=False)
class System:
    """What institutions hold and must keep.

    values      (N, K)  value of holdings at the reference, currency units
    sellable    (K,)    whether an asset can be sold at all; one that cannot may still fall with others
    impact      (K, K)  relative fall of the second asset per currency unit of the first that is sold; diagonal unless
                        the sale of one moves another
    capital     (N,)    equity, own funds or net asset value; infinite where not known
    assets      (N,)    all assets, those that are not modelled included
    weights     (N, K)  capital required for each unit of value, before `minimum`
    rest        (N,)    the weight of the assets that are not modelled, times their value
    minimum     (N,)    least capital / requirement; below it an institution sells until the ratio is at `target`
    target      (N,)    at least `minimum`
    flow        (N,)    share of a fund that is redeemed for a loss of all of it: redemptions = flow x loss / value
    marked      (N,)    share of holdings at fair value, whose falls reach capital; the rest reaches it when sold
    start       (S, K)  prices after the first shock, relative to the reference
    direct      (S, N)  loss of the first shock that reached capital
    hidden      (S, N)  loss of the first shock on what can be sold that did not: a sale brings it to light
    """

    values: np.ndarray
    sellable: np.ndarray
    impact: np.ndarray
    capital: np.ndarray
    assets: np.ndarray
    weights: np.ndarray
    rest: np.ndarray
    minimum: np.ndarray
    target: np.ndarray
    flow: np.ndarray
    marked: np.ndarray
    start: np.ndarray
    direct: np.ndarray
    hidden: np.ndarray

    def scenarios(self, part: slice) -> System:
        """The same of some scenarios."""
        return dataclasses.replace(self, start=self.start[part], direct=self.direct[part], hidden=self.hidden[part])

    @functools.cached_property
    def diagonal(self) -> bool:
        """Whether the sale of an asset moves its own price alone."""
        return not (self.impact - np.diag(np.diag(self.impact))).any()


@dataclasses.dataclass(frozen=True, eq=False)
class Rounds:
    """What forced sales did, in currency units, losses positive.

    forced      (R, S, N)  what an institution's own sales cost it: on what it sold, and on what it kept
    others      (R, S, N)  what the sales of others cost it
    recorded    (R, S, N)  what of both reached capital, and what sales brought to light of earlier losses
    sold        (R, S, K)  value sold at the prices before the round
    prices      (R + 1, S, K)  relative to the reference, before the first round and after each
    caused      (S, N)     losses of all that an institution's sales caused, its own included
    left        (S, N)     share of its sellable holdings an institution has left
    truncated   (S, K)     whether linear impact would have made the price negative: it was held at 0
    """

    forced: np.ndarray
    others: np.ndarray
    recorded: np.ndarray
    sold: np.ndarray
    prices: np.ndarray
    caused: np.ndarray
    left: np.ndarray
    truncated: np.ndarray

    def scenarios(self, part: slice) -> Rounds:
        """Views of some scenarios."""
        arrays = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return Rounds(
            **{
                name: array[part] if name in ("caused", "left", "truncated") else array[:, part]
                for name, array in arrays.items()
            }
        )


def fall(pressure: np.ndarray, impact: Impact) -> np.ndarray:
    """The relative fall of prices under a pressure q / depth: 1 - exp(-x), or x held at 1 so that no price is negative."""
    return -np.expm1(-pressure) if impact == "exponential" else np.minimum(pressure, 1.0)


def over(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """A ratio of arrays of one shape, 0 where the bottom is not positive."""
    with np.errstate(over="ignore"):
        return np.divide(top, bottom, out=np.zeros(bottom.shape), where=bottom > 0.0)


def thresholds(system: System, rounds: int, impact: Impact = "exponential", *, whose: bool = True) -> Rounds:
    """Sales in rounds by those below their threshold (Cont and Schaanning 2017), and by funds that are redeemed.

        capital / requirement < minimum   sells the fraction that brings it to target, everything when capital is gone
        redemptions                       flow x (loss of the last round / value before it) of the fund's value
        price'(l) = price(l) x (1 - fall(sum_k sold(k) x impact(k, l)))
        loss      = fall on what is kept + half the fall on what is sold

    Each round sells at the prices of the last. The loss of holder n from asset l is its own doing in the proportion of its
    own sales' pressure on l. Stops when nobody sells; later rounds are zeros. Where nobody asks `whose` doing a loss is, all of it is
    under `others`, `caused` is 0, and it stops too when a round takes less than `SPENT` of all holdings.
    """
    S, (N, K) = len(system.direct), system.values.shape
    made = empty(rounds, S, N, K, system.start)
    for first in range(0, S, BLOCK):
        part = slice(first, first + BLOCK)
        sell_in_rounds(system.scenarios(part), rounds, impact, made.scenarios(part), whose)
    return made


def sell_in_rounds(y: System, rounds: int, impact: Impact, made: Rounds, whose: bool) -> None:
    """`thresholds` for a block of scenarios that a core's cache holds, written into `made`."""
    S, N = y.direct.shape
    can, cannot = y.values * y.sellable, y.values * ~y.sellable
    need_can, need_cannot = (y.weights * can).T.copy(), (y.weights * cannot).T.copy()
    capital, last = y.capital - y.direct, np.maximum(y.direct, 0.0)
    left, price, hidden = np.ones((S, N)), np.array(y.start), y.hidden
    funds, fixed, all_marked, plain = y.flow.any(), cannot.any(), (y.marked == 1.0).all(), (y.weights == 1.0).all()
    diagonal, own_impact = y.diagonal, np.diag(y.impact)
    worth = price @ can.T  # what each would be worth had it sold nothing
    little = 0.0 if whose else SPENT * float(worth.sum())
    for r in range(rounds):
        value_can = left * worth
        required = value_can if plain else left * (price @ need_can)
        standing = y.rest + (price @ need_cannot if fixed else 0.0)
        part = parts(y, capital, required, standing)
        redeemed = np.zeros(1)
        if funds:
            redeemed = redemptions(y, capital, last)
            part = np.fmin(part + quotient(redeemed, value_can), 1.0)
        part *= value_can > 0.0
        if not part.any():
            made.prices[r + 1 :] = price
            break
        redeemed = np.minimum(redeemed, part * value_can)
        off = left * part
        sold = price * (off @ can)
        pressure = sold * own_impact if diagonal else sold @ y.impact
        fell = fall(pressure, impact)
        drop = price * fell
        on_can = drop @ can.T
        worth = worth - on_can
        on_sold = SHORTFALL * off * on_can
        on_kept = left * on_can - on_sold / SHORTFALL + (drop @ cannot.T if fixed else 0.0)
        whole = on_kept + on_sold
        seen = whole
        if not all_marked:
            seen = y.marked * on_kept + on_sold + part * hidden
            hidden = (1.0 - part) * (hidden + (1.0 - y.marked) * left * on_can)
        if whose:
            made.forced[r], caused = attributed(y, can, cannot, off, left - SHORTFALL * off, price, drop, pressure)
            made.caused[:] += caused
        made.others[r], made.recorded[r] = whole - made.forced[r], seen
        made.sold[r] = sold
        if impact == "linear":
            made.truncated[:] |= pressure > 1.0
        price = price * (1.0 - fell)
        made.prices[r + 1] = price
        left = left - off
        capital = capital - seen - redeemed
        last = seen
        if whole.sum() < little:
            made.prices[r + 1 :] = price
            break
    made.left[:] = left


def parts(y: System, capital: np.ndarray, required: np.ndarray, standing: np.ndarray) -> np.ndarray:
    """The part of what can be sold that brings capital / (required + standing) back to target (S, N).

    required / capital of what can be sold and of what cannot. 1 where capital is gone or no sale is enough.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        wanted = 1.0 - (capital / y.target - standing) / required
    wanted = np.fmax(np.fmin(wanted, 1.0), 0.0)  # 0 / 0: nothing sold would help, so everything goes
    wanted[capital >= y.minimum * (required + standing)] = 0.0
    wanted[capital <= 0.0] = 1.0
    return wanted


def redemptions(y: System, capital: np.ndarray, last: np.ndarray) -> np.ndarray:
    """What is redeemed after a loss of `last`: flow x loss / value before it, of the fund's value (S, N)."""
    fund = np.where(y.flow > 0.0, np.maximum(capital, 0.0), 0.0)
    return np.fmin(quotient(y.flow * last, fund + last), 1.0) * fund


def quotient(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """A ratio as floating point has it: infinite or NaN over 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return top / bottom


def empty(rounds: int, S: int, N: int, K: int, price: np.ndarray) -> Rounds:
    """Rounds in which nothing has happened."""
    prices = np.empty((rounds + 1, S, K))
    prices[:] = price
    forced, others, recorded = (np.zeros((rounds, S, N)) for _ in range(3))
    sold, caused, left = np.zeros((rounds, S, K)), np.zeros((S, N)), np.ones((S, N))
    return Rounds(forced, others, recorded, sold, prices, caused, left, np.zeros((S, K), dtype=bool))


def attributed(
    y: System, can: np.ndarray, cannot: np.ndarray, off: np.ndarray, held: np.ndarray, price: np.ndarray,
    drop: np.ndarray, pressure: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """What institutions lose to their own sales, and all to theirs, both (S, N): by their part of the pressure on each price.

    `off` is the share of what can be sold that is, and `held` the share of it that bears the fall (S, N).
    """
    each = over(drop, pressure)  # loss per unit of value held and of pressure, (S, K)
    damage = over(drop * (held @ can + cannot.sum(axis=0)), pressure)  # of all
    if y.diagonal:
        # pressure(n, k) = off price can(n, k) impact(k), on what it holds itself, held can(n, k); nothing else moves
        moved = price * np.diag(y.impact)
        return off * held * ((each * moved) @ (can**2).T), off * ((damage * moved) @ can.T)
    push = np.einsum("sk,nk,kl->snl", price, can, y.impact, optimize=True)
    on_can = np.einsum("snl,sl,nl->sn", push, each, can, optimize=True)
    on_cannot = np.einsum("snl,sl,nl->sn", push, each, cannot, optimize=True)
    return off * (held * on_can + on_cannot), off * ((price * (damage @ y.impact.T)) @ can.T)


def leverage_targeting(system: System, rounds: int = 1, *, caps: bool = False) -> Rounds:
    """Linear leverage targeting (Greenwood, Landier and Thesmar 2015), round after round.

        R1 = -direct / assets       b = (assets - capital) / capital      K = b + flow + b flow
        sales(k)  = sum_n m(n, k) assets(n) K(n) (-R1(n))                 m: weights in what can be sold
        f2(l)     = -sum_k sales(k) impact(k, l)                          R2 = sum_l value(n, l) f2(l) / assets(n)

    The next round starts from R2. flow is the flow-performance sensitivity: an unlevered fund sells flow, a bank b.
    Holdings stay at their value before the shock, so the result is linear in the shock and in impact. `caps` holds sales
    to assets (1 + R1). Aggregate vulnerability = sum_n assets R2 / sum_n capital; see `contagion`. Gains buy.
    """
    y = system
    S, (N, K) = len(y.direct), y.values.shape
    made = empty(rounds, S, N, K, y.start)
    can = y.values * y.sellable
    weights = over(can, np.broadcast_to(can.sum(axis=1, keepdims=True), can.shape))
    known = np.isfinite(y.capital)
    levered = over(np.where(known, y.assets - y.capital, 0.0), np.where(known, y.capital, 0.0))
    kernel = levered + y.flow + levered * y.flow
    loss, bound = np.array(y.direct), np.maximum(y.assets - y.direct, 0.0)
    price = np.array(y.start)
    for r in range(rounds):
        amount = kernel * loss
        if caps:
            amount = np.clip(amount, -bound, bound)
            bound = np.maximum(bound - np.abs(amount), 0.0)
        sold = amount @ weights
        pressure = sold @ y.impact
        fell = np.minimum(pressure, 1.0)
        made.truncated[:] |= pressure > 1.0
        whole = fell @ y.values.T
        each = np.divide(fell, pressure, out=np.ones_like(fell), where=pressure != 0.0)
        own = amount * np.einsum("nk,kl,sl,nl->sn", weights, y.impact, each, y.values, optimize=True)
        made.forced[r], made.others[r], made.recorded[r] = own, whole - own, y.marked * whole
        made.caused[:] += amount * ((each * y.values.sum(axis=0)) @ y.impact.T @ weights.T)
        made.sold[r] = sold
        price = price * (1.0 - fell)
        made.prices[r + 1 :] = price
        loss = y.marked * whole
    return made


def equilibrium(system: System, impact: Impact = "exponential") -> tuple[Rounds, Rounds, np.ndarray]:
    """The fixed points of prices and sales: with the fewest sales and with the most, and which scenarios settled (S,).

        price(l) = start(l) x (1 - fall(sum_k sold(k) impact(k, l)))     sold(k) = sum_n part(n) start(k) value(n, k)
        part(n)  = what brings capital, all holdings at these prices, back to target; 1 when capital is gone;
                   plus redemptions, flow x loss / what can be sold

    All is sold at the price that results (Cifuentes, Ferrucci and Shin 2005). Lower prices never mean fewer sales (which
    needs weight x minimum of at most 1), so iteration from no sales descends to the least sales, and from all sold ascends to the
    most (Tarski). One round each.
    """
    low, a = settle(system, np.zeros(system.direct.shape), impact)
    high, b = settle(system, np.ones(system.direct.shape), impact)
    return low, high, a & b


def settle(y: System, part: np.ndarray, impact: Impact) -> tuple[Rounds, np.ndarray]:
    """Sales (S, N) followed to their fixed point."""
    S, (N, K) = len(y.direct), y.values.shape
    can, cannot = y.values * y.sellable, y.values * ~y.sellable
    need_can, need_cannot = (y.weights * can).T, (y.weights * cannot).T
    start_can = y.start @ can.T
    change = np.full(S, np.inf)
    sold = pressure = fell = np.zeros((S, K))
    for _ in range(MOST_STEPS):
        sold = y.start * (part @ can)
        pressure = sold @ y.impact
        fell = fall(pressure, impact)
        price, drop = y.start * (1.0 - fell), y.start * fell
        on_can, on_cannot = drop @ can.T, drop @ cannot.T
        recorded = y.direct + reaching(y, part, on_can, on_cannot)
        capital = y.capital - recorded
        required, standing = price @ need_can, y.rest + price @ need_cannot
        new = parts(y, capital, required, standing)
        new = np.minimum(new + over(y.flow * np.maximum(recorded, 0.0), start_can), 1.0)
        new = new * (start_can > 0.0)
        change = np.abs(new - part).max(axis=1)
        part = new
        if (change <= SETTLED).all():
            break
    drop = y.start * fell
    on_can, on_cannot = drop @ can.T, drop @ cannot.T
    made = empty(1, S, N, K, y.start)
    whole = np.ones(part.shape)
    made.forced[0], made.caused[:] = attributed(y, can, cannot, part, whole, y.start, drop, pressure)
    made.others[0] = on_can + on_cannot - made.forced[0]
    made.recorded[0] = reaching(y, part, on_can, on_cannot)
    made.sold[0] = sold
    made.prices[1] = y.start * (1.0 - fell)
    made.left[:] = 1.0 - part
    made.truncated[:] = (pressure > 1.0) & (impact == "linear")
    return made, change <= SETTLED


def reaching(y: System, part: np.ndarray, on_can: np.ndarray, on_cannot: np.ndarray) -> np.ndarray:
    """What of falls of price reaches capital: what is marked, what is sold, and what the sale brings to light."""
    return (y.marked + (1.0 - y.marked) * part) * on_can + y.marked * on_cannot + part * y.hidden

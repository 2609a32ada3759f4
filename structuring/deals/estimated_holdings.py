"""Estimates who holds what from the sizes of tranches and the totals of investor classes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from structuring.deals.holdings import UNIDENTIFIED, Cell, Holdings
from waterfalls.errors import Fault, InvalidTerms, refuse, strangers

if TYPE_CHECKING:
    import numpy as np

CLOSE = 1e-10
MOST_STEPS = 10_000


def complete(
    tranches: Mapping[str, float],
    classes: Mapping[str, float],
    *,
    known: Mapping[str, Mapping[str, float]] | None = None,
    zeros: Collection[tuple[str, str]] = (),
) -> Holdings:
    """Holdings whose amounts by tranche and by class are the margins given, known cells as they are.

        a(i, j) = r(i) s(j) for what is not known, r and s such that sum_j a = tranche i and sum_i a = class j

    by iterative proportional fitting (RAS: Bacharach 1965), which maximises entropy. `zeros` are (tranche, class) that
    hold nothing. What classes leave of the tranches is `unidentified`. Known cells are reported, fitted ones estimated.
    Errors: unknown names, negative amounts, known cells above their margins, classes that hold more than there is, and
    zeros that leave a margin nowhere to go.
    """
    import numpy as np

    rows, columns = list(tranches), list(classes)
    left = sum(tranches.values()) - sum(classes.values())
    faults = [
        Fault(f"{what}[{name!r}]", f"must not be negative, got {amount:,.2f}")
        for what, table in (("tranches", tranches), ("classes", classes))
        for name, amount in table.items()
        if amount < 0.0
    ]
    if left < -CLOSE * sum(tranches.values()):
        faults.append(
            Fault(
                "classes", f"hold {sum(classes.values()):,.2f} in all, the tranches are {sum(tranches.values()):,.2f}"
            )
        )
    if UNIDENTIFIED in columns:
        faults.append(Fault("classes", f"{UNIDENTIFIED!r} is what the others leave: do not give it"))
    cells = [(row, name) for row, held in (known or {}).items() for name in held]
    for what, pairs in (("known", cells), ("zeros", zeros)):
        faults += strangers(what, "tranche", (row for row, _ in pairs), rows)
        faults += strangers(what, "class", (name for _, name in pairs), columns)
    refuse(faults)
    columns.append(UNIDENTIFIED)
    fixed, free = np.zeros((len(rows), len(columns))), np.ones((len(rows), len(columns)))
    for row, name in zeros:
        free[rows.index(row), columns.index(name)] = 0.0
    for row, held in (known or {}).items():
        for name, amount in held.items():
            fixed[rows.index(row), columns.index(name)], free[rows.index(row), columns.index(name)] = amount, 0.0
    down = np.array(list(tranches.values()), dtype=float) - fixed.sum(axis=1)
    across = np.array([*classes.values(), max(left, 0.0)], dtype=float) - fixed.sum(axis=0)
    fitted = fixed + fit(free, down, across, rows, columns)
    shares, marks = {}, {}
    for i, row in enumerate(rows):
        total = fitted[i].sum()
        if total <= 0.0:
            shares[row] = {UNIDENTIFIED: 1.0}
            continue
        held = {name: float(fitted[i, j] / total) for j, name in enumerate(columns) if fitted[i, j] > 0.0}
        shares[row] = held
        marks[row] = {
            name: Cell("reported" if (row, name) in cells else "estimated") for name in held if name != UNIDENTIFIED
        }
    return Holdings(shares, cells=marks)


def fit(free: np.ndarray, down: np.ndarray, across: np.ndarray, rows: list[str], columns: list[str]) -> np.ndarray:
    """Amounts in free cells that sum to `down` by row and `across` by column."""
    import numpy as np

    scale = max(float(down.sum()), 1e-300)
    for what, margin, names in (("tranche", down, rows), ("class", across, columns)):
        if (margin < -CLOSE * scale).any():
            i = int(np.argmin(margin))
            raise InvalidTerms(f"known cells of {what} {names[i]!r} exceed its amount by {-margin[i]:,.2f}")
    down, across = np.maximum(down, 0.0), np.maximum(across, 0.0)
    made = free.copy()
    for _ in range(MOST_STEPS):
        for axis, margin in ((1, down), (0, across)):
            sums = made.sum(axis=axis)
            scales = np.divide(margin, sums, out=np.zeros_like(margin), where=sums > 0.0)
            made = made * (scales[:, None] if axis == 1 else scales[None, :])
        gap = np.abs(made.sum(axis=1) - down)
        if gap.max() <= CLOSE * scale:
            break
    off = np.abs(made.sum(axis=1) - down), np.abs(made.sum(axis=0) - across)
    for what, gap, names in (("tranche", off[0], rows), ("class", off[1], columns)):
        if gap.max(initial=0.0) > 1e-6 * scale:
            i = int(np.argmax(gap))
            raise InvalidTerms(
                f"no amounts fit the margins: {what} {names[i]!r} is off by {gap[i]:,.2f}; known cells and zeros leave it "
                "nowhere to go"
            )
    return made

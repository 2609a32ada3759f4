"""Sankey drawings: cash from where it came to whom it was paid, and losses from tranche to holder to end bearer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pricing.report.contents.cash import items
from pricing.report.figures.figure import Figure, escaped
from pricing.report.figures.palette import NEUTRAL, class_colours, faded, tranche_colours
from pricing.valuation.prices import called

if TYPE_CHECKING:
    from pricing.report.contents.stress_result import StressResult
    from pricing.tables.number_formats import Unit
    from waterfalls.cashflows import Cashflows

GROUPS = {  # what the cash was paid as, in the order of most waterfalls
    "expense": "costs and fees",
    "fee": "costs and fees",
    "hedge": "hedges",
    "interest": "interest",
    "principal": "principal",
    "residual": "remainder",
}


class Net:
    """Nodes by (column, name) and the links between them."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[int, str], str] = {}
        self.links: dict[tuple[tuple[int, str], tuple[int, str]], tuple[float, str]] = {}

    def add(self, start: tuple[int, str], end: tuple[int, str], amount: float, colours: tuple[str, str, str]) -> None:
        """A link of an amount, added to what flows there already: the colours of its start, itself and its end."""
        self.nodes.setdefault(start, colours[0])
        self.nodes.setdefault(end, colours[2])
        before = self.links.get((start, end), (0.0, ""))[0]
        self.links[start, end] = (before + amount, colours[1])

    def figure(self, name: str, title: str, unit: Unit, height: int) -> Figure:
        """The drawing, every node with its amount beside its name."""
        places = {key: i for i, key in enumerate(self.nodes)}
        through = dict.fromkeys(self.nodes, 0.0)
        for key in self.nodes:
            into = sum(amount for (_, end), (amount, _) in self.links.items() if end == key)
            out = sum(amount for (start, _), (amount, _) in self.links.items() if start == key)
            through[key] = max(into, out)
        labels = [f"{escaped(key[1])} {through[key] / unit.divisor:,.0f}" for key in self.nodes]
        trace: dict[str, Any] = {
            "type": "sankey",
            "arrangement": "snap",
            "valuesuffix": f" {unit.short}",
            "valueformat": ",.1f",
            "node": {
                "label": labels,
                "color": list(self.nodes.values()),
                "pad": 14,
                "thickness": 12,
                "line": {"width": 0},
            },
            "link": {
                "source": [places[start] for start, _ in self.links],
                "target": [places[end] for _, end in self.links],
                "value": [amount / unit.divisor for amount, _ in self.links.values()],
                "color": [faded(colour) for _, colour in self.links.values()],
            },
        }
        return Figure(
            name, f"{title} ({unit.words})", [trace], {"margin": {"l": 4, "r": 4, "t": 8, "b": 8}}, height, True
        )


def cash_sankey(flows: Cashflows, s: int, unit: Unit) -> Figure:
    """Cash of one scenario over the life of the deal."""
    net, cash = Net(), (1, "cash")
    colours = tranche_colours(list(flows.tranches))
    for item in items(flows, s):
        if item.side == "in":
            words = item.name if item.kind != "from accounts" else f"from {item.name}"
            net.add((0, words), cash, item.amount, (NEUTRAL, NEUTRAL, NEUTRAL))
    for item in items(flows, s):
        if item.side == "out":
            group = GROUPS.get(item.kind)
            colour = colours.get(item.name, NEUTRAL)
            name = f"into {item.name}" if item.kind == "into accounts" else item.name
            if group is None:
                net.add(cash, (3, name), item.amount, (NEUTRAL, colour, colour))
            else:
                net.add(cash, (2, group), item.amount, (NEUTRAL, NEUTRAL, NEUTRAL))
                net.add((2, group), (3, name), item.amount, (NEUTRAL, colour, colour))
    title = f"Cash over the life of the deal, {called(flows.receipts.scenarios, s)}"
    return net.figure("cash-sankey", title, unit, 460)


def loss_sankey(case: StressResult) -> Figure | None:
    """Losses of the stress from tranche to class, and on to end bearers; gains cannot be drawn and are left out."""
    (s, k), net = case.cell, Net()
    tranches, classes = tranche_colours(list(case.prices.tranches)), class_colours(case.losses.classes)
    for n, tranche in enumerate(case.prices.tranches):
        lost = case.losses.tranche["total"][s, k, n]
        for c, name in enumerate(case.losses.classes):
            amount = float(lost * case.losses.shares[n, c])
            if amount > 0.0:
                net.add((0, tranche), (1, name), amount, (tranches[tranche], tranches[tranche], classes[name]))
    if not net.links:
        return None
    if case.chain is not None:
        for name, who, amount in case.chain.flows.itertuples(index=False, name=None):
            if amount > 0.0:
                net.add((1, name), (2, who), amount, (classes.get(name, NEUTRAL), classes.get(name, NEUTRAL), NEUTRAL))
    title = f"Losses from tranche to holder{' to end bearer' if case.chain else ''}"
    return net.figure("loss-sankey", f"{title}, {case.stress}", case.unit, 430)

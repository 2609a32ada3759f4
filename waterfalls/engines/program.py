"""Programs: what the kernel runs, and how values are given registers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

Key = tuple[str, ...]
FEW = 32  # scenarios up to which a program is not made for the rates and receipts of one run, and lanes are few
Node = tuple[str, tuple[int, ...], float]  # (op, operands, immediate)

OPCODES = (
    "copy", "add", "sub", "mul", "div", "min", "max", "ge", "gt", "select", "ratio", "equal", "least", "input", "curve", "store",
)  # fmt: skip
OP = {name: number for number, name in enumerate(OPCODES)}


@dataclasses.dataclass(frozen=True, eq=False)
class Program:
    """One payment date as straight-line instructions [op, destination, a, b, c] over registers.

    There are two wordings of it, for dates of even and of odd number: what one leaves in a register the other finds
    there, so that nothing is copied from date to date.
    """

    instructions: np.ndarray  # int32 (2, P, 5)
    initial: np.ndarray  # float64 (R,): what the registers hold first
    curves: np.ndarray  # float64 (C, T)
    inputs: tuple[Key, ...]
    slots: Mapping[Key, int]  # where each output is stored; equal ones share a slot
    width: int  # the number of slots
    fixed: Mapping[Key, float]  # outputs that never change, and are not stored
    carried: tuple[Key, ...]  # the symbols whose last value is wanted
    finals: np.ndarray  # int32 (M,): the registers that hold them after the last date


def program_of(
    nodes: Sequence[Node],
    homes: Sequence[tuple[int, int, float]],
    outputs: Mapping[Key, int],
    carried: Mapping[Key, int],
    inputs: tuple[Key, ...],
    curves: np.ndarray,
) -> Program:
    """The program that computes `nodes`, given as (op, operands, immediate) in an order that may be followed.

    `homes` are the symbols that live on: (node of its value before, node of its value after, value at the start).
    `outputs` are the nodes to store by key, `carried` the numbers of the homes whose last value is wanted, by key. Dead values are
    dropped and a linear scan assigns registers; each is stored as soon as it is known.
    """
    after = {before: (new, first) for before, new, first in homes}
    same = {before: first for before, (new, first) in after.items() if new == before}
    same |= {id: immediate for id, (op, _, immediate) in enumerate(nodes) if op == "constant"}
    fixed = {key: same[id] for key, id in outputs.items() if id in same}
    stored = {id: k for k, id in enumerate(dict.fromkeys(id for key, id in outputs.items() if key not in fixed))}
    live = alive(
        nodes, {*stored, *(homes[i][0] for i in carried.values()), *(homes[i][1] for i in carried.values())}, after
    )

    order = sorted(live)
    last = {operand: id for id in order for operand in nodes[id][1]}  # where each is read last
    initial: list[float] = []
    register: dict[int, int] = {}
    landing: dict[int, int] = {}  # where the value of a home after the date belongs, by home
    target: dict[int, int] = {}  # and the one landing that a value may be computed in, by value
    for home in (id for id in order if nodes[id][0] == "home"):
        new, first = after[home]
        register[home] = len(initial)
        initial += [first]
        landing[home] = register[home]
        if new != home:
            landing[home] = len(initial)
            initial += [0.0]
            if nodes[new][0] not in ("home", "constant"):
                target.setdefault(new, home)
    for id in (id for id in order if nodes[id][0] == "constant"):
        register[id] = len(initial)
        initial.append(nodes[id][2])

    lines: list[tuple[int, int, int, int, int]] = []
    free: list[int] = []
    kept = {id for id in live if nodes[id][0] == "constant" or (nodes[id][0] == "home" and after[id][0] == id)}
    kept |= {new for home, (new, _) in after.items() if home in live}  # read after the last line

    for id in order:
        op, operands, immediate = nodes[id]
        if op not in ("home", "constant"):
            if id in target:
                register[id] = landing[target[id]]
            else:  # taken before the operands are freed: a destination never aliases a source
                if not free:
                    initial.append(0.0)
                    free.append(len(initial) - 1)
                register[id] = free.pop()
            a, b, c = (*[register[operand] for operand in operands], 0, 0, 0)[:3]
            lines.append((OP[op], register[id], int(immediate) if op in ("input", "curve") else a, b, c))
        if id in stored:
            lines.append((OP["store"], stored[id], register[id], 0, 0))
        if id not in last and id not in kept:
            free.append(register[id])
        for operand in operands:
            if operand not in kept and last.get(operand) == id:
                free.append(register[operand])
                del last[operand]
    for home, (new, _) in after.items():
        if home in live and new != home and target.get(new) != home:
            lines.append((OP["copy"], landing[home], register[new], 0, 0))

    even = np.array(lines, np.int32).reshape(len(lines), 5)
    swap = np.arange(len(initial), dtype=np.int32)
    for home, place in landing.items():
        swap[register[home]], swap[place] = place, register[home]
    odd = swapped(even, swap)
    ends = [register[homes[i][0]] for i in carried.values()]
    finals = np.array(ends if curves.shape[1] % 2 == 0 else [swap[r] for r in ends], np.int32)
    slots = {key: stored[id] for key, id in outputs.items() if key not in fixed}
    return Program(
        np.stack([even, odd]), np.array(initial), curves, inputs, slots, len(stored), fixed, tuple(carried), finals
    )


def alive(nodes: Sequence[Node], wanted: Iterable[int], after: Mapping[int, tuple[int, float]]) -> set[int]:
    """The nodes that what is wanted depends on, at this date or, by way of a home, at a later one."""
    live: set[int] = set()
    stack = list(wanted)
    while stack:
        id = stack.pop()
        if id not in live:
            live.add(id)
            stack += nodes[id][1]
            if id in after:
                stack.append(after[id][0])
    return live


def swapped(lines: np.ndarray, swap: np.ndarray) -> np.ndarray:
    """The same instructions with registers exchanged."""
    new, op = lines.copy(), lines[:, 0]
    reads = (op != OP["input"]) & (op != OP["curve"])
    new[op != OP["store"], 1] = swap[lines[op != OP["store"], 1]]
    new[reads, 2] = swap[lines[reads, 2]]
    new[:, 3:] = swap[lines[:, 3:]]
    return new

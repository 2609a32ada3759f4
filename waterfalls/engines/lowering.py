"""A program as LLVM IR: one payment date as straight-line code over vectors of 32 scenarios, in loops over dates and blocks.

The same + - * / min max, comparisons and selects in the same order as the interpreter does them; nothing is fused or
reassociated, hence the same bits. Truths stay masks as long as only logic reads them, which changes no bit either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from waterfalls.engines.program import OPCODES, Program

LANES = 32  # a vector of 8 waits for each result; with 32 something is always ready to be computed
DATES = 8  # of which inputs are turned at once from scenario by scenario to date by date
VECTOR, MASK = f"<{LANES} x double>", f"<{LANES} x i1>"
ROW, BITS, INDEX = (f"<{DATES} x {kind}>" for kind in ("double", "i1", "i64"))
ZERO, ONE = "zeroinitializer", f"<{', '.join(['double 1.0'] * LANES)}>"
ATTRIBUTES = 'nounwind "stackrealign" "prefer-vector-width"="512"'  # else spills of 64 bytes fall across lines of cache
READS = {"input": 0, "curve": 0, "store": 1, "copy": 1, "select": 3, "ratio": 3, "equal": 3, "least": 3}  # others 2
MODULE = """\
define void @run(ptr noalias %initial, ptr noalias %curves, ptr %inputs, double %tolerance, ptr noalias %outputs,
                 ptr noalias %ends, ptr noalias %state, i64 %scenarios, i64 %dates) {attributes} {{
{body}
}}
declare {vector} @llvm.fabs.v{lanes}f64({vector})
declare {row} @llvm.masked.load.v{dates}f64.p0(ptr, i32, {bits}, {row})
"""


def lower(program: Program) -> str:
    """A module with one function, which runs every block of 32 scenarios over all dates, at least one of each:

    run(initial (R), curves (C, T), F places of inputs (S, T), tolerance, outputs (B, T, K, 32), ends (M, B, 32), state, S, T)

    `state` is room for 2 R vectors. The lanes after the last scenario repeat it.
    """
    return Lowering(program).module()


def odd(program: Program) -> int:
    """Whether the number of dates is odd, 1 or 0."""
    return program.curves.shape[1] % 2


def operands(line: Sequence[int]) -> list[int]:
    """The registers that an instruction reads."""
    return list(line[2 : 2 + READS.get(OPCODES[line[0]], 2)])


def written(line: Sequence[int]) -> list[int]:
    """The register that an instruction writes, if any."""
    return [] if OPCODES[line[0]] == "store" else [line[1]]


class Lowering:
    """The code of one program while it is written.

    Symbols that live on stand in memory twice, for dates of even and of odd number: a date reads the one and writes the
    other. Their registers are those that the two wordings of the program exchange.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.head: list[str] = []
        self.lines: list[str] = []
        self.count = 0
        self.values: dict[int, str] = {}  # numbers that the date has computed, by register
        self.masks: dict[int, str] = {}  # truths that it has
        self.instructions, others = program.instructions.tolist()
        swap: dict[int, int] = {}
        before: dict[int, None] = {}  # what a date reads before it writes it
        done = set[int]()
        for one, other in zip(self.instructions, others, strict=True):
            for a, b in zip(operands(one) + written(one), operands(other) + written(other), strict=True):
                swap |= {a: b, b: a} if a != b else {}
            before |= dict.fromkeys(register for register in operands(one) if register not in done)
            done.update(written(one))
        finals: list[int] = program.finals.tolist()
        self.ends: list[int] = [swap.get(register, register) for register in finals] if odd(program) else finals
        living = [register for register in dict.fromkeys([*before, *self.ends]) if register in swap]
        self.homes = {register: i for i, register in enumerate(living)}
        self.landings = {swap[register]: i for register, i in self.homes.items()}  # where the next date finds them

    def module(self) -> str:
        """The text of the module."""
        new, count = self.new, len(self.homes)
        self.head.append(f"%turned = alloca [{DATES * len(self.program.inputs) + 1} x {VECTOR}], align 64")
        self.head.append(f"%rows = alloca [{LANES} x i64]")
        self.tolerance = self.splat("%tolerance")
        self.below = new(f"fneg {VECTOR} {self.tolerance}")
        last = new("sub i64 %scenarios, 1")
        end = new("sub i64 %dates, 1")
        blocks = new(f"add i64 {new(f'udiv i64 {last}, {LANES}')}, 1")
        tiles = new(f"add i64 {new(f'udiv i64 {end}, {DATES}')}, 1")
        for block in self.loop("block", blocks):
            first = new(f"mul i64 {block}, {LANES}")
            for lane in self.loop("lane", str(LANES)):
                row = self.least(new(f"add i64 {first}, {lane}"), last)
                self.say(f"store i64 {new(f'mul i64 {row}, %dates')}, ptr {self.place('i64', '%rows', lane)}")
            for register, i in self.homes.items():
                self.put(self.given(register), "%state", str(i))
            for tile in self.loop("tile", tiles):
                start = new(f"mul i64 {tile}, {DATES}")
                left = new(f"sub i64 %dates, {start}")
                if self.program.inputs:
                    self.turn(start, left)
                for k in self.loop("date", self.least(left, str(DATES))):
                    self.date(block, new(f"add i64 {start}, {k}"), k)
            for m, register in enumerate(self.ends):
                lives, now = register in self.homes, odd(self.program) * count
                after = self.get("%state", str(now + self.homes[register])) if lives else self.given(register)
                self.put(after, "%ends", new(f"add i64 {new(f'mul i64 {blocks}, {m}')}, {block}"))
        self.say("ret void")
        body = "\n".join([*self.head, *self.lines])
        return MODULE.format(
            body=body, attributes=ATTRIBUTES, vector=VECTOR, lanes=LANES, row=ROW, dates=DATES, bits=BITS
        )

    # lines

    def say(self, line: str) -> None:
        self.lines.append(line)

    def new(self, expression: str) -> str:
        """The name of what an expression gives."""
        self.count += 1
        self.say(f"%v{self.count} = {expression}")
        return f"%v{self.count}"

    def loop(self, name: str, count: str) -> Iterator[str]:
        """What is written inside `for number in self.loop(...)` runs for every number below the count."""
        place = f"%{name}.number"
        self.head.append(f"{place} = alloca i64")
        self.say(f"store i64 0, ptr {place}\nbr label %{name}\n{name}:")
        number = self.new(f"load i64, ptr {place}")
        yield number
        following = self.new(f"add i64 {number}, 1")
        more = self.new(f"icmp ult i64 {following}, {count}")
        self.say(f"store i64 {following}, ptr {place}\nbr i1 {more}, label %{name}, label %{name}.done\n{name}.done:")

    def least(self, a: str, b: str) -> str:
        """The lesser of two whole numbers."""
        return self.new(f"select i1 {self.new(f'icmp ult i64 {a}, {b}')}, i64 {a}, i64 {b}")

    def place(self, kind: str, base: str, index: str) -> str:
        return self.new(f"getelementptr {kind}, ptr {base}, i64 {index}")

    def put(self, value: str, base: str, index: str) -> None:
        self.say(f"store {VECTOR} {value}, ptr {self.place(VECTOR, base, index)}, align 64")

    def get(self, base: str, index: str) -> str:
        return self.new(f"load {VECTOR}, ptr {self.place(VECTOR, base, index)}, align 64")

    def scalar(self, base: str, index: str) -> str:
        """One number from memory, in every lane."""
        return self.splat(self.new(f"load double, ptr {self.place('double', base, index)}, align 8"))

    def splat(self, number: str) -> str:
        """One number in every lane."""
        first = self.new(f"insertelement {VECTOR} poison, double {number}, i32 0")
        return self.new(f"shufflevector {VECTOR} {first}, {VECTOR} poison, <{LANES} x i32> zeroinitializer")

    def select(self, mask: str, yes: str, no: str) -> str:
        return self.new(f"select {MASK} {mask}, {VECTOR} {yes}, {VECTOR} {no}")

    def compare(self, how: str, a: str, b: str) -> str:
        return self.new(f"fcmp {how} {VECTOR} {a}, {b}")

    # values

    def given(self, register: int) -> str:
        """What a register holds first."""
        number = float(self.program.initial[register])
        if number == 1.0:
            return ONE
        return ZERO if number == 0.0 and not np.signbit(number) else self.scalar("%initial", str(register))

    def value(self, register: int) -> str:
        """A number, or a truth as one."""
        if register in self.masks and register not in self.values:
            self.values[register] = self.select(self.masks[register], ONE, ZERO)
        if register in self.values:
            return self.values[register]
        if register in self.homes:
            return self.get("%state", self.new(f"add i64 {self.now}, {self.homes[register]}"))
        return self.given(register)

    def truth(self, register: int) -> str:
        """A truth as a mask."""
        return self.masks[register] if register in self.masks else self.compare("ogt", self.value(register), ZERO)

    def counted(self, count: str, holds: str) -> str:
        return self.select(holds, count, self.new(f"fadd {VECTOR} {count}, {ONE}"))

    # a date

    def turn(self, start: str, left: str) -> None:
        """Inputs of the next dates, of which so many are left, from (scenario, date) to (date, input, scenario)."""
        new, count = self.new, len(self.program.inputs)
        numbers = f"<{', '.join(f'i64 {k}' for k in range(DATES))}>"
        limit = new(f"insertelement {INDEX} poison, i64 {left}, i32 0")
        limit = new(f"shufflevector {INDEX} {limit}, {INDEX} poison, <{DATES} x i32> zeroinitializer")
        there = new(f"icmp ult {INDEX} {numbers}, {limit}")
        for f in self.loop("input", str(count)):
            base = new(f"load ptr, ptr {self.place('ptr', '%inputs', f)}")
            for group in self.loop("group", str(LANES // DATES)):
                lane = new(f"mul i64 {group}, {DATES}")
                rows = []
                for j in range(DATES):
                    row = new(f"load i64, ptr {self.place('i64', '%rows', new(f'add i64 {lane}, {j}'))}")
                    place = self.place("double", base, new(f"add i64 {row}, {start}"))
                    masked = f"@llvm.masked.load.v{DATES}f64.p0(ptr {place}, i32 8, {BITS} {there}, {ROW} {ZERO})"
                    rows.append(new(f"call {ROW} {masked}"))
                for k, column in enumerate(self.transposed(rows)):
                    place = self.place(VECTOR, "%turned", new(f"add i64 {f}, {k * count}"))
                    place = self.place("double", place, lane)
                    self.say(f"store {ROW} {column}, ptr {place}, align 64")

    def transposed(self, rows: list[str]) -> list[str]:
        """The columns of as many rows, by exchanging blocks of 1, 2 and 4."""
        for step in (1, 2, 4):
            made = list(rows)
            for i in (i for i in range(DATES) if not i & step):
                pair = f"{ROW} {rows[i]}, {ROW} {rows[i + step]}"
                low = [p if not p & step else DATES + p - step for p in range(DATES)]
                for k, order in ((i, low), (i + step, [p + step for p in low])):
                    chosen = ", ".join(f"i32 {p}" for p in order)
                    made[k] = self.new(f"shufflevector {pair}, <{DATES} x i32> <{chosen}>")
            rows = made
        return rows

    def date(self, block: str, date: str, k: str) -> None:
        """The code of a date, the k-th of those whose inputs are turned."""
        self.values, self.masks = {}, {}
        self.now = self.new(f"mul i64 {self.new(f'and i64 {date}, 1')}, {len(self.homes)}")
        then = self.new(f"sub i64 {len(self.homes)}, {self.now}")
        inputs = self.new(f"mul i64 {k}, {len(self.program.inputs)}")
        row = self.new(f"add i64 {self.new(f'mul i64 {block}, %dates')}, {date}")
        outputs = self.new(f"mul i64 {row}, {self.program.width}")
        for code, d, *rest in self.instructions:
            op, (a, b, c) = OPCODES[code], rest
            if op == "store":
                self.put(self.value(a), "%outputs", self.new(f"add i64 {outputs}, {d}"))
                continue
            mask = self.logic(op, a, b)
            if op == "input":
                made = self.get("%turned", self.new(f"add i64 {inputs}, {a}"))
            elif op == "curve":
                made = self.scalar("%curves", self.new(f"add i64 {self.new(f'mul i64 %dates, {a}')}, {date}"))
            else:
                made = "" if mask else self.number(op, a, b, c)
            self.values.pop(d, None)
            self.masks.pop(d, None)
            if mask:
                self.masks[d] = mask
            else:
                self.values[d] = made
            if d in self.landings:
                self.put(self.value(d), "%state", self.new(f"add i64 {then}, {self.landings[d]}"))

    def logic(self, op: str, a: int, b: int) -> str:
        """The mask of a comparison or of logic on truths, nothing for all else."""
        masks = self.masks
        if op in ("ge", "gt"):
            return self.compare(f"o{op}", self.value(a), self.value(b))
        if op in ("mul", "max") and a in masks and b in masks:
            return self.new(f"{'and' if op == 'mul' else 'or'} {MASK} {masks[a]}, {masks[b]}")
        if op == "sub" and b in masks and a not in self.values and a not in masks and self.initially_one(a):
            return self.new(f"xor {MASK} {masks[b]}, <{', '.join(['i1 1'] * LANES)}>")
        return ""

    def initially_one(self, register: int) -> bool:
        """Whether a register holds 1 throughout."""
        return register not in self.homes and self.program.initial[register] == 1.0

    def number(self, op: str, a: int, b: int, c: int) -> str:
        """What an instruction computes."""
        if op == "select":
            return self.select(self.truth(a), self.value(b), self.value(c))
        x = self.value(a)
        if op == "copy":
            return x
        y = self.value(b)
        if op in ("min", "max"):  # of equal ones the first; the second is NaN only where the first is chosen
            return self.select(self.compare("olt" if op == "min" else "ogt", y, x), y, x)
        if op == "ratio":
            whole = self.compare("une", y, ZERO)
            return self.select(whole, self.new(f"fdiv {VECTOR} {x}, {y}"), self.value(c))
        if op == "equal":
            gap = self.new(f"fsub {VECTOR} {y}, {self.value(c)}")
            gap = self.new(f"call {VECTOR} @llvm.fabs.v{LANES}f64({VECTOR} {gap})")
            return self.counted(x, self.compare("ole", gap, self.tolerance))
        if op == "least":
            first = self.counted(x, self.compare("oge", y, self.below))
            return self.counted(first, self.compare("oge", self.value(c), self.below))
        return self.new(f"f{op} {VECTOR} {x}, {y}")

"""sensitivity: how far the loop's answer rests on each assumption, alone and all together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.bearers.abs_cdo import LOST_2008
from pricing.contagion.amounts_in_words import money
from pricing.contagion.closed_loop.assumptions import Assumed
from pricing.contagion.closed_loop.closed_loop import economy_of, rest
from pricing.contagion.closed_loop.market_loop import BN, MarketLoop
from pricing.contagion.closed_loop.smallest_move import Move, smallest_move
from structuring.simulation.random_numbers import Draws
from waterfalls.errors import InvalidTerms

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 10
TRIED = (1, 2, 3, 4, 6, 8, 12)  # how many assumptions are moved together when the few that matter are looked for
MOST_TOLD = TRIED[-1]
LOOKS = 50  # at the loop for a question, about
TOLD = 5  # assumptions of a move that a sentence names
QUESTIONS = (  # what is asked, which measure, its level
    ("what follows to exceed the first round", 1, 1.0),
    ("a class to lose a tenth of its capital", 2, 0.1),
    ("principal never repaid to reach the share of 2008", 3, LOST_2008["SF ABS CDOs 1999-2007"]["loss"]),
)
BAND = (0.05, 0.5, 0.95)
MEASURES = ("all losses", "second over first", "most of a class's capital", "never repaid")


@dataclasses.dataclass(frozen=True, eq=False)
class Sensitivity:
    """What the answer depends on. P assumptions, S draws, N institutions; losses in the book's currency.

    taken   (4,)       the measures as taken: all losses; what comes after the first round over the first; the loss of the class that
                       loses most of its capital over that capital; principal of notes never repaid over all principal
    ends    (P, 2, 4)  the measures with one assumption at its low, then at its high, the others as taken
    drawn   (S, 4)     the measures with all assumptions drawn together; `classes` (S, N) the losses of each institution
    few     the names of the assumptions, largest swing first, that together make nine tenths of the band's width, moved alone;
            empty where more than `MOST_TOLD` would be needed
    moves   what would have to be true for each of `QUESTIONS`
    """

    names: tuple[str, ...]
    terms: Mapping[str, Assumed]
    institutions: tuple[str, ...]
    taken: np.ndarray
    ends: np.ndarray
    drawn: np.ndarray
    classes: np.ndarray
    few: tuple[str, ...]
    few_share: float
    moves: tuple[Move, ...]

    @property
    def order(self) -> np.ndarray:
        """The assumptions by the swing of all losses, largest first."""
        return np.argsort(-np.abs(self.ends[:, 1, 0] - self.ends[:, 0, 0]), kind="stable")

    def tornado(self) -> pd.DataFrame:
        """One row an assumption, largest swing first: both measures at its low and its high, and its reason."""
        import pandas as pd

        return pd.DataFrame([
            {"assumption": self.names[p], "low": (one := self.terms[self.names[p]]).low, "taken": one.value, "high": one.high,
             "all_at_low": self.ends[p, 0, 0], "all_at_high": self.ends[p, 1, 0],
             "swing": abs(self.ends[p, 1, 0] - self.ends[p, 0, 0]),
             "ratio_at_low": self.ends[p, 0, 1], "ratio_at_high": self.ends[p, 1, 1], "reason": one.reason}
            for p in self.order
        ])  # fmt: skip

    def band(self) -> pd.DataFrame:
        """One row a measure: as taken, the mean, and the quantiles of the draws."""
        import pandas as pd

        return pd.DataFrame([
            {"measure": name, "taken": self.taken[m], "mean": float(self.drawn[:, m].mean()),
             **{f"quantile_{100 * q:.0f}": float(np.quantile(self.drawn[:, m], q)) for q in BAND}}
            for m, name in enumerate(MEASURES)
        ])  # fmt: skip

    def what_if(self) -> pd.DataFrame:
        """One row a question and assumption that its smallest move moves: from, to, and the part of the way to its end."""
        import pandas as pd

        rows = [
            {"question": move.question, "distance": move.distance, "assumption": name, "taken": self.terms[name].value,
             "moved_to": move.values[name], "part_of_the_way": part, "reached": move.reached}
            for move in self.moves for name, part in move.parts.items()
        ]  # fmt: skip
        columns = ["question", "distance", "assumption", "taken", "moved_to", "part_of_the_way", "reached"]
        return pd.DataFrame(rows, columns=columns)

    def ranking(self) -> pd.DataFrame:
        """One row an institution: the part of the draws in which it loses the most, is among the three that do, and its band."""
        import pandas as pd

        place = np.argsort(np.argsort(-self.classes, axis=1, kind="stable"), axis=1, kind="stable")
        low, middle, high = np.quantile(self.classes, BAND, axis=0)
        table: Any = pd.DataFrame({
            "institution": self.institutions, "first": (place == 0).mean(axis=0), "among_three": (place < 3).mean(axis=0),
            "quantile_5": low, "quantile_50": middle, "quantile_95": high,
        })  # fmt: skip
        return table.sort_values("quantile_50", ascending=False, kind="stable").reset_index(drop=True)

    def sentences(self) -> tuple[str, ...]:
        """How sure the answer is, in words, amounts in billions."""
        low, _, high = np.quantile(self.drawn[:, 0], BAND)
        below = float((self.drawn[:, 1] >= 1.0).mean())
        told = (
            f"{len(self.few)} assumptions make nine tenths of the width: {', '.join(self.few)}."
            if self.few
            else f"No {MOST_TOLD} assumptions make nine tenths of the width: the largest {MOST_TOLD} make {100 * self.few_share:.0f} %."
        )
        lead: Any = self.ranking().iloc[0]
        return (
            f"With all {len(self.names)} assumptions drawn together {len(self.drawn):,} times, each between its low and its high, nine times in ten all "
            f"losses lie between {money(low, BN)} and {money(high, BN)}, with {money(self.taken[0], BN)} taken.",
            told,
            f"What comes after the first round exceeds the first in {100 * below:.1f} % of the draws.",
            f"{str(lead['institution']).capitalize()} lose the most in {100 * lead['first']:.0f} % of the draws.",
            "The draws say how the answer follows from the ranges, and the ranges are assumptions: the band is no probability of a crisis.",
        )

    def what_if_sentences(self) -> tuple[str, ...]:
        """What would have to be true, in words."""
        return tuple(in_words(move) for move in self.moves)


def sensitivity(
    made: MarketLoop,
    draws: int = 1000,
    *,
    seed: int = 0,
    workers: int = 1,
    questions: Sequence[tuple[str, int, float]] = QUESTIONS,
    progress: Callable[[int, int], None] | None = None,
) -> Sensitivity:
    """Moves each assumption alone to its low and its high, then all together: independent triangular draws with what is taken
    as the mode; and looks for the smallest move that answers each of the `questions`. Draw number s is the same for a seed whatever the number of `workers`. `progress(done, all)` counts looks at the loop.
    """
    if draws < 2:
        raise InvalidTerms(f"draws: must be at least 2, got {draws}")
    terms = made.terms.assumptions
    names, taken = tuple(terms), measured(made, {})
    done, whole = [0], 2 * len(names) + draws + 3 * few_draws(draws) + LOOKS * len(questions)

    def tell(more: int) -> None:
        done[0] = min(done[0] + more, whole)
        if progress:
            progress(done[0], whole)

    def at(said: Sequence[Mapping[str, float]]) -> list[tuple[np.ndarray, np.ndarray]]:
        found = []
        parts = [said[i : i + CHUNK] for i in range(0, len(said), CHUNK)]
        with ThreadPoolExecutor(workers) as pool:
            for part in pool.map(lambda each: [measured(made, one) for one in each], parts):
                found += part
                tell(len(part))
        return found

    ends = at([{name: end} for name in names for end in (terms[name].low, terms[name].high)])
    by_end = np.array([each[0] for each in ends]).reshape(len(names), 2, len(MEASURES))
    drawn = at(drawn_values(terms, names, draws, seed))
    all_ = np.array([each[0] for each in drawn])
    order = [names[p] for p in np.argsort(-np.abs(by_end[:, 1, 0] - by_end[:, 0, 0]), kind="stable")]
    count = few_draws(draws)
    width = float(np.subtract(*np.quantile(all_[:count, 0], (0.95, 0.05))))

    def share(n: int) -> float:
        """The part of the band's width that the `n` largest make."""
        own = np.array([each[0][0] for each in at(drawn_values(terms, names, count, seed, only=order[:n]))])
        return float(np.subtract(*np.quantile(own, (0.95, 0.05)))) / width if width > 0.0 else 1.0

    few, few_share = fewest(tuple(n for n in TRIED if n <= len(order)), share)

    def one(said: Mapping[str, float], m: int) -> float:
        tell(1)
        return float(measured(made, said)[0][m])

    moves = tuple(
        smallest_move(question, level, lambda said, m=m: one(said, m), terms, float(taken[0][m]),
                      {name: (by_end[p, 0, m], by_end[p, 1, m]) for p, name in enumerate(names)})
        for question, m, level in questions
    )  # fmt: skip
    tell(whole)
    return Sensitivity(
        names=names, terms=terms, institutions=made.loop.institutions, taken=taken[0], ends=by_end, drawn=all_,
        classes=np.array([each[1] for each in drawn]), few=tuple(order[:few]), few_share=few_share, moves=moves,
    )  # fmt: skip


def fewest(tried: Sequence[int], share: Callable[[int], float], enough: float = 0.9) -> tuple[int, float]:
    """The least of the numbers tried with a share of `enough` and its share, by halving, as more never make less;
    0 and the share of the most where none is enough."""
    low, high, known = 0, len(tried), {}
    while low < high:
        middle = (low + high) // 2
        known[middle] = share(tried[middle])
        low, high = (low, middle) if known[middle] >= enough else (middle + 1, high)
    return (tried[low], known[low]) if low < len(tried) else (0, known.get(low - 1, 0.0))


def few_draws(draws: int) -> int:
    """How many of the draws are used to look for the few assumptions that matter."""
    return min(draws, 100)


def measured(made: MarketLoop, said: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """The measures (4,) and the losses of every institution (N,) under a set of assumptions, the others as taken."""
    y = economy_of(made.stress, made.vehicles, made.terms, said)
    found, state = rest(y, made.channels)
    first, every = float(y.before.first.sum()), float(found.total.sum())
    known = np.isfinite(y.capital) & (y.capital > 0.0)
    of_capital = float((found.total[known] / y.capital[known]).max(initial=0.0))
    ratio = (every - first) / first if first else 0.0
    return np.array([every, ratio, of_capital, y.never_repaid(state)]), found.total


def in_words(move: Move) -> str:
    """What would have to be true, as a sentence."""
    if not move.found:
        return (
            f"For {move.question} nothing within the ranges is enough: with everything that raises it at the end of its range it comes "
            f"to {move.reached:.2f}, and {move.level:g} is asked ({move.taken:.2f} as taken)."
        )
    if not move.parts:
        return f"For {move.question} nothing has to move: it is {move.taken:.2f} as taken, and {move.level:g} is asked."
    told = ", ".join(
        f"{name} {move.values[name]:.3g} ({100 * abs(part):.0f} % of the way to its {'high' if part > 0.0 else 'low'})"
        for name, part in list(move.parts.items())[:TOLD]
    )
    rest = f", and {more} others less" if (more := len(move.parts) - TOLD) > 0 else ""
    return f"For {move.question} this would have to be true: {told}{rest}; a joint move of {move.distance:.2f}, where 1 is one assumption moved to its end."


def drawn_values(
    terms: Mapping[str, Assumed], names: Sequence[str], draws: int, seed: int, *, only: Sequence[str] | None = None
) -> list[dict[str, float]]:
    """The assumptions of every draw; with `only`, those alone, at the same random numbers."""
    uniform = Draws(seed, 0, draws).uniform(len(names))
    chosen = [(p, name) for p, name in enumerate(names) if only is None or name in only]
    columns = {name: triangular(uniform[:, p], terms[name]) for p, name in chosen}
    return [{name: float(column[s]) for name, column in columns.items()} for s in range(draws)]


def triangular(u: np.ndarray, one: Assumed) -> np.ndarray:
    """Quantiles of the triangular distribution from low to high with its mode at the value:
    low + sqrt(u w (mode - low)) below the mode, high - sqrt((1 - u) w (high - mode)) above it, w = high - low.
    """
    low, mode, high = one.low, one.value, one.high
    w = high - low
    below = low + np.sqrt(u * w * (mode - low))
    above = high - np.sqrt((1.0 - u) * w * (high - mode))
    return np.where(u * w <= mode - low, below, above)

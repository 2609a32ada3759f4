"""The command `firstloss library`: the deals and stresses that ship."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pricing.commands.shared.output import Answer, answers

if TYPE_CHECKING:
    import pandas as pd


@answers
def library(
    action: Annotated[str, typer.Argument(metavar="[show]", help="show: print one deal's file")] = "",
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="the deal to show")] = "",
) -> Answer:
    """List the deals and stresses that ship, or show a deal.

    A deal is shown as its file, which says where each figure comes from, and its priority of payments in words.

    \b
    Examples:
      firstloss library
      firstloss library show vantage-jersey

    \b
    Tables: deals, stresses; shown: clauses.
    """
    from waterfalls.errors import InvalidTerms

    if action not in ("", "show"):
        raise InvalidTerms(f"library lists what ships, and library show NAME shows a deal; got {action!r}")
    return shown(name) if action else listed()


def shown(name: str) -> Answer:
    """One deal's file, and its clauses in words."""
    import pandas as pd

    from structuring.deals.deal_files import library as shipped
    from structuring.deals.deal_files import load_deal
    from waterfalls.errors import refuse_unknown

    refuse_unknown("shipped deal", name, shipped())
    deal = load_deal(name)

    def lines() -> Iterator[str]:
        yield shipped()[name].read_text(encoding="utf-8").rstrip()
        for regime, waterfall in deal.waterfalls.items():
            yield f"\n# In words, {regime}:"
            yield from (f"# {line}" for line in waterfall.words().splitlines())

    def clauses() -> pd.DataFrame:
        rows: list[dict[str, Any]] = [
            {"regime": regime, "number": number, "clause": str(clause), "words": clause.words()}
            for regime, waterfall in deal.waterfalls.items()
            for number, clause in enumerate(waterfall.clauses, 1)
        ]
        return pd.DataFrame(rows)

    return Answer({"clauses": clauses}, lines(), {"deal": deal.name, "currency": deal.currency}, verbatim=True)


def listed() -> Answer:
    """Every shipped deal and stress with its first line."""
    import pandas as pd

    from structuring.deals.deal_files import library as shipped
    from structuring.deals.deal_files import load_deal
    from structuring.generators.named_stresses import stresses

    rows = []
    for name, file in shipped().items():
        deal, about = load_deal(name), file.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        row = {"name": name, "currency": deal.currency, "closing": deal.closing, "maturity": deal.maturity}
        rows.append(row | {"tranches": ", ".join(tranche.name for tranche in deal.tranches), "about": about})

    def lines() -> Iterator[str]:
        indent = 2 + max(len(row["name"]) for row in rows)
        for row in rows:
            yield f"{row['name']:<{indent}}{row['currency']}  {row['closing']} to {row['maturity']}  {row['tranches']}"
            yield f"{'':<{indent}}{row['about']}"
        yield "\nStresses, for firstloss stress DEAL --scenario NAME:"
        yield from (f"  {name}" for name in stresses())
        yield "\nfirstloss library show NAME prints a deal's file. firstloss stress ai-debt-market runs the whole market."

    tables = {
        "deals": lambda: pd.DataFrame(rows),
        "stresses": lambda: pd.DataFrame([
            {"name": name, "story": stress.story, "rates_bp": stress.rates} for name, stress in stresses().items()
        ]),
    }  # fmt: skip
    return Answer(tables, lines())

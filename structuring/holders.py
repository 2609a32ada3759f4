"""Holdings: which investor class holds which share of each tranche."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from waterfalls.errors import Fault
from waterfalls.terms import term

UNIDENTIFIED = "unidentified"


@term
class Holdings:
    """Shares of the current balance by tranche and investor class; they sum to 1, what is not known is `unidentified`."""

    shares: Mapping[str, Mapping[str, float]]

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        for tranche, classes in fields.get("shares", {}).items():
            listed = ", ".join(f"{name} {share:g}" for name, share in classes.items())
            for name, share in classes.items():
                if not 0.0 <= share <= 1.0:
                    yield Fault(f"shares[{tranche!r}][{name!r}]", f"must be between 0 and 1, got {share:g}")
            total = sum(classes.values())
            if abs(total - 1.0) > 1e-9:
                yield Fault(
                    f"shares[{tranche!r}]",
                    f"Holdings of {tranche!r} must sum to 1, got {total:g} ({listed}); what is not known is {UNIDENTIFIED!r}",
                )

    @property
    def classes(self) -> tuple[str, ...]:
        """Every investor class, in the order first named; `unidentified` last."""
        names = dict.fromkeys(name for classes in self.shares.values() for name in classes)
        return (*(name for name in names if name != UNIDENTIFIED), *([UNIDENTIFIED] if UNIDENTIFIED in names else []))

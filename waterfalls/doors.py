"""Doors: what other installed packages bring, by entry points."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, NamedTuple

from waterfalls.errors import InvalidTerms


class Offer(NamedTuple):
    """What an entry point of a package loads."""

    package: str
    place: str
    what: Any


def offered(group: str) -> list[Offer]:
    """What packages offer under a group, by the name of the entry point; one that cannot be loaded is refused."""
    found = []
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        package = entry.dist.name if entry.dist is not None else entry.value
        try:
            found.append(Offer(package, entry.value, entry.load()))
        except Exception as error:
            raise InvalidTerms(f"{entry.value} of the package {package!r} cannot be loaded: {error}") from error
    return found

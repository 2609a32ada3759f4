"""Doors: what other packages bring: by entry points those that extend this one, by import those that an extra installs."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, NamedTuple

from waterfalls.errors import FirstLossError, InvalidTerms


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


class MissingExtra(FirstLossError, ImportError):
    """A package that only an extra brings is not installed."""


def need(module: str, *, extra: str = "report") -> ModuleType:
    """A module that an extra of the distribution brings, loaded when it is needed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        raise MissingExtra(
            f"this needs the package {package!r}, which is not installed: pip install 'firstloss[{extra}]'"
        ) from error


def drawn(kind: str, *given: Any) -> Any:
    """A plotly figure of a result, drawn by what packages offer for its kind under `firstloss.figures`."""
    need("plotly.graph_objects")
    found = list(entry_points(group="firstloss.figures", name=kind))
    if len(found) != 1:
        raise InvalidTerms(
            f"figures of {kind} are offered by {len(found)} packages, not by one: install firstloss anew"
        )
    return found[0].load()(*given)

"""Imports an optional package, or says which command installs it."""

from __future__ import annotations

import importlib
from types import ModuleType

from waterfalls.errors import FirstLossError


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

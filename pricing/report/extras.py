"""The packages of the extra `report`: absent ones are one clear error, with the command that installs them."""

from __future__ import annotations

import importlib
from types import ModuleType

from waterfalls.errors import FirstLossError


class MissingExtra(FirstLossError, ImportError):
    """A package that only the report needs is not installed."""


def need(module: str) -> ModuleType:
    """A module of the extra `report`, loaded when it is needed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        raise MissingExtra(
            f"this needs the package {package!r}, which is not installed: pip install 'firstloss[report]'"
        ) from error

"""Compiled code and where it is kept between processes; with no place to keep it, it is compiled anew, and said once.

`FIRSTLOSS_CACHE` names a folder. Without it, kernels stand where Numba puts them, beside this package or in the user's
cache, and native code in the user's cache.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

PLACE = "FIRSTLOSS_CACHE"


def folder() -> Path:
    """Where compiled code is kept: the folder that `FIRSTLOSS_CACHE` names, or firstloss in the user's cache."""
    if given := os.environ.get(PLACE):
        return Path(given)
    home = Path(os.path.expanduser("~"))
    users = {"win32": ("LOCALAPPDATA", home / "AppData" / "Local"), "darwin": ("", home / "Library" / "Caches")}
    variable, otherwise = users.get(sys.platform, ("XDG_CACHE_HOME", home / ".cache"))
    return Path(os.environ.get(variable) or otherwise) / "firstloss"


@functools.cache
def warn() -> None:
    """Says once that nothing is kept."""
    given = os.environ.get(PLACE)
    warnings.warn(
        f"there is no folder to keep compiled code in{f' ({given!r} cannot be written to)' if given else ''}: every process "
        f"compiles it anew, some seconds each time. Name one in the environment variable {PLACE}",
        RuntimeWarning,
        stacklevel=3,
    )


def compiled(function: Callable[..., Any]) -> Any:
    """A function as machine code by Numba, without the interpreter's lock; kept between processes where that is possible."""
    import numba
    import numba.core.config

    config: Any = numba.core.config

    made: Any = numba.njit(nogil=True, error_model="numpy")(function)
    before = config.CACHE_DIR
    if os.environ.get(PLACE):
        config.CACHE_DIR = str(folder())
    try:
        made.enable_caching()
        made._cache = Kept(made._cache)
    except (RuntimeError, OSError):  # Numba found no place that it may write to
        warn()
    finally:
        config.CACHE_DIR = before
    return made


class Kept:
    """Numba's cache of one function, without which all goes on: on a full disk, after a file was damaged."""

    def __init__(self, cache: Any) -> None:
        self.cache = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cache, name)

    def load_overload(self, *given: Any) -> Any:
        """The compiled code of a signature, None where there is none that can be read."""
        try:
            return self.cache.load_overload(*given)
        except Exception:  # whatever a damaged file unpickles to
            with contextlib.suppress(Exception):
                self.cache.flush()
            return None

    def save_overload(self, *given: Any) -> None:
        """Keeps compiled code."""
        try:
            self.cache.save_overload(*given)
        except Exception:
            warn()

"""The command's way in: the three packages come from this installation, whatever else on the path bears their names."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent
PACKAGES = ("waterfalls", "structuring", "pricing")


class BesideThisFile:
    """Finds the three packages beside this file; every other import is left to the finders that follow."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [str(HOME)]) if name in PACKAGES else None


def others() -> list[Path]:
    """The packages that bear the name of one of ours and stand before it on the import path."""
    found = [(name, PathFinder.find_spec(name)) for name in PACKAGES]
    origins = [(name, Path(spec.origin).resolve().parent) for name, spec in found if spec and spec.origin]
    return [origin for name, origin in origins if origin != HOME / name]


OTHERS = others()
sys.meta_path.insert(0, BesideThisFile)  # at import, so that processes which the command starts find them too


def main() -> None:
    """Runs the command, after a word on every package that would have been taken for one of ours."""
    for other in OTHERS:
        print(f"firstloss: not {other}, but the package of that name in {HOME} is used", file=sys.stderr)
    from pricing.cli import main as command

    command()


if __name__ == "__main__":
    main()

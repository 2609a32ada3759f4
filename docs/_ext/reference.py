"""The page of the API: the public names of a package, file by file, as its stub lists them."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

from docstrings import markdown

ROOT = Path(__file__).resolve().parents[2]
INSIDE = "settle"  # what the engines call, and nobody else


def public_names(package: str) -> dict[str, list[str]]:
    """The names that a package's stub re-exports, by the module they come from."""
    stub = ast.parse((ROOT / package / "__init__.pyi").read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for node in stub.body:
        if isinstance(node, ast.ImportFrom):
            found.setdefault(str(node.module), []).extend(alias.asname or alias.name for alias in node.names)
    return found


def page(package: str) -> str:
    """Every public name of a package, under the module it is written in, for autodoc to describe."""
    parts = []
    for module, names in public_names(package).items():
        written = importlib.import_module(f"{package}.{module}")
        parts.append(f"## {package}.{module}\n\n{markdown(written.__doc__ or '')}\n\n```{{eval-rst}}")
        parts += (documented(package, name) for name in names)
        parts.append("```\n")
    return "\n".join(parts)


def documented(package: str, name: str) -> str:
    """The directive of autodoc for one name."""
    made = getattr(importlib.import_module(package), name)
    kind = "class" if inspect.isclass(made) else "function" if callable(made) else "data"
    members = f"\n   :members:\n   :exclude-members: {INSIDE}" if kind == "class" else ""
    return f".. auto{kind}:: {package}.{name}{members}\n"


def waterfalls() -> str:
    return page("waterfalls")


def structuring() -> str:
    return page("structuring")


def pricing() -> str:
    return page("pricing")

"""The clauses: one a file, each with its meaning, its instructions and its words. Importing this adds all their words."""

from waterfalls.clauses import draw, pay, release, write_down

__all__ = ["draw", "pay", "release", "write_down"]

"""The clauses: one a file, each with its meaning and its words. Importing this adds all their words."""

from waterfalls.clauses import call, debit, draw, pay, purchase, release, write_down

__all__ = ["call", "debit", "draw", "pay", "purchase", "release", "write_down"]

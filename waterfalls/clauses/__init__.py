"""Clauses and what they pay: the verbs of a waterfall, one a file, and the claims."""

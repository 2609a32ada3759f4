"""Hypothesis profiles: `quick` is that of `make test`, `deep` that of `make test-all`."""

import os

from hypothesis import settings

# Derandomised, so that a run of `make test` fails for what changed and never for what was drawn.
settings.register_profile("quick", max_examples=50, derandomize=True, deadline=None)
settings.register_profile("deep", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
os.environ.pop("COLUMNS", None)  # tables are as wide as they are, whatever terminal the tests run in

"""Hypothesis profiles: `quick` is that of `make test`, `deep` that of `make test-all`."""

import os

from hypothesis import HealthCheck, settings

# Derandomised, so that a run of `make test` fails for what changed and never for what was drawn.
# Nor for how busy the machine is: drawing slowly is no fault of what is tested.
settings.register_profile(
    "quick", max_examples=50, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("deep", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
os.environ.pop("COLUMNS", None)  # tables are as wide as they are, whatever terminal the tests run in

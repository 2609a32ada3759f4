"""Structuring: sizes, coupons, schedules and reserves solved from tests, not guessed."""

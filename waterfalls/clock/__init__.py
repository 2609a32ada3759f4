"""Dates: payment schedules on market calendars, day counts and the conventions they are named by."""

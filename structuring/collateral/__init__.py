"""What a deal may own: one file an asset class, each saying what it reads from a scenario and what it delivers."""

"""The market on a valuation date: curves, quotes, fixings, and the file that holds them."""

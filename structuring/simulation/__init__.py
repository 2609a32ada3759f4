"""Random numbers, copulas, and the correlated defaults of many obligors."""

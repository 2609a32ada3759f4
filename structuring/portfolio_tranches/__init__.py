"""Tranches of a portfolio: hazards out of spreads, losses under one factor, premium and protection legs, implied correlations."""

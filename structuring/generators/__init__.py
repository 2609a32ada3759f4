"""Scenario generators: named stresses, a model of the AI sector, and processes of prices and interest rates."""

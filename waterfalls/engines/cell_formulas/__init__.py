"""Formulas: a payment date as lines that a workbook copies along the dates."""

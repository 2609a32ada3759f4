"""The live workbook: a deal's waterfall as formulas that an auditor can trace."""

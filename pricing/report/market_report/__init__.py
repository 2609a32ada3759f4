"""The report of a whole market under a story: one page and one workbook of the same tables."""

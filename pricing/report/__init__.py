"""The report: one page that opens offline, a workbook, Parquet and JSON of the same tables.

Its packages are an extra (`pip install 'firstloss[report]'`), and loaded by the functions that need them.
"""

"""The figures of a report: charts, bridges and Sankey drawings."""

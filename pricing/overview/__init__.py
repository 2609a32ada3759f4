"""A deal that was run at one look: capital structure, coverage by date, value of the collateral, headroom."""

"""Who loses: by investor class, accounting basis and end bearer, and the capital that a tranche ties up."""

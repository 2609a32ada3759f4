"""Running deals: one deal, many scenarios in chunks, or a book of deals under the same scenarios."""

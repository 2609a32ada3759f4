"""The closed loop: what forced sales, refinancing and the funding of the next build do to a market's losses."""

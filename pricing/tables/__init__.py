"""Tables by name: frames and mappings as arrays, and frames as aligned text."""

"""Deals of other tools, read into ours where they mean the same and refused by name where they do not."""

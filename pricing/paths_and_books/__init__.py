"""Prices and losses over many paths, and of books of deals held ready."""

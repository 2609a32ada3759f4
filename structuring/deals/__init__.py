"""A deal: its terms, its sponsor, its holders, the obligors behind it, and its file."""

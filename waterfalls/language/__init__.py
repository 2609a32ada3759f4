"""Numbers and conditions that clauses read, the text that says them, and the machine they are written against."""

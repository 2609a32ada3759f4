"""What a deal is made of: notes, accounts, fees, hedges, triggers, and how such terms are checked and read from files."""

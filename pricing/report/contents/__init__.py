"""What a report says before it is drawn or written: the run, its tables, and how numbers are shown."""

"""What may differ from one run of a deal to the next: named scenarios, arrays of paths, and the drivers they set."""

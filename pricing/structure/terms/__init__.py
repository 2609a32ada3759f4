"""What a structure is solved for and must pass: tests as sentences, amounts, their file, and the paths of a deal's numbers."""

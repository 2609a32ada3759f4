"""Files in the layouts of regulators: who holds a note, and the loans of a pool."""

"""How a plan is run: one payment date, and the machines that interpret it with floats, as a program, as text."""

"""What commands share: their arguments, how answers are printed, and progress on a terminal."""

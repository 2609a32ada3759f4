"""What tranches are worth: prices, measures, spread shocks, and values when rates or drivers move."""

"""Questions a committee asks: breakevens, reverse stress, headroom, comparison, tie-out, and what happened since issue."""

"""The second round: forced sales, clearing, distress, and a stress of the whole market."""

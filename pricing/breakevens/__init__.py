"""What would have to happen: breakevens of drivers, leases not renewed, reverse stress, and the committee's page of them."""

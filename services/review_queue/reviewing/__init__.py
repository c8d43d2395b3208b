"""The work itself: seats, leases, opinions, and how they settle into a decision."""

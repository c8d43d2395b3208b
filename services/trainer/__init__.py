"""Makes a candidate of every released dataset version."""

"""When a dataset version is due, what is in it, and which there are."""

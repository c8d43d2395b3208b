"""The ways to train a version, a file each."""

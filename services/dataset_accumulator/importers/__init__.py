"""Readers of history files, a file each format."""

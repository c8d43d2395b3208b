"""Judges every candidate against the champion on the same held-out cases."""

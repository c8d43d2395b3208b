"""Turns what the experts decide into labels, and labels into immutable dataset versions."""

"""Moves versions through their stages and keeps the registry of what became of each."""

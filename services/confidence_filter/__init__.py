"""Decides which predictions may stand and which cases go to the experts."""

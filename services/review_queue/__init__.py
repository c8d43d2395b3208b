"""Asks the experts: who reviews which case, what they said, and when it is settled."""

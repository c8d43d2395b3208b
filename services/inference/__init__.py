"""Scores cases with the champion and, during a rollout, the candidate."""

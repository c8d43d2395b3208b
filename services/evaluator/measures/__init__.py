"""How well a version answers held-out cases."""

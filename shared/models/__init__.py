"""Backends, base models and calibration. Importing this package imports no model library."""

import os

# Threads of a matrix product wait for each other a moment awake (some 10 microseconds), then
# asleep. torch's default spins for milliseconds: two models on the same cores then run at a fifth
# of their speed. Only asleep, a second core brings nothing. Read at torch's start; see docs/log.md.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

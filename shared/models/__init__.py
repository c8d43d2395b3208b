"""Backends, base models and calibration. Importing this package imports no model library."""

import os

# Threads of a matrix product wait asleep, not spinning: where models share their cores with
# services, with training or with each other, that doubles the speed of all. Read at torch's start.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

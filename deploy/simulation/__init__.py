"""Cases for a demonstration: simulated claims, and real determinations from a public file."""

from deploy.simulation.determinations import Determination, determinations
from deploy.simulation.generator import Drift, SimulatedClaim, Simulation, simulated_claims
from deploy.simulation.history import DecidedCase, write_history

__all__ = [
    "DecidedCase",
    "Determination",
    "Drift",
    "SimulatedClaim",
    "Simulation",
    "determinations",
    "simulated_claims",
    "write_history",
]

"""Random draws that can be replayed: from a salted hash, never from a random generator."""

import hashlib

_SCALE = float(1 << 64)


def draw_by_hash(*parts: str) -> float:
    """A number in [0, 1), uniform over `parts` and always the same for the same ones."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") / _SCALE

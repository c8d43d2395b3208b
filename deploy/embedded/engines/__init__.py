"""The engines: each module prepares its data, then becomes the engine's own program.

Preparing is safe to repeat and to interrupt, because it happens again at each restart.
"""

import os
from collections.abc import Mapping, Sequence

from deploy.embedded import orphans
from deploy.embedded.layout import Layout


def become(command: Sequence[str], layout: Layout, environment: Mapping[str, str]) -> None:
    """Replace this process by the engine, which sees none of the stack's secrets but its own."""
    bare = {"PATH": os.environ.get("PATH", os.defpath), **orphans.mark(layout)}
    os.execve(command[0], list(command), {**bare, **environment})  # noqa: S606 - no shell wanted

"""Which backends there are. A new one is a file here and a line in the table.

A backend's module is imported when it is opened and no earlier: a service without a model stays
small, and one backend's library need not be installed for another.
"""

from collections.abc import Callable
from importlib import import_module

from shared.models.backend import Backend, BackendOptions, ModelUnusable

# The name that versions carry, and the module whose `open_backend` makes the backend.
BACKENDS: dict[str, str] = {
    "scikit-learn": "shared.models.backends.linear",
    "transformers": "shared.models.backends.transformers",
}


def open_backend(name: str, options: BackendOptions) -> Backend:
    """The backend of that name; `ModelUnusable` if there is none, or the options do not suffice."""
    if name not in BACKENDS:
        raise ModelUnusable(f"there is no such backend; there are {', '.join(sorted(BACKENDS))}")
    open_named: Callable[[BackendOptions], Backend] = import_module(BACKENDS[name]).open_backend
    return open_named(options)

"""How long a test waits for what must come: a busy machine is no failure."""

PATIENCE_SECONDS = 300.0

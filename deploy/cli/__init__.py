"""The `caseloop` command: what an operator does, from a terminal."""

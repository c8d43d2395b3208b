"""The REST API, the same for the pages, for scripts and for services."""

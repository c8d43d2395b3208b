"""The services' common library. It imports no service."""

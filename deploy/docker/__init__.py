"""The one image of all services, and its health check."""

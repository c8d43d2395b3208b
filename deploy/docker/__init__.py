"""The one image of all services, and what runs once before them."""

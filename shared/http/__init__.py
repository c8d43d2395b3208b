"""The frame of every service: its application, its health, its errors as answers."""

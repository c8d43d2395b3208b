"""Run the service: `python -m services.inference`."""

from services.inference.app import create_app
from services.inference.settings import Settings
from shared.http.service import serve

if __name__ == "__main__":
    settings = Settings()
    serve(create_app(settings), settings)

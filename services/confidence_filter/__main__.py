"""Run the service: `python -m services.confidence_filter`."""

from services.confidence_filter.app import create_app
from services.confidence_filter.settings import Settings
from shared.http.service import serve

if __name__ == "__main__":
    settings = Settings()
    serve(create_app(settings), settings)

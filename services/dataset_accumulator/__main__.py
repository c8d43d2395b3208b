"""Run the service: `python -m services.dataset_accumulator`."""

from services.dataset_accumulator.app import create_app
from services.dataset_accumulator.settings import Settings
from shared.http.service import serve

if __name__ == "__main__":
    settings = Settings()
    serve(create_app(settings), settings)

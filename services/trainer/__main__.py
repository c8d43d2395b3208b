"""Run the service: `python -m services.trainer`."""

from services.trainer.app import create_app
from services.trainer.settings import Settings
from shared.http.service import serve

if __name__ == "__main__":
    settings = Settings()
    serve(create_app(settings), settings)

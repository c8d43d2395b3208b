"""Run the service: `python -m services.evaluator`."""

from services.evaluator.app import create_app
from services.evaluator.settings import Settings
from shared.http.service import serve

if __name__ == "__main__":
    settings = Settings()
    serve(create_app(settings), settings)

"""Run the service: `python -m services.review_queue`."""

from services.review_queue.app import create_app
from services.review_queue.settings import Settings
from shared.http.service import serve

if __name__ == "__main__":
    settings = Settings()
    serve(create_app(settings), settings)

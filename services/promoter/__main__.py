"""Run the service: `python -m services.promoter`."""

from services.promoter.app import create_app
from services.promoter.settings import Settings
from shared.http.service import serve

if __name__ == "__main__":
    settings = Settings()
    serve(create_app(settings), settings)

"""Run the service: `python -m services.promoter`."""

from services.promoter.app import create_app
from services.promoter.settings import Settings
from shared.service import serve

settings = Settings()
serve(create_app(settings), settings)

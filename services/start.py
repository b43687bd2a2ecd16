"""Open the house: engine, schema, folders. Called by both doors, app.py and manage.py."""

from __future__ import annotations

from db.engine import make_engine
from db.migrate import upgrade
from services.house import House
from settings import Settings


def open_house(settings: Settings) -> House:
    """Make the data folder, open the database and bring its schema up to date."""
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    engine = make_engine(settings.resolved_database_url)
    upgrade(engine)
    return House(engine=engine, settings=settings)

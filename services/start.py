"""Open the house: engine, schema, folders. Called by both doors, app.py and manage.py."""

from __future__ import annotations

from functools import lru_cache

from db.engine import make_engine
from db.migrate import upgrade
from services.house import House
from services.rules import ensure_default_rules
from settings import Settings, load_settings


def open_house(settings: Settings) -> House:
    """Make the data folder, open the database and bring its schema up to date."""
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    engine = make_engine(settings.resolved_database_url)
    upgrade(engine)
    return House(engine=engine, settings=settings)


@lru_cache(maxsize=1)
def current_house() -> House:
    """Return this process's one house, opened on first use, for routes and components alike."""
    return open_house(load_settings())


def prepare_house() -> House:
    """Open the house and write the rule sets that come with the product."""
    house = current_house()
    ensure_default_rules(house)
    return house

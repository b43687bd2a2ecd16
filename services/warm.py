"""Make the first visitor's page as quick as the second's."""

from __future__ import annotations

import threading

from domain.access import SYSTEM
from services.house import House
from services.logs import log_fault
from services.map_layers import base_layer, water_layer
from services.map_schools import load_school_table
from services.neighbours import list_neighbours


def warm_up(house: House) -> threading.Thread:
    """Fill the caches of a whole-city reader in the background; a failure is only logged."""

    def fill() -> None:
        try:
            table = load_school_table(SYSTEM, house)
            base_layer(SYSTEM, house)
            water_layer(SYSTEM, house)
            if len(table):
                list_neighbours(SYSTEM, house, school_id=int(table.ids[-1]))
        except Exception as error:
            # Visitors then meet the same error themselves, with its message.
            log_fault(error, where="warm-up")

    thread = threading.Thread(target=fill, name="warm-up", daemon=True)
    thread.start()
    return thread

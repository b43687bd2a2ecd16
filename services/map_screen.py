"""Where things are drawn: shifted only when the optional tile source uses a shifted datum."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from domain.words import Datum
from geo.datum import from_wgs84, to_wgs84
from geo.tiles import world_pixels
from services.house import House


def screen_datum(house: House) -> Datum:
    """Return the datum of the map on screen: the tile source's, where one is configured."""
    chosen = house.settings
    return Datum(chosen.basemap_datum) if chosen.basemap_url else Datum.WGS84


def screen_lonlat(
    house: House, lon: npt.ArrayLike, lat: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return WGS 84 degrees as degrees of the screen's datum."""
    lons, lats = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    datum = screen_datum(house)
    return (lons, lats) if datum is Datum.WGS84 else from_wgs84(lons, lats, datum)


def ground_lonlat(
    house: House, lon: npt.ArrayLike, lat: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return degrees of the screen's datum as WGS 84 degrees."""
    lons, lats = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    datum = screen_datum(house)
    return (lons, lats) if datum is Datum.WGS84 else to_wgs84(lons, lats, datum)


def screen_pixels(
    house: House, lon: npt.ArrayLike, lat: npt.ArrayLike
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return drawing positions of WGS 84 degrees (see ``geo.tiles.world_pixels``)."""
    return world_pixels(*screen_lonlat(house, lon, lat))


def screen_shapes(house: House, shapes: Any) -> npt.NDArray[np.object_]:
    """Return WGS 84 geometries moved to the screen's datum."""
    moved = np.asarray(shapes, dtype=object)
    if screen_datum(house) is Datum.WGS84:
        return moved
    return shapely.transform(
        moved, lambda xy: np.column_stack(screen_lonlat(house, xy[:, 0], xy[:, 1]))
    )

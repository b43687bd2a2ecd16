"""The city's districts as an import needs them: by name, by code, by place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from domain.words import DistrictLevel
from services.importers.values import plain

_SUFFIXES = r"(?:自治县|林区|特区|矿区|区|县|市|旗)$"
NO_ID = -1


@dataclass(frozen=True)
class Gazetteer:
    """Districts with their boundaries.

    ``districts``: frame ``id, code, name, level, parent_id, boundary`` (WKB bytes,
    WGS 84), sorted by code.
    """

    districts: pd.DataFrame

    def _level(self, level: DistrictLevel) -> pd.DataFrame:
        return self.districts[self.districts["level"].eq(level)].reset_index(drop=True)

    @cached_property
    def counties(self) -> pd.DataFrame:
        """Return the districts and counties."""
        return self._level(DistrictLevel.COUNTY)

    @cached_property
    def townships(self) -> pd.DataFrame:
        """Return the townships and streets."""
        return self._level(DistrictLevel.TOWNSHIP)

    @cached_property
    def county_names(self) -> list[str]:
        """Return names a clerk may write, for suggestions."""
        return [str(name) for name in self.counties["name"]]

    def county_ids(self, words: pd.Series) -> pd.Series:
        """Return the id for each name, name without 区/县, or code; ``None`` where unknown."""
        table = _unique_lookup(self.counties)
        return _look_up(words, table)

    def township_ids(self, words: pd.Series, county_ids: pd.Series) -> pd.Series:
        """Return the id of the township of that name within its county, ``None`` if unknown.

        Without a county the name must be unique in the whole city.
        """
        found = _look_up(words, _unique_lookup(self.townships))
        keyed = pd.Series(
            self.townships["id"].to_numpy(dtype=object),
            index=pd.MultiIndex.from_arrays(
                [
                    self.townships["parent_id"].map(lambda one: NO_ID if one is None else int(one)),
                    self.townships["name"].map(plain),
                ]
            ),
            dtype=object,
        )
        keyed = keyed[~keyed.index.duplicated(keep=False)]
        county = county_ids.map(lambda one: NO_ID if one is None else int(one))
        wanted = pd.MultiIndex.from_arrays(
            [county, words.map(lambda one: "" if one is None else plain(one))]
        )
        inside = pd.Series(keyed.reindex(wanted).to_numpy(dtype=object), index=words.index)
        parent = dict(zip(self.townships["id"], self.townships["parent_id"], strict=True))
        fits = found.map(parent).eq(county_ids) | county_ids.isna()
        result = inside.where(inside.notna(), found.where(fits & found.notna(), None))
        return result.astype(object).where(result.notna(), None)

    def locate(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> tuple[pd.Series, pd.Series]:
        """Return (county id, township id) of each point (WGS 84 degrees), ``None`` outside."""
        county = _contained(self.counties, lon, lat)
        township = _contained(self.townships, lon, lat)
        parent = dict(zip(self.townships["id"], self.townships["parent_id"], strict=True))
        by_parent = township.map(lambda one: None if one is None else parent.get(one))
        county = county.where(county.notna(), by_parent)
        return county.astype(object).where(county.notna(), None), township


def _unique_lookup(rows: pd.DataFrame) -> dict[str, int]:
    """Return {code, name or bare name: id}; a word that means two districts is left out."""
    names = rows["name"].map(plain)
    bare = names.str.replace(_SUFFIXES, "", regex=True).where(names.str.len() > 2, names)
    table: dict[str, int] = {}
    for words in (bare, names, rows["code"].astype(str)):  # later ones win
        once = ~words.duplicated(keep=False)
        table.update(zip(words[once], rows["id"][once].astype(int), strict=True))
    return table


def _look_up(words: pd.Series, table: dict[str, int]) -> pd.Series:
    ids = [None if word is None else table.get(plain(word)) for word in words]
    return pd.Series(ids, index=words.index, dtype=object)


def _contained(rows: pd.DataFrame, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> pd.Series:
    ids = np.full(len(lon), None, dtype=object)
    held = rows[rows["boundary"].notna()]
    known = np.flatnonzero(~(np.isnan(lon) | np.isnan(lat)))
    if len(held) and len(known):
        # GEOS prepares the geometry that asks, so the polygons ask a tree of points.
        tree = shapely.STRtree(np.asarray(shapely.points(lon[known], lat[known]), dtype=object))
        borders = shapely.from_wkb(held["boundary"].to_numpy(dtype=object))
        at_border, at_point = tree.query(borders, predicate="intersects")
        order = np.lexsort((at_border, at_point))
        at_point, at_border = at_point[order], at_border[order]
        first = np.unique(at_point, return_index=True)[1]  # on a shared border: lowest code
        ids[known[at_point[first]]] = held["id"].to_numpy(dtype=object)[at_border[first]]
    return pd.Series(ids, dtype=object)

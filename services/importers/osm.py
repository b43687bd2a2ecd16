"""Split an OpenStreetMap extract into kinds by its tags.

Tag meanings: the OpenStreetMap wiki, "Map features" (amenity, highway, waterway, natural).
Codes are ``<source>:n…``, ``w…``, ``r…`` for nodes, ways and relations.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from services.importers.clean import CleanBatch
from services.importers.kinds import FACILITIES, OSM_KINDS, POSTS, ROADS, SCHOOLS, WATERS, Kind
from services.importers.table import RawTable
from services.importers.validate import validate

SCHOOL_AMENITIES = ("school", "kindergarten")
NOT_SCHOOLS = ("college", "university")
FACILITY_HIGHWAYS = ("traffic_signals", "crossing", "speed_camera")
LINE_WATERS = ("river", "stream", "canal", "drain", "ditch", "tidal_channel")
AREA_WATERWAYS = ("riverbank", "dock", "canal", "river")
WATER_LANDUSES = ("reservoir", "basin")
NAME_CHARS = 80
UNDERGROUND = ("yes", "culvert")


def split_osm(layers: Mapping[str, RawTable], *, source: str) -> list[CleanBatch]:
    """Return one batch per kind that occurs: schools, waters, facilities, posts, roads.

    A school or police station drawn both as a node and as an area is one record: the
    area gives code and campus, the node the point and, where the area has none, the
    name. Colleges and universities, footpaths and culverts are left out and counted.

    Args:
        layers: ``points``, ``lines`` and ``multipolygons`` as read (WGS 84).
        source: prefix of the codes.
    """
    points, lines, areas = (_with_ids(layers[n], n) for n in ("points", "lines", "multipolygons"))
    batches = [
        _schools(points, areas, source),
        _waters(lines, areas, source),
        _facilities(points, source),
        _posts(points, areas, source),
        _roads(lines, source),
    ]
    order = {kind.name: at for at, kind in enumerate(OSM_KINDS)}
    found = [b for b in batches if len(b) or b.skipped]
    return sorted(found, key=lambda b: order[b.kind.name])


def _with_ids(table: RawTable, layer: str) -> pd.DataFrame:
    """Return the frame with ``code_id`` (n/w/r + id), ``geom`` and ``row``."""
    frame = table.frame.copy()
    own = frame["osm_id"].astype(object)
    if layer == "multipolygons":
        way = frame["osm_way_id"].astype(object)
        frame["code_id"] = ("r" + own.astype(str)).where(own.notna(), "w" + way.astype(str))
    else:
        frame["code_id"] = ("n" if layer == "points" else "w") + own.astype(str)
    if "name:zh" in frame:
        frame["name"] = frame["name:zh"].where(frame["name:zh"].notna(), frame["name"])
    frame["geom"] = table.geometry
    frame["row"] = table.rows
    return frame


def _batch(kind: Kind, frame: pd.DataFrame, source: str, columns: Mapping[str, str]) -> CleanBatch:
    """Validate rows of one kind; columns other than those named are not guessed at."""
    cells = frame[[*columns.values()]].rename(columns={v: k for k, v in columns.items()})
    # Names on the map are free text: a long one is cut, not a reason to refuse the row.
    cells["name"] = cells["name"].map(lambda name: str(name)[:NAME_CHARS], na_action="ignore")
    cells["@id"] = frame["code_id"]
    table = RawTable(
        cells.reset_index(drop=True).astype(object),
        frame["row"].to_numpy(dtype=np.int64),
        geometry=frame["geom"].to_numpy(dtype=object),
        crs="EPSG:4326",
    )
    if kind.geometry_field == "campus" and "lon" in frame:
        table.frame["lon"], table.frame["lat"] = frame["lon"].to_numpy(), frame["lat"].to_numpy()
    return validate(table, kind, source=source, may_be_abroad=True)


def _node_in_area(nodes: pd.DataFrame, areas: pd.DataFrame) -> NDArray[np.int64]:
    """Return for each node the position of the area that is the same thing, or -1.

    Same thing = the node lies inside, and the names agree or one of them is empty;
    an area takes one node at most, one of its own name first.
    """
    match = np.full(len(nodes), -1, dtype=np.int64)
    if nodes.empty or areas.empty:
        return match
    tree = shapely.STRtree(nodes["geom"].to_numpy(dtype=object))
    area_at, node_at = tree.query(areas["geom"].to_numpy(dtype=object), predicate="intersects")
    node_name = nodes["name"].to_numpy(dtype=object)[node_at]
    area_name = areas["name"].to_numpy(dtype=object)[area_at]
    no_name = pd.isna(node_name) | pd.isna(area_name)
    same_name = np.array([a == b for a, b in zip(node_name, area_name, strict=True)], dtype=bool)
    node_amenity = nodes["amenity"].to_numpy(dtype=object)[node_at]
    area_amenity = areas["amenity"].to_numpy(dtype=object)[area_at]
    pairs = pd.DataFrame({"area": area_at, "node": node_at, "rank": np.where(same_name, 0, 1)})
    pairs = pairs[(same_name | no_name) & (node_amenity == area_amenity)]
    pairs = pairs.sort_values(["rank", "area", "node"])
    pairs = pairs.drop_duplicates("node").drop_duplicates("area")
    match[pairs["node"].to_numpy()] = pairs["area"].to_numpy()
    return match


def _merged(points: pd.DataFrame, areas: pd.DataFrame, amenities: tuple[str, ...]) -> pd.DataFrame:
    """Return areas and nodes of ``amenities`` with doubles merged; ``merged`` = a node was."""
    nodes = points[points["amenity"].isin(amenities)].reset_index(drop=True)
    drawn = areas[areas["amenity"].isin(amenities)].reset_index(drop=True)
    match = _node_in_area(nodes, drawn)
    taken = match >= 0
    drawn["merged"] = False
    if taken.any():
        at = match[taken]
        names = nodes.loc[taken, "name"].to_numpy(dtype=object)
        own = drawn["name"].to_numpy(dtype=object).copy()
        own[at] = np.where(pd.isna(own[at]), names, own[at])
        drawn["name"] = pd.Series(own, dtype=object)
        drawn.loc[at, "merged"] = True
        drawn["node_geom"] = pd.Series([None] * len(drawn), dtype=object)
        drawn.loc[at, "node_geom"] = nodes.loc[taken, "geom"].to_numpy(dtype=object)
    rest = nodes[~taken].assign(merged=False)
    return pd.concat([drawn, rest], ignore_index=True)


def _schools(points: pd.DataFrame, areas: pd.DataFrame, source: str) -> CleanBatch:
    frame = _merged(points, areas, SCHOOL_AMENITIES)
    unnamed = frame["name"].isna()
    label = SCHOOLS.fallback_name + "（" + frame["code_id"].astype(str) + "）"
    frame["name"] = frame["name"].astype(object).where(~unnamed, label)
    batch = _batch(SCHOOLS, frame, source, {"name": "name", "kind": "amenity"})
    _use_node_points(batch, frame)
    if unnamed.any():
        told = [
            f"{one} 没有名称，已暂记为「未命名学校」，请补名。" for one in frame["code_id"][unnamed]
        ]
        batch.refuse(unnamed.to_numpy(), told, column="name", is_blocking=False)
    higher = int(
        points["amenity"].isin(NOT_SCHOOLS).sum() + areas["amenity"].isin(NOT_SCHOOLS).sum()
    )
    if higher:
        batch.skipped["高等院校（不属中小学幼儿园）"] = higher
    _note_merged(batch, frame)
    return batch


def _use_node_points(batch: CleanBatch, frame: pd.DataFrame) -> None:
    """Let a mapper's own point stand for the school, rather than a computed one."""
    if "node_geom" not in frame:
        return
    has = frame["merged"].to_numpy(dtype=bool)
    nodes = np.where(has, frame["node_geom"].to_numpy(dtype=object), np.array(None))
    batch.lon = np.where(has, shapely.get_x(nodes), batch.lon)
    batch.lat = np.where(has, shapely.get_y(nodes), batch.lat)
    for name, degrees in (("lon", batch.lon), ("lat", batch.lat)):
        told = pd.Series(degrees).astype(object)
        batch.stated[name] = batch.stated[name].where(~has, told)


def _note_merged(batch: CleanBatch, frame: pd.DataFrame) -> None:
    merged = int(frame["merged"].sum())
    if merged:
        batch.notes.append(f"{merged} 个既画了点又画了面的{batch.kind.label}已合并为一个。")
    batch.rows_read = len(batch) + merged + sum(batch.skipped.values())
    if merged:
        batch.skipped["与面重复的点（已合并）"] = merged


def _waters(lines: pd.DataFrame, areas: pd.DataFrame, source: str) -> CleanBatch:
    is_area = (
        areas["natural"].eq("water")
        | areas["waterway"].isin(AREA_WATERWAYS)
        | areas["landuse"].isin(WATER_LANDUSES)
    )
    drawn = areas[is_area].copy()
    told = drawn["water"].where(drawn["water"].notna(), drawn["waterway"])
    told = told.where(told.notna(), drawn["landuse"].where(drawn["landuse"].isin(WATER_LANDUSES)))
    drawn["water_kind"] = _understood(WATERS, "kind", told)
    is_line = lines["waterway"].isin(LINE_WATERS)
    hidden = is_line & lines["tunnel"].isin(UNDERGROUND)
    flowing = lines[is_line & ~hidden].copy()
    flowing["water_kind"] = flowing["waterway"]
    frame = pd.concat([drawn, flowing], ignore_index=True)
    batch = _batch(WATERS, frame, source, {"name": "name", "kind": "water_kind"})
    if hidden.any():
        batch.skipped["地下或涵洞水道"] = int(hidden.sum())
        batch.rows_read += int(hidden.sum())
    return batch


def _understood(kind: Kind, field: str, cells: pd.Series) -> pd.Series:
    """Keep only words the kind knows: map tags are free text and no reason to refuse a row."""
    _, wrong = kind.by_name[field].parse(cells.astype(object))
    return cells.where(wrong.eq(""), None)


def _facilities(points: pd.DataFrame, source: str) -> CleanBatch:
    frame = points[points["highway"].isin(FACILITY_HIGHWAYS)].reset_index(drop=True)
    return _batch(FACILITIES, frame, source, {"name": "name", "kind": "highway"})


def _posts(points: pd.DataFrame, areas: pd.DataFrame, source: str) -> CleanBatch:
    frame = _merged(points, areas, ("police",))
    batch = _batch(POSTS, frame, source, {"name": "name", "kind": "amenity"})
    _note_merged(batch, frame)
    return batch


def _roads(lines: pd.DataFrame, source: str) -> CleanBatch:
    frame = lines[lines["highway"].notna()].copy()
    parse = ROADS.by_name["road_class"].parse
    _, wrong = parse(frame["highway"].astype(object))
    odd = wrong.ne("")
    batch = _batch(
        ROADS, frame[~odd].reset_index(drop=True), source, {"name": "name", "road_class": "highway"}
    )
    if odd.any():
        batch.skipped["其他 highway 标签"] = int(odd.sum())
        batch.rows_read += int(odd.sum())
    return batch

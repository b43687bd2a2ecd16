"""Bring the coordinates of a table to WGS 84, and refuse those that cannot be right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from domain.words import Datum
from geo.datum import to_wgs84, transform_geometry
from geo.quality import are_plausible, look_projected, look_swapped, repair_polygon
from services.importers.clean import CleanBatch
from services.importers.kinds import Shape
from services.importers.problems import WrongAsAWhole

POINT_IDS, LINE_IDS, POLYGON_IDS = (0, 4), (1, 2, 5), (3, 6)
FITTING = {
    Shape.POINT: (*POINT_IDS, *POLYGON_IDS),
    Shape.ANY: (*POINT_IDS, *LINE_IDS, *POLYGON_IDS),
    Shape.LINE: LINE_IDS,
    Shape.POLYGON: POLYGON_IDS,
}
SHAPE_LABELS = {
    Shape.POINT: "点或面",
    Shape.ANY: "点、线或面",
    Shape.LINE: "线",
    Shape.POLYGON: "面",
}
WHOLE_FILE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class PlaceColumns:
    """Which columns hold the point, for messages."""

    lon: str
    lat: str

    @property
    def both(self) -> str:
        """Return the two headers in one text."""
        return f"{self.lon}、{self.lat}" if self.lon else "几何"


def place_points(
    batch: CleanBatch, columns: PlaceColumns, datum: Datum, *, may_be_abroad: bool
) -> None:
    """Fill the batch's points from its ``lon``/``lat`` cells (degrees in ``datum``)."""
    lon = pd.to_numeric(batch.stated["lon"], errors="coerce").to_numpy(dtype=float)
    lat = pd.to_numeric(batch.stated["lat"], errors="coerce").to_numpy(dtype=float)
    unread_lon, unread_lat = batch.is_unread("lon"), batch.is_unread("lat")
    empty_lon, empty_lat = np.isnan(lon) & ~unread_lon, np.isnan(lat) & ~unread_lat
    stated = ~(empty_lon & empty_lat)
    _judge(batch, lon, lat, columns, may_be_abroad=may_be_abroad, stated=stated)
    missing = np.isnan(lon) | np.isnan(lat)
    batch.refuse(
        empty_lon != empty_lat,
        "经度、纬度只填了一个，请补全或都留空。",
        column=columns.both,
    )
    _mark_incomplete(
        batch,
        ~stated,
        "没有坐标，请补填经度和纬度（可在地图网站拾取）。",
        columns.both,
    )
    batch.raw_lon, batch.raw_lat = lon, lat
    batch.lon, batch.lat = to_wgs84(lon, lat, datum)
    if batch.kind.has_point:
        batch.stated["lon"] = _objects(batch.lon)
        batch.stated["lat"] = _objects(batch.lat)
        return
    batch.stated = batch.stated.drop(columns=["lon", "lat"])
    points = shapely.points(np.nan_to_num(batch.lon), np.nan_to_num(batch.lat))
    batch.stated[batch.kind.geometry_field] = _wkb(_only(points, ~missing))


def place_geometries(
    batch: CleanBatch, geometry: NDArray[np.object_], datum: Datum, *, may_be_abroad: bool
) -> None:
    """Fill the batch's geometry and points from geometries (degrees in ``datum``)."""
    kind = batch.kind
    empty = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    geometry = _only(geometry, ~empty)
    fitting = np.isin(shapely.get_type_id(geometry), FITTING[kind.shape])
    batch.refuse(
        ~fitting & ~empty,
        f"几何类型不对，{kind.label}应为{SHAPE_LABELS[kind.shape]}，请检查是否选错了图层。",
        column="几何",
    )
    bounds = shapely.bounds(geometry)
    columns = PlaceColumns("", "")
    for lon, lat in ((bounds[:, 0], bounds[:, 1]), (bounds[:, 2], bounds[:, 3])):
        _judge(batch, lon, lat, columns, may_be_abroad=may_be_abroad, skip=batch.bad.copy())
    if kind.needs_place:
        _mark_incomplete(batch, empty, "没有几何（坐标为空），请在 GIS 软件中补画。", "几何")
    raw = _only(geometry, ~batch.bad & fitting)
    moved, repaired = repair_polygon(transform_geometry(raw, datum))
    lost = repaired & shapely.is_missing(moved)
    batch.refuse(
        lost, "边界自相交且无法自动修复（不围成任何面积），请在 GIS 软件中重画。", column="几何"
    )
    batch.refuse(
        repaired & ~lost,
        "边界自相交，已自动修复，请在地图上核对。",
        column="几何",
        is_blocking=False,
    )
    inner = shapely.point_on_surface(moved)
    single = np.isin(shapely.get_type_id(moved), POINT_IDS)
    inner = np.where(single, shapely.centroid(moved), inner)
    batch.lon, batch.lat = shapely.get_x(inner), shapely.get_y(inner)
    raw_inner = np.where(single, shapely.centroid(raw), inner)
    batch.raw_lon, batch.raw_lat = shapely.get_x(raw_inner), shapely.get_y(raw_inner)
    batch.stated = batch.stated.drop(columns=["lon", "lat"], errors="ignore")
    if not kind.has_point:
        batch.stated[kind.geometry_field] = _wkb(moved)
        return
    areal = np.isin(shapely.get_type_id(moved), POLYGON_IDS)
    if kind.geometry_field and areal.any():
        batch.stated[kind.geometry_field] = _wkb(_only(moved, areal))
        # A point inside the campus is only a stand-in: it never replaces a surveyed one.
        for name, degrees in (("lon", batch.lon), ("lat", batch.lat)):
            batch.derived[name] = _objects(degrees)
            batch.stated[name] = _objects(np.where(areal, np.nan, degrees))
        return
    batch.stated["lon"], batch.stated["lat"] = _objects(batch.lon), _objects(batch.lat)


def _judge(
    batch: CleanBatch,
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    columns: PlaceColumns,
    *,
    may_be_abroad: bool,
    skip: NDArray[np.bool_] | None = None,
    stated: NDArray[np.bool_] | None = None,
) -> None:
    """Refuse metres, swapped axes and places outside China; all at once where all are so.

    ``stated``: rows that say anything of their place, by default those that have one. Where
    many of them have none, half a one or an unreadable one, the file is a mixture of faults,
    better told row by row.

    Raises:
        WrongAsAWhole: at least half of the rows that state a place share one of these faults.
    """
    located = ~(np.isnan(lon) | np.isnan(lat))
    if skip is not None:
        located &= ~skip
    count = int(located.sum())
    if count == 0:
        return
    enough = WHOLE_FILE_SHARE * (count if stated is None else int(stated.sum()))
    projected = located & look_projected(lon, lat)
    off_globe = located & ~projected & ((np.abs(lon) > 180.0) | (np.abs(lat) > 90.0))
    swapped = located & ~projected & look_swapped(lon, lat)
    abroad = located & ~projected & ~swapped & ~are_plausible(lon, lat)
    if may_be_abroad:
        swapped &= off_globe
        abroad &= off_globe

    def example(wrong: np.ndarray) -> str:
        first = int(np.flatnonzero(wrong)[0])
        return f"如第 {batch.file_rows[first]} 行：{lon[first]:.6f}，{lat[first]:.6f}"

    if projected.sum() >= enough:
        raise WrongAsAWhole(
            batch.problems,
            f"坐标不是经纬度，像是以米为单位的投影坐标（{example(projected)}）。",
            "请在 GIS 软件中转换为 CGCS2000 或 WGS 84 经纬度后再导入；"
            "Shapefile 若缺少 .prj，请补上它再打包。",
        )
    if swapped.sum() >= enough:
        swap = f"（--column lon={columns.lat} --column lat={columns.lon}）" if columns.lon else ""
        raise WrongAsAWhole(
            batch.problems,
            f"经度和纬度对调了：{count} 行中有 {int(swapped.sum())} 行如此（{example(swapped)}）。",
            f"请交换两列的对应关系{swap}后再导入。",
        )
    if abroad.sum() >= enough:
        raise WrongAsAWhole(
            batch.problems,
            f"坐标不在中国境内：{count} 行中有 {int(abroad.sum())} 行如此（{example(abroad)}）。",
            "请核对坐标列是否选对、单位是否为度。",
        )
    pairs = pd.Series([f"{x:.6f}, {y:.6f}" for x, y in zip(lon, lat, strict=True)])
    for mask, message in (
        (projected, "坐标不是经纬度（数值过大），请改为以度为单位。"),
        (swapped, "经度和纬度像是对调了，请核对。"),
        (abroad, "坐标不在中国境内，请核对。"),
    ):
        batch.refuse(mask, message, column=columns.both, values=pairs)


def _mark_incomplete(batch: CleanBatch, mask: NDArray[np.bool_], message: str, column: str) -> None:
    free = mask & (batch.incomplete == "")
    batch.incomplete[free] = message
    batch.incomplete_column[free] = column


def _objects(numbers: NDArray[np.float64]) -> pd.Series:
    """Return Python floats, ``None`` for NaN."""
    series = pd.Series(numbers).astype(object)
    return series.where(~np.isnan(numbers), None)


def _wkb(geoms: NDArray[np.object_]) -> pd.Series:
    return pd.Series(list(shapely.to_wkb(geoms)), dtype=object)


def _only(geoms: object, mask: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Return the geometries in ``mask``, ``None`` elsewhere."""
    kept = np.asarray(geoms, dtype=object).copy()
    kept[~mask] = None
    return kept

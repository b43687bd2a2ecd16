"""Make districts of a file of townships: dissolve by a column, keep the rows below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import shapely

from domain.errors import UserError
from domain.words import Datum, DistrictLevel
from services.importers.clean import CleanBatch
from services.importers.codes import mint
from services.importers.kinds import DISTRICTS
from services.importers.problems import suggestion
from services.importers.table import RawTable
from services.importers.validate import validate
from services.importers.values import is_blank, plain


def validate_dissolved(
    table: RawTable,
    column: str,
    *,
    source: str,
    columns: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    datum: Datum = Datum.WGS84,
) -> tuple[CleanBatch, CleanBatch]:
    """Return (counties dissolved by ``column``, the rows themselves as townships below).

    Raises:
        UserError: no such column, or no polygons to dissolve.
    """
    headers = list(table.frame.columns)
    if column not in headers:
        listing = "、".join(headers)
        raise UserError(
            f"文件中没有「{column}」列{suggestion(column, headers)}", f"现有列：{listing}。"
        )
    if table.geometry is None:
        raise UserError("按列合并区县需要带边界的地图文件。", "请改用 GPKG、Shapefile 或 GeoJSON。")
    rest = replace(table, frame=table.frame.drop(columns=column))
    told = {"level": DistrictLevel.TOWNSHIP.value, **(values or {})}
    below = validate(rest, DISTRICTS, source=source, columns=columns, values=told, datum=datum)
    groups = table.frame[column]
    blank = is_blank(groups).to_numpy()
    below.refuse(blank, f"「{column}」为空，不知属于哪个区县。", column=column)
    county = pd.Series([plain(g) for g in groups.where(~blank, "")], dtype=object)
    county_code = county.map(lambda name: mint(source, name))
    if "code" not in below.headers:
        names = below.stated["name"].map(lambda name: name or "")
        below.stated["code"] = [
            mint(source, f"{c}/{n}") for c, n in zip(county, names, strict=True)
        ]
        _refuse_repeats(below)
    below.stated["parent"] = county_code
    return _dissolve(below, county, county_code, blank), below


def _refuse_repeats(below: CleanBatch) -> None:
    codes = below.stated["code"]
    again = codes.duplicated(keep="first").to_numpy()
    below.refuse(
        again, "同一区县下有同名的乡镇街道，请改名或先合并。", column=below.headers.get("name", "")
    )


def _dissolve(
    below: CleanBatch, county: pd.Series, county_code: pd.Series, blank: np.ndarray
) -> CleanBatch:
    usable = ~blank & ~below.bad & below.stated["boundary"].notna().to_numpy()
    geoms = shapely.from_wkb(below.stated["boundary"].to_numpy(dtype=object))
    grouped = pd.Series(np.flatnonzero(usable)).groupby(county[usable].to_numpy(), sort=True)
    names = [str(name) for name, _ in grouped]
    # One union a county: a handful of calls, each over all its townships at once.
    whole = np.array(
        [shapely.normalize(shapely.union_all(geoms[at.to_numpy()])) for _, at in grouped],
        dtype=object,
    )
    first = np.array([int(at.iloc[0]) for _, at in grouped], dtype=np.int64)
    count = len(names)
    inner = shapely.point_on_surface(whole)
    lon, lat = shapely.get_x(inner), shapely.get_y(inner)
    text = np.full(count, "", dtype=object)
    stated = pd.DataFrame(
        {
            "code": county_code.iloc[first].to_numpy(dtype=object),
            "name": pd.Series(names, dtype=object),
            "level": pd.Series([DistrictLevel.COUNTY] * count, dtype=object),
            "boundary": pd.Series(list(shapely.to_wkb(whole)), dtype=object),
        }
    )
    return CleanBatch(
        kind=DISTRICTS,
        stated=stated,
        derived=pd.DataFrame(index=stated.index),
        lon=lon,
        lat=lat,
        raw_lon=lon,
        raw_lat=lat,
        file_rows=below.file_rows[first],
        bad=np.zeros(count, dtype=bool),
        incomplete=text.copy(),
        incomplete_column=text.copy(),
        headers={},
        sheet=below.sheet,
        rows_read=0,
        notes=[f"按列合并出 {count} 个区县，原有各行作为其下的乡镇街道。"],
    )

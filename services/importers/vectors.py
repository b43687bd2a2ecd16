"""Read map files by GDAL: GeoPackage, GeoJSON, Shapefile, KML, FlatGeobuf, OSM."""

from __future__ import annotations

import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyogrio
import pyogrio.errors
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from domain.errors import UserError
from services.importers.limits import check_content, check_rows, check_xml, check_zip
from services.importers.table import RawTable

VECTOR_SUFFIXES = (".geojson", ".json", ".gpkg", ".shp", ".kml", ".fgb")
OSM_SUFFIXES = (".osm", ".pbf")
OSM_LAYERS = ("points", "lines", "multipolygons")
OSM_CONFIG = Path(__file__).with_name("osmconf.ini")
STABLE_FID_SUFFIXES = (".gpkg",)
"""Formats whose feature id is a stored key; elsewhere it is only the position."""
SAME_AS_WGS84_EPSG = (4326, 4490, 4258, 4979, 4480)
_GDAL_ERRORS = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pyogrio.errors.GeometryError,
    pyogrio.errors.CRSError,
    UnicodeDecodeError,
    ValueError,
    shapely.errors.GEOSException,
)


def read_vector(path: Path, layer: str) -> RawTable:
    """Read one layer of a map file, or of the Shapefile inside a zip.

    Raises:
        UserError: damaged, no such layer, several to choose from, no features.
    """
    if path.suffix.lower() == ".zip":
        with _unpacked(path) as folder:
            return _read_shapefiles(path, folder, layer)
    check_content(path)
    if path.suffix.lower() == ".kml":
        check_xml(path)
    if path.suffix.lower() == ".shp":
        return _read_layer(path, "", shown=path.name, encoding=_dbf_encoding(path))
    names = _layer_names(path)
    return _read_layer(path, _choose(names, layer, path.name), shown=path.name, layers=len(names))


def read_osm(path: Path) -> dict[str, RawTable]:
    """Read points, lines and areas of an OpenStreetMap extract.

    Raises:
        UserError: not an OSM file, or damaged.
    """
    check_content(path)
    if path.suffix.lower() == ".osm":
        check_xml(path)
    return {
        layer: _read_layer(path, layer, shown=path.name, may_be_empty=True, CONFIG_FILE=OSM_CONFIG)
        for layer in OSM_LAYERS
    }


def _layer_names(path: Path) -> list[str]:
    try:
        return [str(name) for name, _shape in pyogrio.list_layers(path)]
    except _GDAL_ERRORS as error:
        raise _unreadable(path.name) from error


def _choose(names: list[str], layer: str, file_name: str) -> str:
    listing = "、".join(names)
    if layer:
        if layer not in names:
            raise UserError(f"文件「{file_name}」没有图层「{layer}」。", f"现有图层：{listing}。")
        return layer
    if not names:
        raise UserError(f"文件「{file_name}」里没有图层。", "请确认选对了文件。")
    if len(names) > 1:
        raise UserError(
            f"文件「{file_name}」有 {len(names)} 个图层：{listing}。",
            "请用 --layer 指定要导入的图层。",
        )
    return names[0]


def _unreadable(name: str) -> UserError:
    return UserError(
        f"无法读取地图文件「{name}」，文件可能已损坏、不完整，或扩展名与内容不符。",
        "请在 GIS 软件中打开检查并重新导出；Shapefile 须把 .shp .shx .dbf 一起打成 zip。",
    )


def _read_layer(
    path: Path,
    layer: str,
    *,
    shown: str,
    layers: int = 1,
    encoding: str | None = None,
    may_be_empty: bool = False,
    **options: Any,
) -> RawTable:
    keeps_fid = path.suffix.lower() in STABLE_FID_SUFFIXES
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL's remarks are not for the user
            data = pyogrio.read_dataframe(
                path,
                layer=layer or None,
                fid_as_index=keeps_fid,
                encoding=encoding,
                on_invalid="fix",
                use_arrow=False,
                **options,
            )
    except _GDAL_ERRORS as error:
        raise _unreadable(shown) from error
    if not may_be_empty:
        check_rows(layer or shown, len(data), data.shape[1])
    geometry = None
    if "geometry" in data.columns and hasattr(data, "geom_type"):
        geometry = np.asarray(shapely.force_2d(np.asarray(data.geometry, dtype=object)))
        crs = "" if data.crs is None else data.crs.to_wkt()
        data = data.drop(columns="geometry")
    else:
        crs = ""
    fids = data.index.to_numpy(dtype=np.int64) if keeps_fid else None
    frame = data.reset_index(drop=True)
    frame.columns = [str(c) for c in frame.columns]
    for column in [c for c in frame.columns if frame[c].dtype == np.dtype(object)]:
        # GeoJSON knows lists; a cell of ours is one value.
        frame[column] = frame[column].map(_one_value, na_action="ignore")
    notes = (f"属性表按 {encoding} 编码读取。",) if encoding == "GB18030" else ()
    return RawTable(
        frame.astype(object),
        np.arange(1, len(frame) + 1, dtype=np.int64),
        sheet=layer if layers > 1 else "",
        geometry=geometry,
        feature_ids=fids,
        crs=crs,
        layer_count=layers,
        notes=notes,
    )


def _one_value(cell: Any) -> Any:
    if isinstance(cell, np.ndarray):
        cell = cell.tolist()
    return str(cell) if isinstance(cell, list | dict | bytes) else cell


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """Unpack the Shapefile parts of a zip into a temporary folder, flat names per folder.

    GDAL does not find a Shapefile in a sub-folder of a zip by itself.
    """
    entries = check_zip(path)
    with (
        tempfile.TemporaryDirectory(prefix="csm-import-") as folder,
        zipfile.ZipFile(path) as zipped,
    ):
        for at, entry in enumerate(entries):
            place = PurePosixPath(_entry_name(entry).replace("\\", "/"))
            if entry.is_dir() or place.name.startswith("._") or "__MACOSX" in place.parts:
                continue
            if place.suffix.lower() not in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
                continue
            target = Path(folder, *place.parent.parts, place.stem + place.suffix.lower())
            if not target.resolve().is_relative_to(Path(folder).resolve()):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                target.write_bytes(zipped.read(entries[at]))
            except (zipfile.BadZipFile, OSError, RuntimeError) as error:
                raise UserError(
                    f"压缩包「{path.name}」内的「{place}」已损坏。", "请重新打包或重新下载。"
                ) from error
        yield Path(folder)


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """Undo the cp437 reading of GBK names that Windows tools write without the UTF-8 flag."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return entry.filename


def _read_shapefiles(path: Path, folder: Path, layer: str) -> RawTable:
    found = {p.stem: p for p in sorted(folder.rglob("*.shp"))}
    if not found:
        raise UserError(
            f"压缩包「{path.name}」里没有 Shapefile。",
            "请把 .shp .shx .dbf（以及 .prj .cpg）一起打包。",
        )
    name = _choose(list(found), layer, path.name)
    shp = found[name]
    check_content(shp)
    if not shp.with_suffix(".dbf").exists() or not shp.with_suffix(".shx").exists():
        raise UserError(
            f"压缩包「{path.name}」中的「{name}」缺少 .dbf 或 .shx。",
            "请把同名的各个文件一起打包。",
        )
    table = _read_layer(shp, "", shown=path.name, encoding=_dbf_encoding(shp))
    return RawTable(
        table.frame, table.rows, name if len(found) > 1 else "", table.geometry, None, table.crs,
        len(found), table.notes,
    )  # fmt: skip


def _dbf_encoding(shp: Path) -> str | None:
    """Find the text encoding of a Shapefile by looking at its text.

    A missing or wrong .cpg gives mojibake without an error, so what the bytes are
    decides between UTF-8 and GB18030; only another declared code page is believed.
    """
    cpg, dbf = shp.with_suffix(".cpg"), shp.with_suffix(".dbf")
    declared = cpg.read_text("ascii", "ignore").strip().upper() if cpg.exists() else ""
    ordinary = ("", "UTF-8", "UTF8", "GBK", "GB2312", "GB18030", "936", "CP936", "ANSI 936")
    if declared not in (*ordinary, "ISO-8859-1", "88591", "1252", "CP1252", "ANSI 1252"):
        return None
    if not dbf.exists():
        return None
    raw = dbf.read_bytes()
    header_bytes = int.from_bytes(raw[8:10], "little")
    names = b"".join(raw[at : at + 11].split(b"\0")[0] for at in range(32, header_bytes - 1, 32))
    try:
        (names + b" " + raw[header_bytes:]).decode("utf-8")
    except UnicodeDecodeError:
        return (
            "UTF-8"
            if declared in ("UTF-8", "UTF8") and not _is_gb18030(raw, header_bytes)
            else "GB18030"
        )
    return "UTF-8"


def _is_gb18030(raw: bytes, header_bytes: int) -> bool:
    try:
        raw[header_bytes:].decode("gb18030")
    except UnicodeDecodeError:
        return False
    return True


def to_lonlat(table: RawTable, shown: str) -> RawTable:
    """Return the table with geometry in degrees, from whatever CRS it declares.

    Raises:
        UserError: an old geographic datum that needs parameters only the owner has.
    """
    if table.geometry is None or not table.crs:
        return table
    try:
        crs = CRS.from_user_input(table.crs)
    except CRSError:
        return table
    if crs.is_geographic and (crs.to_epsg(min_confidence=25) or 4326) in SAME_AS_WGS84_EPSG:
        return table
    if not crs.is_projected or _is_old_datum(crs):
        raise UserError(
            f"文件「{shown}」声明的坐标系是「{crs.name}」，不能直接换算为 WGS 84 / CGCS2000。",
            "请在 GIS 软件中用当地转换参数转为 CGCS2000 经纬度（EPSG:4490）后再导入。",
        )
    move = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)

    def convert(xy: np.ndarray) -> np.ndarray:
        return np.column_stack(move.transform(xy[:, 0], xy[:, 1]))

    moved = np.asarray(shapely.transform(table.geometry, convert), dtype=object)
    note = f"坐标由「{crs.name}」换算为经纬度。"
    return RawTable(
        table.frame, table.rows, table.sheet, moved, table.feature_ids, "EPSG:4326",
        table.layer_count, (*table.notes, note),
    )  # fmt: skip


def is_projected(table: RawTable) -> bool:
    """Tell whether the table declares coordinates in metres."""
    try:
        return bool(table.crs) and bool(CRS.from_user_input(table.crs).is_projected)
    except CRSError:
        return False


def _is_old_datum(crs: CRS) -> bool:
    base = crs.geodetic_crs.name.lower() if crs.geodetic_crs else ""
    return "beijing 1954" in base or "xian 1980" in base

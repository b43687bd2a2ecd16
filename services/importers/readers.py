"""Open a file of any known format."""

from __future__ import annotations

from pathlib import Path

from domain.errors import UserError
from services.importers.kinds import Kind
from services.importers.limits import check_file
from services.importers.table import RawTable
from services.importers.tables import CSV_SUFFIXES, WORKBOOK_SUFFIXES, read_csv, read_workbook
from services.importers.vectors import OSM_SUFFIXES, VECTOR_SUFFIXES, read_vector

KNOWN = "csv、xlsx、xls、ods、geojson、gpkg、shp（或 zip）、kml、fgb；osm、osm.pbf（种类选 osm）"


def read_table(path: Path, kind: Kind, *, layer: str = "") -> RawTable:
    """Read one table or layer.

    Raises:
        UserError: missing, empty, too big, damaged or unknown file; layer to choose.
    """
    check_file(path)
    suffix = path.suffix.lower()
    if suffix in CSV_SUFFIXES:
        return read_csv(path, kind)
    if suffix in WORKBOOK_SUFFIXES:
        return read_workbook(path, kind, layer)
    if suffix in VECTOR_SUFFIXES or suffix == ".zip":
        return read_vector(path, layer)
    if suffix in OSM_SUFFIXES:
        raise UserError(
            f"「{path.name}」是 OpenStreetMap 摘录，含多类数据。", "请把数据种类写成 osm 再导入。"
        )
    raise UserError(f"不认识的文件格式「{suffix or path.name}」。", f"可导入的格式：{KNOWN}。")

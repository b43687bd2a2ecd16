"""Bounds on what is read: a file from outside must not exhaust the machine."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from domain.errors import UserError

MAX_FILE_BYTES = 800 * 1024**2
MAX_ROWS = 1_200_000
MAX_COLUMNS = 600
MAX_CELL_CHARS = 32_767
"""The length Excel itself allows in one cell."""
MAX_CELLS = 30_000_000
"""Rows × columns of a sheet's used range; the reader lays it out whole, about 32 bytes a cell."""
MAX_UNPACKED_BYTES = 2 * 1024**3
MAX_UNPACKED_RATIO = 200
RATIO_COUNTS_FROM_BYTES = 20 * 1024**2
"""Small files may compress very well; a bomb is large *and* compresses absurdly."""
MAX_ZIP_ENTRIES = 5_000
XML_LOOKED_AT_BYTES = 64 * 1024


def check_file(path: Path) -> None:
    """Raise ``UserError`` unless ``path`` is a readable file of a sensible size."""
    if not path.is_file():
        raise UserError(f"找不到文件：{path}。", "请检查路径和文件名（可用引号括住含空格的路径）。")
    size = path.stat().st_size
    if size == 0:
        raise UserError(f"文件「{path.name}」是空的（0 字节）。", "请重新导出或重新下载该文件。")
    if size > MAX_FILE_BYTES:
        raise UserError(
            f"文件「{path.name}」有 {size / 1024**2:.0f} MB，超过上限 {MAX_FILE_BYTES // 1024**2} MB。",
            "请按区县拆成几个文件后分别导入。",
        )


def check_rows(name: str, rows: int, columns: int = 0) -> None:
    """Raise ``UserError`` for a table that is empty or too big."""
    if rows == 0:
        raise UserError(f"「{name}」里没有数据行。", "请确认选对了文件、工作表或图层。")
    if rows > MAX_ROWS:
        raise UserError(
            f"「{name}」有 {rows:,} 行，超过上限 {MAX_ROWS:,} 行。", "请拆成几个文件后分别导入。"
        )
    if columns > MAX_COLUMNS:
        raise UserError(
            f"「{name}」有 {columns} 列，超过上限 {MAX_COLUMNS} 列。", "请删去不用的列后再导入。"
        )


def check_zip(path: Path, *, called: str = "压缩包") -> list[zipfile.ZipInfo]:
    """Return the entries of a zip that is safe to unpack.

    ``called``: what its owner takes it for; nobody knows that a workbook is a zip.

    Raises:
        UserError: damaged, encrypted, a bomb, or with entries that point outside.
    """
    is_workbook = called != "压缩包"
    repack = "请在 WPS 或 Excel 中打开并另存为 xlsx 后再导入。" if is_workbook else ""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        why = "内容不是表格文件、设有密码或已损坏" if is_workbook else "已损坏"
        raise UserError(
            f"{called}「{path.name}」{why}，无法打开。", repack or "请重新打包或重新下载。"
        ) from error
    if len(entries) > MAX_ZIP_ENTRIES:
        raise UserError(
            f"{called}「{path.name}」含 {len(entries)} 个文件，过多。",
            repack or "请只打包需要的文件。",
        )
    unpacked = sum(e.file_size for e in entries)
    packed = max(path.stat().st_size, 1)
    is_bomb = unpacked > RATIO_COUNTS_FROM_BYTES and unpacked / packed > MAX_UNPACKED_RATIO
    if unpacked > MAX_UNPACKED_BYTES or is_bomb:
        raise UserError(
            f"{called}「{path.name}」展开后有 {unpacked / 1024**2:.0f} MB，像是压缩炸弹，已拒绝。",
            repack or "请用常规方式重新打包，或拆成几个文件。",
        )
    for entry in entries:
        if entry.flag_bits & 0x1:
            raise UserError(f"{called}「{path.name}」设有密码。", "请解除密码后再导入。")
        place = PurePosixPath(entry.filename.replace("\\", "/"))
        if place.is_absolute() or ".." in place.parts or ":" in entry.filename:
            raise UserError(
                f"{called}「{path.name}」内的路径「{entry.filename}」指向包外，已拒绝。",
                repack or "请重新打包，只放入数据文件。",
            )
    return entries


_ROW = re.compile(rb'<(?:\w+:)?row\s[^>]*?\br=["\'](\d+)')
_CELL = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br=["\']([A-Z]+)\d+')
_FILLED = re.compile(
    rb'<(?:\w+:)?c\s[^>]*?\br=["\']([A-Z]+)(\d+)["\'][^>]*(?<!/)>\s*<(?:\w+:)?(?:v|is|f)\b'
)


def check_xlsx_ranges(path: Path, *, most_cells: int = MAX_CELLS) -> None:
    """Refuse a sheet whose used range would not fit the memory.

    A single stray cell far off is enough, and the reader would end the whole process.
    """
    with zipfile.ZipFile(path) as archive:
        for entry in archive.namelist():
            if entry.startswith("xl/worksheets/") and entry.endswith(".xml"):
                _check_range(path.name, archive.read(entry), most_cells)


def _check_range(name: str, xml: bytes, most_cells: int) -> None:
    rows = max(map(int, _ROW.findall(xml)), default=0)
    columns = max(map(_column_number, set(_CELL.findall(xml))), default=0)
    if rows * columns <= most_cells:
        return
    filled = [(_column_number(c), int(r)) for c, r in _FILLED.findall(xml)]  # formats aside
    columns, rows = (
        max(side, default=0) for side in (zip(*filled, strict=True) if filled else ((), ()))
    )
    if rows * columns > most_cells:
        raise UserError(
            f"表格文件「{name}」的使用区域过大（到第 {rows:,} 行第 {columns:,} 列）。",
            "多半是表外远处有零星内容：请在表格软件中按 Ctrl+End 找到并删除后另存。",
        )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


FIRST_BYTES: Mapping[str, tuple[bytes, ...]] = {
    ".gpkg": (b"SQLite format 3\0",),
    ".fgb": (b"fgb",),
    ".shp": (b"\x00\x00\x27\x0a",),
    ".geojson": (b"{", b"["),
    ".json": (b"{", b"["),
    ".kml": (b"<",),
    ".osm": (b"<",),
}
POINTS_ELSEWHERE = (b"<OGRVRT", b"<VRTDataset", b"gdal_streamed_alg", b"<OGRWFS")
"""GDAL chooses its driver by content: these would make it open other files or addresses."""


def check_content(path: Path) -> None:
    """Raise ``UserError`` unless a map file begins as its ending promises."""
    with path.open("rb") as file:
        head = file.read(XML_LOOKED_AT_BYTES)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    expected = FIRST_BYTES.get(path.suffix.lower(), ())
    fits = not expected or head.startswith(expected) or start.startswith(expected)
    if path.suffix.lower() == ".pbf":
        fits = b"OSMHeader" in head[:64]
    if not fits or any(mark in head for mark in POINTS_ELSEWHERE):
        raise UserError(
            f"无法读取地图文件「{path.name}」，内容与扩展名不符，或文件已损坏。",
            "请在 GIS 软件中打开检查并重新导出。",
        )


def check_xml(path: Path) -> None:
    """Refuse XML that defines entities: the usual XML bomb, never needed in a map file."""
    with path.open("rb") as file:
        head = file.read(XML_LOOKED_AT_BYTES)
    if b"<!ENTITY" in head or "<!ENTITY".encode("utf-16-le") in head:
        raise UserError(
            f"文件「{path.name}」定义了 XML 实体，可能是恶意文件，已拒绝。", "请从原软件重新导出。"
        )

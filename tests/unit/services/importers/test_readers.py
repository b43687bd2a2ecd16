"""Files of every format come in with their row numbers, or are refused with a reason."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
import xlsxwriter
from shapely.geometry import Point

from domain.errors import UserError
from services.importers import limits
from services.importers.kinds import SCHOOLS, WATERS
from services.importers.readers import read_table
from services.importers.vectors import read_osm, to_lonlat

HEADER = "学校名称,经度,纬度\n"


def test_csv_is_read_in_utf8_with_and_without_mark_and_in_gbk(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "gb18030", "utf-16"):
        file = tmp_path / f"{encoding}.csv"
        file.write_bytes((HEADER + "东湖小学,120.8,32.0\n").encode(encoding))
        table = read_table(file, SCHOOLS)
        assert table.frame["学校名称"].tolist() == ["东湖小学"]
        assert table.rows.tolist() == [2]


def test_bytes_of_no_known_encoding_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(HEADER.encode() + b"\xff\xff\x81,1,2\n")
    with pytest.raises(UserError, match="文字编码无法识别"):
        read_table(file, SCHOOLS)


def test_a_title_above_the_header_is_skipped_and_row_numbers_stay_the_files_own(
    tmp_path: Path,
) -> None:
    file = tmp_path / "x.csv"
    file.write_text("2023年学校一览表,,\n\n" + HEADER + "甲,1,2\n,,\n乙,3,4\n", encoding="utf-8")
    table = read_table(file, SCHOOLS)
    assert table.frame["学校名称"].tolist() == ["甲", "乙"]
    assert table.rows.tolist() == [4, 6]
    assert "第 3 行识别为表头" in table.notes[0]


def test_a_workbook_is_read_and_one_with_two_filled_sheets_asks_which(tmp_path: Path) -> None:
    one, two = tmp_path / "one.xlsx", tmp_path / "two.xlsx"
    for file, sheets in ((one, ["学校"]), (two, ["学校", "水域"])):
        with xlsxwriter.Workbook(str(file)) as book:
            for sheet in sheets:
                page = book.add_worksheet(sheet)
                page.write_row(0, 0, ["学校名称", "经度", "纬度"])
                page.write_row(1, 0, ["东湖小学", 120.8, 32.0])
    table = read_table(one, SCHOOLS)
    assert table.frame.iloc[0].tolist() == ["东湖小学", 120.8, 32.0]
    assert table.rows.tolist() == [2]
    with pytest.raises(UserError, match="2 个有数据的工作表：学校、水域"):
        read_table(two, SCHOOLS)
    assert len(read_table(two, SCHOOLS, layer="水域")) == 1


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.csv", b"", "空的"),
        ("x.csv", "学校名称,经度,纬度\n".encode(), "没有数据行"),
        ("x.xlsx", b"not a workbook", "表格文件「x.xlsx」内容不是表格文件、设有密码或已损坏"),
        ("x.ods", b"not a workbook", "表格文件「x.ods」内容不是表格文件"),
        ("x.xls", b"not a workbook", "无法读取表格文件"),
        ("x.gpkg", b"not a package", "无法读取地图文件"),
        ("x.geojson", b'{"type": "Feat', "无法读取地图文件"),
        ("x.zip", b"not a zip", "已损坏"),
        ("x.exe", b"MZ", "不认识的文件格式"),
        ("x.osm", b"<osm/>", "种类写成 osm"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_reason(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_table(file, SCHOOLS)
    assert told in str(caught.value)
    assert caught.value.next_step


def _gbk_shapefile(folder: Path) -> Path:
    frame = gpd.GeoDataFrame(
        {"名称": ["东湖", "西塘"]},
        geometry=[Point(120.8, 32.0), Point(120.9, 32.1)],
        crs="EPSG:4326",
    )
    folder.mkdir(parents=True)
    frame.to_file(folder / "水域.shp", encoding="GBK")
    return folder


@pytest.mark.parametrize("cpg", [None, "UTF-8", "GBK"])
@pytest.mark.parametrize("below", ["", "数据/2023/"])
def test_a_gbk_shapefile_zip_is_read_whatever_its_cpg_says_and_wherever_it_lies(
    tmp_path: Path, cpg: str | None, below: str
) -> None:
    folder = _gbk_shapefile(tmp_path / "shp")
    (folder / "水域.cpg").unlink(missing_ok=True)
    if cpg:
        (folder / "水域.cpg").write_text(cpg)
    file = tmp_path / "x.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for part in folder.iterdir():
            archive.write(part, below + part.name)
    table = read_table(file, WATERS)
    assert table.frame["名称"].tolist() == ["东湖", "西塘"]
    assert table.geometry is not None


def test_a_shapefile_zip_without_its_table_is_refused(tmp_path: Path) -> None:
    folder = _gbk_shapefile(tmp_path / "shp")
    (folder / "水域.dbf").unlink()
    file = Path(shutil.make_archive(str(tmp_path / "x"), "zip", folder))
    with pytest.raises(UserError, match=r"缺少 \.dbf"):
        read_table(file, WATERS)


@pytest.mark.parametrize("name", ["../evil.shp", "/etc/evil.shp", "a/../../evil.shp"])
def test_a_zip_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / "x.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(UserError, match="指向包外"):
        read_table(file, WATERS)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RATIO_COUNTS_FROM_BYTES", 1_000_000)
    for name in ("x.zip", "x.xlsx"):
        file = tmp_path / name
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.shp", b"\0" * 5_000_000)
        with pytest.raises(UserError, match="压缩炸弹"):
            read_table(file, WATERS)


def test_xml_that_defines_entities_is_refused(tmp_path: Path) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE k [<!ENTITY a "aaaa">]><kml>&a;</kml>'
    for name in ("x.kml", "x.osm"):
        file = tmp_path / name
        file.write_bytes(bomb)
        with pytest.raises(UserError, match="XML 实体"):
            read_osm(file) if name.endswith("osm") else read_table(file, WATERS)


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_ROWS", 3)
    file = tmp_path / "x.csv"
    file.write_text(HEADER + "甲,1,2\n" * 4, encoding="utf-8")
    with pytest.raises(UserError, match="超过上限"):
        read_table(file, SCHOOLS)


def test_a_file_of_several_layers_asks_which_and_knows_unknown_ones(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"name": ["a"]}, geometry=[Point(120.8, 32.0)], crs="EPSG:4326")
    file = tmp_path / "x.gpkg"
    frame.to_file(file, layer="湖", driver="GPKG")
    frame.to_file(file, layer="河", driver="GPKG")
    with pytest.raises(UserError, match="2 个图层：湖、河"):
        read_table(file, WATERS)
    with pytest.raises(UserError, match="没有图层「海」"):
        read_table(file, WATERS, layer="海")
    assert read_table(file, WATERS, layer="河").feature_ids is not None


def test_projected_coordinates_are_brought_to_degrees_and_old_datums_refused(
    tmp_path: Path,
) -> None:
    here = gpd.GeoDataFrame({"name": ["a"]}, geometry=[Point(120.8645, 32.0162)], crs="EPSG:4326")
    for epsg, fails in ((4549, False), (2437, True)):
        file = tmp_path / f"{epsg}.gpkg"
        here.to_crs(epsg).to_file(file, driver="GPKG")
        table = read_table(file, WATERS)
        if fails:  # Beijing 1954 needs parameters only the owner has
            with pytest.raises(UserError, match="不能直接换算"):
                to_lonlat(table, file.name)
            continue
        moved = to_lonlat(table, file.name)
        assert moved.geometry is not None
        assert moved.geometry[0].distance(here.geometry[0]) < 1e-8


@pytest.mark.parametrize("name", ["x.geojson", "x.kml", "x.json", "x.gpkg"])
def test_a_file_that_would_open_other_files_is_refused(tmp_path: Path, name: str) -> None:
    other = tmp_path / "other.csv"
    other.write_text("name\nsecret\n")
    file = tmp_path / name
    file.write_text(
        f'<OGRVRTDataSource><OGRVRTLayer name="other"><SrcDataSource>{other}</SrcDataSource>'
        "</OGRVRTLayer></OGRVRTDataSource>"
    )
    with pytest.raises(UserError, match="内容与扩展名不符"):
        read_table(file, WATERS)


def test_lists_in_geojson_become_text(tmp_path: Path) -> None:
    file = tmp_path / "x.geojson"
    file.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":'
        '{"name":"a","acroutes":[100000,110000],"parent":{"adcode":110000}},'
        '"geometry":{"type":"Point","coordinates":[120.8,32.0]}}]}'
    )
    row = read_table(file, WATERS).frame.iloc[0]
    assert row["acroutes"] == "[100000, 110000]"
    assert row["name"] == "a"


def test_cells_beyond_the_header_are_told_of(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(HEADER + "甲,1,2\n乙,3,4,多余\n", encoding="utf-8")
    assert "如第 3 行" in read_table(file, SCHOOLS).notes[0]


def test_a_stray_cell_far_off_is_refused_instead_of_filling_the_memory(tmp_path: Path) -> None:
    file = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(str(file)) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["学校名称", "经度", "纬度"])
        page.write(1_048_575, 16_383, "x")
    with pytest.raises(UserError, match="使用区域过大（到第 1,048,576 行第 16,384 列）"):
        read_table(file, SCHOOLS)


def test_a_stray_number_without_any_format_is_refused_as_well(tmp_path: Path) -> None:
    file = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(str(file)) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["学校名称", "经度", "纬度"])
        page.write_number(1_048_575, 16_383, 1)
    with pytest.raises(UserError, match="使用区域过大"):
        read_table(file, SCHOOLS)


def test_formats_far_off_are_no_content(tmp_path: Path) -> None:
    file = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(str(file)) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["学校名称", "经度", "纬度"])
        page.write_row(1, 0, ["东湖小学", 120.8, 32.0])
        page.write_blank(1_048_575, 16_383, None, book.add_format({"bold": True}))
    assert len(read_table(file, SCHOOLS)) == 1

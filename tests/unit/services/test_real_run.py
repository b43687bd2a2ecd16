"""Real files of a real city load through the one engine, and their distances are right.

The files are test data and stay outside the product: ``CSM_TEST_DATA`` names their
folder, and without it these tests are skipped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from sqlalchemy import select

import db.models as models
from db.base import Base
from db.engine import make_engine
from domain.access import SYSTEM
from domain.words import Datum, DistrictLevel, FacilityKind, SchoolKind
from services.house import House
from services.imports import ImportReport, ImportRequest, run_import
from services.proximity import list_proximity
from services.rules import ensure_default_rules
from settings import Settings

SCHOOLS_CSV = "beijing/beijing_primary_schools_gcj02_2021.csv"
BOUNDARIES = "beijing/beijing_boundaries.gpkg"
OSM_GPKG = "beijing/beijing_osm_2020.gpkg"
EXTRACT = "haidian/haidian_cau_2026.osm"
BEIJING_EPSG = 4548
TABLES = (
    models.District,
    models.School,
    models.WaterBody,
    models.TrafficFacility,
    models.PatrolPost,
    models.RoadSegment,
)


def requests(folder: Path) -> list[ImportRequest]:
    """Return the imports of the real run, in order; the last one is the whole extract."""
    layers = [
        ("waters", "water_areas"),
        ("waters", "waterways"),
        ("facilities", "traffic"),
        ("posts", "police"),
    ]
    return [
        ImportRequest(
            kind="schools",
            path=folder / SCHOOLS_CSV,
            datum=Datum.GCJ02,
            values={"kind": "primary"},
        ),
        ImportRequest(kind="districts", path=folder / BOUNDARIES, dissolve="district"),
        *(ImportRequest(kind=k, path=folder / OSM_GPKG, layer=layer) for k, layer in layers),
        ImportRequest(kind="osm", path=folder / EXTRACT),
    ]


@pytest.fixture(scope="module")
def city(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give a house with everything of the real run but the extract."""
    folder = tmp_path_factory.mktemp("real")
    engine = make_engine(f"sqlite:///{(folder / 'real.sqlite').as_posix()}")
    Base.metadata.create_all(engine)
    house = House(engine=engine, settings=Settings(_env_file=None, var_dir=folder))
    ensure_default_rules(house)
    for request in requests(test_data)[:-1]:
        run_import(SYSTEM, house, request=request)
    yield house
    engine.dispose()


def table(house: House, model: type[Base]) -> pd.DataFrame:
    with house.read() as session:
        return pd.read_sql(select(model.__table__), session.connection())


def row_hashes(house: House) -> dict[str, str]:
    """Return one hash a table over every column of every row, in the order of the ids."""
    hashes = {}
    for model in TABLES:
        with house.read() as session:
            rows = session.connection().exec_driver_sql(
                f"SELECT * FROM {model.__tablename__} ORDER BY id"
            )
            digest = hashlib.sha256()
            for row in rows:
                digest.update(repr(tuple(row)).encode())
        hashes[model.__tablename__] = digest.hexdigest()
    return hashes


def test_every_row_of_every_file_is_stored(city: House, test_data: Path) -> None:
    def rows(layer: str) -> int:
        return int(pyogrio.read_info(test_data / OSM_GPKG, layer=layer)["features"])

    assert len(table(city, models.School)) == len(pd.read_csv(test_data / SCHOOLS_CSV)) == 829
    assert len(table(city, models.WaterBody)) == rows("water_areas") + rows("waterways") == 1507
    assert len(table(city, models.TrafficFacility)) == rows("traffic") == 10_587
    assert len(table(city, models.PatrolPost)) == rows("police") == 61
    districts = table(city, models.District)["level"].value_counts().to_dict()
    assert districts == {DistrictLevel.TOWNSHIP.value: 331, DistrictLevel.COUNTY.value: 16}


def test_facility_kinds_are_read_from_the_layers_own_words(city: House, test_data: Path) -> None:
    told = pyogrio.read_dataframe(test_data / OSM_GPKG, layer="traffic", read_geometry=False)
    counts = told["type"].value_counts()
    kinds = table(city, models.TrafficFacility)["kind"].value_counts()
    for word, kind in (
        ("traffic_signals", FacilityKind.SIGNAL),
        ("crossing", FacilityKind.CROSSING),
        ("speed_camera", FacilityKind.ENFORCEMENT),
    ):
        assert kinds[kind.value] == counts[word] > 0


def test_schools_are_converted_from_gcj02_to_a_millionth_of_a_degree(
    city: House, test_data: Path
) -> None:
    file = pd.read_csv(test_data / SCHOOLS_CSV)
    file["code"] = Path(SCHOOLS_CSV).stem + ":" + file["id"].astype(str)
    both = file.merge(table(city, models.School), on="code", validate="one_to_one")
    assert len(both) == len(file)
    assert np.abs(both["lon"] - both["lon_wgs84"]).max() <= 1e-6
    assert np.abs(both["lat"] - both["lat_wgs84"]).max() <= 1e-6
    assert (both["kind"] == SchoolKind.PRIMARY.value).all()
    assert (both["name"] == both["name_en"].str.split().str.join(" ")).all()


def test_schools_lie_in_the_district_and_township_the_file_names(
    city: House, test_data: Path
) -> None:
    file = pd.read_csv(test_data / SCHOOLS_CSV)
    file["code"] = Path(SCHOOLS_CSV).stem + ":" + file["id"].astype(str)
    names = table(city, models.District).set_index("id")["name"]
    schools = table(city, models.School)
    schools["county"] = schools["district_id"].map(names)
    schools["town"] = schools["township_id"].map(names)
    both = file.merge(schools, on="code")
    assert (both["district"] == both["county"]).all()
    assert (both["subdistrict"] == both["town"]).all()


def test_a_second_run_changes_nothing_and_says_so(city: House, test_data: Path) -> None:
    before, versions = row_hashes(city), city.versions()
    for request in requests(test_data)[:-1]:
        report = run_import(SYSTEM, city, request=request)
        assert report.status == "unchanged"
        assert report.rows_same > 0
        assert (report.rows_new, report.rows_changed, report.rows_refused) == (0, 0, 0)
    assert row_hashes(city) == before
    assert city.versions() == versions


def test_distances_equal_a_brute_force_over_all_rows_of_the_files(
    city: House, test_data: Path
) -> None:
    ours = list_proximity(SYSTEM, city)
    file = pd.read_csv(test_data / SCHOOLS_CSV)
    file["school_code"] = Path(SCHOOLS_CSV).stem + ":" + file["id"].astype(str)
    file = file.sort_values("school_code", ignore_index=True)
    assert ours["school_code"].tolist() == file["school_code"].tolist()
    schools = gpd.GeoSeries.from_xy(file["lon_wgs84"], file["lat_wgs84"], crs=4326)
    schools = schools.to_crs(BEIJING_EPSG)

    def layer(name: str) -> gpd.GeoDataFrame:
        return gpd.read_file(test_data / OSM_GPKG, layer=name).to_crs(BEIJING_EPSG)

    def nearest(things: gpd.GeoSeries) -> pd.Series:
        return schools.apply(lambda point: things.distance(point).min())

    traffic = layer("traffic")
    waters = pd.concat([layer("water_areas").geometry, layer("waterways").geometry])
    expected = {
        "nearest_water_m": nearest(gpd.GeoSeries(waters.to_numpy(), crs=BEIJING_EPSG)),
        "nearest_signal_m": nearest(traffic.geometry[traffic["type"] == "traffic_signals"]),
        "nearest_crossing_m": nearest(traffic.geometry[traffic["type"] == "crossing"]),
        "nearest_police_m": nearest(layer("police").geometry),
    }
    for column, brute in expected.items():
        assert ours[column].notna().all()
        assert np.abs(ours[column].to_numpy(dtype=float) - brute.to_numpy()).max() <= 0.1, column
    within = schools.apply(lambda point: int((traffic.distance(point) <= 200.0).sum()))
    assert ours["facilities_within_200m"].astype(int).tolist() == within.tolist()


def test_a_whole_extract_loads_schools_and_all_overlays_in_one_run(
    house: House, test_data: Path
) -> None:
    request = requests(test_data)[-1]
    report = run_import(SYSTEM, house, request=request)
    assert [c.kind for c in report.counts] == ["schools", "waters", "facilities", "posts", "roads"]
    for counts in report.counts:
        assert counts.new > 0
        assert counts.read == counts.new + counts.skipped
    assert "略过" in report.as_text()
    _same_as_tags_say(report, test_data / EXTRACT)
    before = row_hashes(house)
    again = run_import(SYSTEM, house, request=request)
    assert (again.status, again.is_same_file) == ("unchanged", True)
    # The long way must agree with the short one: naming the source makes other options.
    long_way = run_import(
        SYSTEM, house, request=ImportRequest("osm", request.path, source=request.stem)
    )
    assert (long_way.status, long_way.is_same_file) == ("unchanged", False)
    assert row_hashes(house) == before


def _same_as_tags_say(report: ImportReport, path: Path) -> None:
    """Count the tags in the XML itself, without any reader of ours."""
    text = path.read_text("utf-8")
    nodes = text[: text.index("<way ")]
    counts = {c.kind: c for c in report.counts}
    signals, crossings = (
        nodes.count(f'<tag k="highway" v="{word}"/>') for word in ("traffic_signals", "crossing")
    )
    assert counts["facilities"].new == signals + crossings
    assert counts["posts"].new == text.count('<tag k="amenity" v="police"/>')
    schools = sum(text.count(f'<tag k="amenity" v="{w}"/>') for w in ("school", "kindergarten"))
    assert counts["schools"].new == schools
    assert counts["roads"].read == text[len(nodes) :].count('<tag k="highway" ')

"""An OpenStreetMap extract is split by its tags, doubles merged, the rest counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.words import FacilityKind, WaterKind
from services.importers.clean import CleanBatch
from services.importers.osm import split_osm
from services.importers.vectors import read_osm

NODES = {
    1: (120.000, 32.000), 2: (120.002, 32.000), 3: (120.002, 32.002), 4: (120.000, 32.002),
    5: (120.010, 32.000), 6: (120.012, 32.000), 7: (120.012, 32.002), 8: (120.010, 32.002),
}  # fmt: skip
TAGGED = [
    (11, 120.0015, 32.0015, {"amenity": "school", "name": "东湖小学"}),
    (12, 120.0200, 32.0000, {"amenity": "kindergarten", "name": "苗苗幼儿园"}),
    (13, 120.0210, 32.0000, {"amenity": "school"}),
    (14, 120.0220, 32.0000, {"amenity": "university", "name": "某大学"}),
    (15, 120.0230, 32.0000, {"highway": "traffic_signals"}),
    (16, 120.0240, 32.0000, {"highway": "crossing", "crossing": "traffic_signals"}),
    (17, 120.0250, 32.0000, {"highway": "speed_camera"}),
    (18, 120.0260, 32.0000, {"amenity": "police", "name": "城东派出所"}),
    (19, 120.0270, 32.0000, {"highway": "bus_stop"}),
]
WAYS = [
    (101, [1, 2, 3, 4, 1], {"amenity": "school", "name": "东湖小学"}),
    (102, [5, 6, 7, 8, 5], {"natural": "water", "name": "东湖"}),
    (103, [1, 5], {"waterway": "ditch"}),
    (104, [2, 6], {"waterway": "stream", "tunnel": "culvert"}),
    (105, [3, 7], {"highway": "residential", "name": "湖滨路"}),
    (106, [4, 8], {"highway": "footway"}),
]


def _tags(tags: dict[str, str]) -> str:
    return "".join(f'<tag k="{k}" v="{v}"/>' for k, v in tags.items())


@pytest.fixture
def extract(tmp_path: Path) -> Path:
    plain = "".join(
        f'<node id="{i}" lon="{x}" lat="{y}" version="1"/>' for i, (x, y) in NODES.items()
    )
    tagged = "".join(
        f'<node id="{i}" lon="{x}" lat="{y}" version="1">{_tags(t)}</node>' for i, x, y, t in TAGGED
    )
    ways = "".join(
        f'<way id="{i}" version="1">'
        + "".join(f'<nd ref="{n}"/>' for n in refs)
        + _tags(t)
        + "</way>"
        for i, refs, t in WAYS
    )
    file = tmp_path / "x.osm"
    file.write_text(f'<?xml version="1.0"?><osm version="0.6">{plain}{tagged}{ways}</osm>', "utf-8")
    return file


@pytest.fixture
def batches(extract: Path) -> dict[str, CleanBatch]:
    return {b.kind.name: b for b in split_osm(read_osm(extract), source="x")}


def test_a_school_drawn_as_node_and_area_is_one_school(batches: dict[str, CleanBatch]) -> None:
    schools = batches["schools"].stated.set_index("code")
    assert sorted(schools.index) == ["x:n12", "x:n13", "x:w101"]
    one = schools.loc["x:w101"]
    assert one["campus"] is not None
    assert (one["lon"], one["lat"]) == (120.0015, 32.0015)  # the mapper's own point
    assert batches["schools"].skipped == {
        "高等院校（不属中小学幼儿园）": 1,
        "与面重复的点（已合并）": 1,
    }
    assert batches["schools"].rows_read == 5


def test_a_school_without_a_name_is_kept_and_warned_of(batches: dict[str, CleanBatch]) -> None:
    schools = batches["schools"].stated.set_index("code")
    assert schools.loc["x:n13", "name"] == "未命名学校（n13）"
    assert [p.is_blocking for p in batches["schools"].problems] == [False]


def test_waters_are_areas_and_open_lines_but_no_culverts(batches: dict[str, CleanBatch]) -> None:
    waters = batches["waters"]
    assert waters.stated["code"].tolist() == ["x:w102", "x:w103"]
    assert waters.stated["kind"].tolist() == [None, WaterKind.DITCH]
    assert waters.derived["kind"].tolist()[0] is WaterKind.LAKE  # by its name
    assert waters.skipped == {"地下或涵洞水道": 1}


def test_facilities_posts_and_roads_come_from_their_tags(batches: dict[str, CleanBatch]) -> None:
    assert batches["facilities"].stated["kind"].tolist() == [
        FacilityKind.SIGNAL, FacilityKind.CROSSING, FacilityKind.ENFORCEMENT,
    ]  # fmt: skip
    assert batches["posts"].stated["name"].tolist() == ["城东派出所"]
    assert batches["roads"].stated["code"].tolist() == ["x:w105"]
    assert batches["roads"].skipped == {"非机动车道路": 1}

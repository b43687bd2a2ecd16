from __future__ import annotations

import numpy as np
import pytest

from services.reports.papers.route_map import LEGEND_MM, MARK_MM, draw_route

WIDTH, HEIGHT = 170.0, 80.0
SOUTH_WEST, NORTH_EAST = (120.80, 31.95), (120.95, 32.05)


def drawn(stops, start=None, path=()):
    return draw_route(start=start, stops=stops, path=path, width_mm=WIDTH, height_mm=HEIGHT)


def test_north_is_up_and_east_is_right() -> None:
    first, second = drawn([SOUTH_WEST, NORTH_EAST])["marks"]
    assert first["spot"][0] < second["spot"][0]
    assert first["spot"][1] > second["spot"][1]


def test_everything_lies_inside_the_box_above_its_legend() -> None:
    rng = np.random.default_rng(1)
    places = [tuple(p) for p in rng.uniform((120.8, 31.9), (121.2, 32.1), (60, 2))]
    drawing = drawn(places, start=SOUTH_WEST)
    points = np.array([m[k] for m in drawing["marks"] for k in ("at", "spot")] + drawing["path"])
    assert (points >= 0).all()
    assert (points <= (WIDTH, HEIGHT - LEGEND_MM)).all()


def test_the_scale_bar_is_as_long_as_it_says() -> None:
    drawing = drawn([SOUTH_WEST, NORTH_EAST])
    first, second = (np.array(mark["spot"]) for mark in drawing["marks"])
    # source: 0.15° of longitude at 32° N and 0.10° of latitude, about 14.17 and 11.09 km
    metres = np.hypot(14_170, 11_090)
    assert drawing["scale"]["label"] in {"5 公里", "10 公里"}
    length_m = float(drawing["scale"]["label"].split()[0]) * 1000
    mm_per_m = np.hypot(*(first - second)) / metres
    assert drawing["scale"]["length"] == pytest.approx(length_m * mm_per_m, rel=0.01)
    assert drawing["scale"]["length"] <= WIDTH / 4


def test_marks_of_schools_at_one_place_do_not_cover_each_other() -> None:
    drawing = drawn([SOUTH_WEST] * 6, start=SOUTH_WEST)
    marks = np.array([mark["at"] for mark in drawing["marks"]])
    apart = np.hypot(*(marks[:, None] - marks[None, :]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    assert apart.min() >= MARK_MM - 0.1
    assert drawing == drawn([SOUTH_WEST] * 6, start=SOUTH_WEST)


def test_a_stop_without_a_place_is_named_not_drawn() -> None:
    drawing = drawn([SOUTH_WEST, None, NORTH_EAST])
    assert [mark["label"] for mark in drawing["marks"]] == ["1", "3"]
    assert drawing["unplaced"] == [2]
    assert drawn([None]) == {}


def test_a_path_of_thousands_of_points_is_simplified_but_keeps_its_ends() -> None:
    lon = np.linspace(SOUTH_WEST[0], NORTH_EAST[0], 5000)
    path = [(float(x), 32.0 + 0.02 * float(np.sin(x * 60))) for x in lon]
    drawing = drawn([path[0], path[-1]], path=path)
    assert 2 < len(drawing["path"]) < 300
    assert drawing["path"][0] == drawing["marks"][0]["spot"]
    assert drawing["path"][-1] == drawing["marks"][1]["spot"]

"""The ground under a small drawing: what is near, in the drawing's own millimetres."""

from __future__ import annotations

import numpy as np
import shapely
from sqlalchemy.orm import Session

from db.models import District, RoadSegment
from domain.words import DistrictLevel, RoadClass
from services.house import House
from services.reports.papers.route_map import LEGEND_MM
from services.route_sketch import sketch_route

SCHOOLS = [(118.00, 33.00), (118.04, 33.02)]
WIDTH, HEIGHT = 84.0, 72.0


def add_ground(house: House) -> None:
    lines = {
        "near": (RoadClass.PRIMARY, [(118.00, 33.00), (118.04, 33.02)]),
        "through": (RoadClass.TRUNK, [(117.0, 33.01), (119.0, 33.01)]),
        "lane": (RoadClass.BRANCH, [(118.01, 33.00), (118.01, 33.02)]),
        "far": (RoadClass.TRUNK, [(119.0, 34.0), (119.1, 34.0)]),
    }
    with Session(house.engine) as session:
        for code, (road_class, points) in lines.items():
            session.add(
                RoadSegment(code=code, road_class=road_class, geometry=shapely.LineString(points))
            )
        session.add(
            District(
                code="E",
                name="东区",
                level=DistrictLevel.COUNTY,
                boundary=shapely.box(118.02, 32.9, 118.3, 33.3),
            )
        )
        session.commit()


def drawn(house: House):
    return sketch_route(house, start=None, stops=SCHOOLS, width_mm=WIDTH, height_mm=HEIGHT)


def test_main_roads_and_borders_near_by_are_cut_to_the_drawing(house: House) -> None:
    add_ground(house)
    sketch = drawn(house)
    assert len(sketch.roads) == 2, "neither the lane nor what is far away"
    assert len(sketch.borders) == 1
    points = np.array([p for line in (*sketch.roads, *sketch.borders) for p in line])
    assert (points >= 0).all()
    assert (points <= (WIDTH, HEIGHT - LEGEND_MM)).all()


def test_a_road_between_two_schools_ends_where_they_are_drawn(house: House) -> None:
    add_ground(house)
    sketch = drawn(house)
    spots = [np.array(mark["spot"]) for mark in sketch.drawing["marks"]]
    near = min(sketch.roads, key=lambda line: np.hypot(*(np.array(line[0]) - spots[0])))
    ends = np.array([near[0], near[-1]])
    assert min(np.abs(ends - spots).max(), np.abs(ends[::-1] - spots).max()) < 0.2


def test_a_city_without_roads_and_schools_without_place_still_give_a_sketch(house: House) -> None:
    assert drawn(house).roads == ()
    nothing = sketch_route(house, start=None, stops=[None], width_mm=WIDTH, height_mm=HEIGHT)
    assert nothing.drawing == {}

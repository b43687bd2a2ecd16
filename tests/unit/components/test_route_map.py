"""The picture of a route: numbers and words of ours, readable, and nothing else in it."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from components.route_cards import phone_link
from components.route_map import HEIGHT_MM, WIDTH_MM, Look, picture_of
from services.reports.papers.route_map import draw_route
from services.route_sketch import Sketch

STOPS = [(118.00, 33.00), (118.04, 33.02), (118.02, 33.05), (118.06, 33.01)]
SVG = "{http://www.w3.org/2000/svg}"


def picture(**more) -> str:
    drawing = draw_route(
        start=(118.02, 33.0), stops=STOPS, path=[], width_mm=WIDTH_MM, height_mm=HEIGHT_MM
    )
    said = {"looks": {}, "has_way": True, "detour": (), "has_numbers": True}
    return picture_of(Sketch(drawing, (((1.0, 1.0), (9.0, 9.0)),), ()), **(said | more))


def test_the_picture_is_well_formed_and_numbers_every_stop() -> None:
    tree = ElementTree.fromstring(picture())
    texts = [node.text for node in tree.iter(f"{SVG}text")]
    assert [text for text in texts if text in ("起", "1", "2", "3", "4")] == [
        "起",
        "1",
        "2",
        "3",
        "4",
    ]
    assert "北" in texts
    assert any("米" in text or "公里" in text for text in texts)


def test_what_became_of_a_stop_is_seen_and_later_stops_are_joined_by_a_dashed_line() -> None:
    plain, told = picture(), picture(looks={"2": Look.DONE, "3": Look.LOST}, detour=["3", "4"])
    assert Look.DONE.value[0] in told
    assert Look.DONE.value[0] not in plain
    assert told.count("stroke-dasharray") == plain.count("stroke-dasharray") + 1


def test_many_schools_are_points_without_numbers_and_no_way() -> None:
    told = picture(has_numbers=False, has_way=False)
    texts = [node.text for node in ElementTree.fromstring(told).iter(f"{SVG}text")]
    assert not any(text in ("1", "2", "起") for text in texts)
    assert told.count("<circle") == len(STOPS) + 1


def test_the_picture_asks_for_nothing() -> None:
    assert re.findall(r"(?:href|url|src|http)[^ >]*", picture()) == ['http://www.w3.org/2000/svg"']


def test_a_number_dials_without_its_extension_and_any_other_text_stays_text() -> None:
    assert phone_link("0510-8123 4567转12") == '<a href="tel:051081234567">0510-8123 4567转12</a>'
    assert phone_link("<b>未登记") == "&lt;b&gt;未登记"
    assert phone_link("+86 139 0000 0000").startswith('<a href="tel:+8613900000000">')

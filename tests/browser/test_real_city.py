"""The map on real files: Beijing's schools, districts, waters, facilities and police."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from domain.access import SYSTEM
from domain.words import Datum, Role
from services.accounts import NewAccount, add_account
from services.imports import ImportRequest, run_import
from services.map_schools import load_school_table
from services.risk import recompute_risk
from services.rules import ensure_default_rules
from tests.browser.conftest import RequestLog
from tests.browser.mapping import click_school, drawn_ids, map_frame
from tests.browser.serving import Server, make_house, serving

LOGIN, PASSWORD = "leader", "一句别人想不到的话吧"


@pytest.fixture(scope="module")
def beijing(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve what the import commands make of the real files."""
    folder = test_data / "beijing"
    house = make_house(tmp_path_factory.mktemp("beijing") / "var")
    ensure_default_rules(house)
    osm = folder / "beijing_osm_2020.gpkg"
    for request in (
        ImportRequest("districts", folder / "beijing_boundaries.gpkg", dissolve="district"),
        ImportRequest(
            "schools",
            folder / "beijing_primary_schools_gcj02_2021.csv",
            datum=Datum.GCJ02,
            values={"kind": "primary"},
        ),
        ImportRequest("waters", osm, layer="water_areas"),
        ImportRequest("waters", osm, layer="waterways"),
        ImportRequest("facilities", osm, layer="traffic"),
        ImportRequest("posts", osm, layer="police"),
    ):
        run_import(SYSTEM, house, request=request)
    recompute_risk(SYSTEM, house)
    new = NewAccount(login=LOGIN, name="局领导", role=Role.LEADER, password=PASSWORD)
    add_account(SYSTEM, house, new=new)
    with serving(house) as running:
        yield running
    house.engine.dispose()


def test_a_leader_signs_in_filters_clicks_and_reads_on_beijing_and_nothing_leaves_the_server(
    chromium: Browser, beijing: Server
) -> None:
    log = RequestLog()
    context = chromium.new_context(base_url=beijing.url, viewport={"width": 1366, "height": 768})
    log.watch(context)
    page = context.new_page()
    page.goto("/?colour=督查")
    page.fill("#login", LOGIN)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    frame = map_frame(page)
    table = load_school_table(SYSTEM, beijing.house)
    assert len(table) == 829
    assert drawn_ids(frame) == set(table.ids.tolist())

    page.get_by_test_id("stMultiSelect").filter(has_text="区县").click()
    page.keyboard.type("海淀")
    page.get_by_role("option", name="海淀区", exact=True).click()
    page.keyboard.press("Escape")
    code = table.district_codes[table.district_names.index("海淀区")]
    frame.wait_for_function("csm.layers.schools.stats.key.startsWith('district=')")
    haidian = {
        int(i)
        for i, district in zip(table.ids, table.district, strict=True)
        if table.district_codes[district] == code
    }
    assert drawn_ids(frame) == haidian

    for count, overlay in enumerate(("水域", "设施", "岗位"), start=1):
        page.get_by_test_id("stButtonGroup").get_by_text(overlay, exact=True).click()
        frame.wait_for_function("n => csm.state.overlays.length === n", arg=count)
    click_school(page, frame)
    card = page.locator(".csm-card")
    expect(card).to_be_visible()
    for said in ("最近水域", "最近派出所或岗亭", "最近交通信号灯", "六类设施", "数据完整度"):
        expect(card).to_contain_text(said)
    assert log.forbidden == []
    assert log.leaving(beijing) == []
    context.close()

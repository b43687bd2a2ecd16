"""The register of inspectors from a file on the desk to a file on the desk, in a real browser."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from python_calamine import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import School
from domain.access import SYSTEM
from domain.words import Role
from services.accounts import ensure_demo_accounts
from services.demo.build import build_demo_city
from tests.browser.conftest import RequestLog
from tests.browser.serving import Server, make_house, serving
from tests.unit.services.people import workbook


@pytest.fixture(scope="module")
def staffing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve a small demo city whose register this test changes."""
    house = make_house(tmp_path_factory.mktemp("staffing") / "var")
    build_demo_city(
        SYSTEM, house, schools=40, seed=7, as_of=dt.date(2026, 10, 15),
        progress=lambda _done, _total, _what: None,
    )  # fmt: skip
    ensure_demo_accounts(house)
    with serving(house) as running:
        yield running
    house.engine.dispose()


def test_a_clerk_imports_a_file_adds_a_school_to_stay_away_from_and_exports(
    chromium: Browser, staffing: Server, tmp_path: Path
) -> None:
    with Session(staffing.house.engine) as session:
        first, second = session.scalars(select(School).order_by(School.code).limit(2)).all()
    row = {"工号": "JOURNEY-1", "姓名": "路过的人", "类别": "消防", "可带队": "是", "回避学校": "X"}
    other = {"工号": "JOURNEY-2", "姓名": "同行的人", "类别": "教育", "电话": "0000-1"}
    bad, good = tmp_path / "有错的名册.xlsx", tmp_path / "名册.xlsx"
    bad.write_bytes(workbook([row, other]))
    good.write_bytes(workbook([{**row, "回避学校": first.code}, other]))

    log = RequestLog()
    context = chromium.new_context(base_url=staffing.url, viewport={"width": 1366, "height": 768})
    context.set_default_timeout(30_000)
    log.watch(context)
    page = context.new_page()
    page.goto("/inspectors")
    page.click(f"button[name=demo][value={Role.INSPECTOR.value}]")
    page.get_by_role("button", name="导入名册").click()
    with page.expect_download() as waiting, page.expect_popup():
        page.get_by_role("link", name="下载模板").click()
    template = load_workbook(io.BytesIO(Path(waiting.value.path()).read_bytes()))
    assert template.sheet_names == ["督查人员", "填写说明"]
    page.set_input_files("input[type=file]", bad)
    expect(page.get_by_text("有 1 处错误，一行也没有导入")).to_be_visible()
    expect(page.get_by_role("button", name="③ 导入")).to_have_count(0)
    page.get_by_test_id("stFileChipDeleteBtn").get_by_role("button").click()
    page.set_input_files("input[type=file]", good)
    page.get_by_role("button", name="③ 导入").click()
    expect(page.get_by_text("已导入：新增 2 人")).to_be_visible()

    page.get_by_label("查找").fill("路过")
    page.get_by_label("查找").press("Enter")
    expect(page.get_by_text("列出 1 人")).to_be_visible()
    table = page.get_by_test_id("stDataFrame")
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 17, box["y"] + 35 + 17)
    expect(page.get_by_role("heading", name="路过的人")).to_be_visible()
    assert "person=JOURNEY-1" in page.url
    expect(page.get_by_text(f"{first.name}（{first.code}）")).to_be_visible()
    page.get_by_text("登记一所要回避的学校").click()
    page.get_by_label("查找学校").fill(second.code)
    page.get_by_label("查找学校").press("Enter")
    page.get_by_text("曾任职", exact=True).last.click()
    left_on = page.get_by_role("textbox", name="离任日")
    left_on.fill("2025-06-30")
    left_on.press("Enter")
    page.get_by_role("button", name="登记回避").click()
    expect(page.get_by_text("2028-06-30 起不再回避")).to_be_visible()
    there = page.url

    page.get_by_role("button", name="返回名册").click()
    expect(page.get_by_text("列出 1 人")).to_be_visible()
    with page.expect_download() as waiting, page.expect_popup():
        page.get_by_role("link", name="导出").click()
    book = load_workbook(io.BytesIO(Path(waiting.value.path()).read_bytes()))
    rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    assert [r[0] for r in rows if str(r[0]).startswith("JOURNEY")] == ["JOURNEY-1"]
    kept = next(r for r in rows if r[0] == "JOURNEY-1")
    assert first.code in kept
    assert f"{second.code}（2025-06-30）" in kept
    page.goto(there)
    expect(page.get_by_text("2028-06-30 起不再回避")).to_be_visible()
    context.close()
    assert log.forbidden == []
    assert log.leaving(staffing) == []

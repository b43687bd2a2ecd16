from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from fractions import Fraction

import pandas as pd
import pytest
from python_calamine import load_workbook
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.models import AuditEvent, City, Draw, DrawnSchool, Inspection, School
from domain.access import Actor
from domain.errors import Forbidden, NotFound, UserError
from domain.quick_draw import Weighting
from domain.sampling_rules import SHIPPED
from domain.school_filter import SchoolFilter
from domain.words import (
    Channel,
    DrawStatus,
    InspectionLevel,
    NoticeMode,
    Role,
    SchoolStatus,
    ValueSource,
)
from services.coverage import forecast_year, list_years, read_coverage
from services.coverage_lists import export_never_visited, list_visits, match_never
from services.draw_chances import read_predictability
from services.draws import QuickOrder, commit_quick_draw, draw_quick, void_draw
from services.house import House
from services.map_schools import match_schools
from services.rules import ensure_default_rules
from tests.city import SmallCity, add_small_city

LEADER = Actor(account_id=1, login="ju", name="", role=Role.LEADER)
INSPECTOR = Actor(account_id=2, login="li", name="", role=Role.INSPECTOR)
ADMIN = Actor(account_id=3, login="ad", name="", role=Role.ADMIN)
CITY, COUNTY = InspectionLevel.CITY, InspectionLevel.COUNTY
TODAY = dt.date(2026, 9, 1)
"""The small city stands still on this day: day 244 of 365."""


def officer(city: SmallCity, district: str = "east") -> Actor:
    where = getattr(city, district)
    return Actor(account_id=4, login="qu", name="", role=Role.DISTRICT, district_id=where)


def visit(house: House, school: int, level: InspectionLevel, on: str, **more: object) -> None:
    with house.write(INSPECTOR) as work:
        work.session.add(
            Inspection(
                number=str(more.pop("number", f"{school}-{level.value}-{on}")),
                school_id=school,
                level=level,
                channel=more.pop("channel", Channel.ROUTINE),
                notice_mode=NoticeMode.UNANNOUNCED,
                on_date=dt.date.fromisoformat(on),
                **more,
            )
        )
        work.bump("inspections")
        work.audit("test.visited")


def add_city(house: House) -> SmallCity:
    """Add the small city with six visits of this year, two of earlier ones, one to come."""
    city = add_small_city(house)
    ensure_default_rules(house)
    at = city.schools
    with Session(house.engine) as session:
        gone = School(code="E9", name="E9", lon=118.0, lat=33.0, district_id=city.east)
        gone.status = SchoolStatus.CLOSED
        session.add(gone)
        session.commit()
        closed = gone.id
    visit(house, at["E1"], CITY, "2026-03-02", channel=Channel.JOINT, unit="市督查组")
    visit(house, at["E1"], COUNTY, "2026-03-09")
    visit(house, at["E1"], COUNTY, "2026-08-30", hazards_found=2)
    visit(house, at["E2"], COUNTY, "2026-08-31", channel=Channel.SUPERVISOR)
    visit(house, at["W1"], COUNTY, "2026-01-01")
    visit(house, closed, COUNTY, "2026-02-02")
    visit(house, at["E3"], CITY, "2024-05-06")
    visit(house, at["W1"], COUNTY, "2025-05-06")
    visit(house, at["E3"], CITY, "2026-09-02", number="to-come")
    return city


@pytest.fixture
def city(any_house: House) -> SmallCity:
    return add_city(any_house)


def test_coverage_counts_distinct_active_schools_of_each_level(
    any_house: House, city: SmallCity
) -> None:
    found = read_coverage(LEADER, any_house)
    assert (found.year, found.as_of, found.schools) == (2026, TODAY, 4)
    assert (found.city.forecast.visited, found.city.visits) == (1, 1)
    assert (found.county.forecast.visited, found.county.visits) == (3, 4)
    assert (found.visits, found.visits_elsewhere) == (5, 1)
    assert found.city.forecast.target == 2, "30 % of four schools, rounded up"
    assert found.county.forecast.target == 4
    assert found.county.forecast.pace == pytest.approx(4 * 244 / 365)
    assert found.county.recent == 1, "E2 is new in the last 90 days, E1 is not"


def test_the_curve_ends_on_the_day_of_the_figures(any_house: House, city: SmallCity) -> None:
    curve = read_coverage(LEADER, any_house).county.curve
    assert curve["day"].iloc[[0, 1, -1]].tolist() == [0, 7, 244]
    assert curve["schools"].iloc[[0, 1, -1]].tolist() == [0, 1, 3]
    assert curve["date"].iloc[-1].date() == TODAY


def test_districts_channels_and_repeats_add_up(any_house: House, city: SmallCity) -> None:
    found = read_coverage(LEADER, any_house)
    rows = found.districts.set_index("code")
    columns = ["schools", "city", "county", "visited", "visits", "again", "never"]
    assert rows.loc["E", columns].tolist() == [3, 1, 2, 2, 4, 2, 1]
    assert rows.loc["W", columns].tolist() == [1, 0, 1, 1, 1, 0, 0]
    heat = found.channels.set_index(["channel", "month"])["visits"]
    assert heat.sum() == found.visits
    assert heat[Channel.JOINT.label, 3] == 1
    assert heat[Channel.SUPERVISOR.label, 8] == 1
    assert found.channels["month"].max() == 9, "months to come are no zeros"
    assert found.times["schools"].tolist() == [1, 2, 0, 1, 0, 0]


def test_never_visited_schools_are_those_the_map_filters_by_coverage(
    any_house: House, city: SmallCity
) -> None:
    found = read_coverage(LEADER, any_house)
    assert found.never["code"].tolist() == ["E3"]
    assert found.never["last_on"].dt.date.tolist() == [dt.date(2024, 5, 6)]
    mask = match_schools(LEADER, any_house, wanted=SchoolFilter(coverage=("none",)))
    assert int(mask.sum()) == len(found.never)


def test_the_longest_unvisited_come_first_and_no_record_before_all(
    any_house: House, city: SmallCity
) -> None:
    with any_house.write(INSPECTOR) as work:
        for code in ("N1", "N2"):
            work.session.add(School(code=code, name=f"新校{code}", lon=118.0, lat=33.0))
        work.bump("schools")
        work.audit("test.added")
    found = read_coverage(LEADER, any_house)
    assert found.never["code"].tolist() == ["N1", "N2", "E3"]
    assert found.never["last_on"].isna().tolist() == [True, True, False]
    assert found.districts["name"].tolist()[-1] == "未归属区县"
    assert match_never(found, q="新校n")["code"].tolist() == ["N1", "N2"]
    assert match_never(found, q="e3", district="E")["code"].tolist() == ["E3"]
    assert match_never(found, district="W").empty


def test_a_district_officer_sees_the_own_district_only(any_house: House, city: SmallCity) -> None:
    found = read_coverage(officer(city, "west"), any_house)
    assert (found.schools, found.visits) == (1, 1)
    assert found.districts["code"].tolist() == ["W"]
    assert found.never.empty
    with pytest.raises(NotFound):
        list_visits(officer(city, "west"), any_house, code="E1", year=2026)
    assert len(list_visits(officer(city), any_house, code="E1", year=2026)) == 3


def test_a_district_officer_without_a_district_sees_nothing(
    any_house: House, city: SmallCity
) -> None:
    lost = Actor(account_id=9, login="x", name="", role=Role.DISTRICT)
    found = read_coverage(lost, any_house)
    assert (found.schools, found.visits, len(found.districts)) == (0, 0, 0)
    assert found.city.forecast.share is None


@pytest.mark.parametrize(
    "read",
    [
        read_coverage,
        list_years,
        read_predictability,
        lambda actor, house: forecast_year(actor, house, level=CITY),
        lambda actor, house: list_visits(actor, house, code="E1", year=2026),
        export_never_visited,
    ],
)
def test_a_role_without_the_right_reads_nothing(
    house: House, read: Callable[[Actor, House], object]
) -> None:
    police = Actor(account_id=5, login="jing", name="", role=Role.POLICE)
    for actor in (ADMIN, police):
        with pytest.raises(Forbidden):
            read(actor, house)


def test_an_earlier_year_is_counted_to_its_end_and_has_no_way_ahead(
    any_house: House, city: SmallCity
) -> None:
    assert list_years(LEADER, any_house) == (2026, 2025, 2024)
    assert list_years(officer(city, "west"), any_house) == (2026, 2025)
    found = read_coverage(LEADER, any_house, year=2025)
    assert found.as_of == dt.date(2025, 12, 31)
    assert not found.is_current
    assert found.county.forecast.visited == 1
    assert found.county.forecast.is_over
    assert found.county.forecast.missing == 3
    assert found.never.set_index("code")["last_on"].dt.date.to_dict()["E3"] == dt.date(2024, 5, 6)
    with pytest.raises(UserError):
        read_coverage(LEADER, any_house, year=2027)


def test_a_year_before_any_rule_set_takes_the_rules_of_today(
    any_house: House, city: SmallCity
) -> None:
    visit(any_house, city.schools["E1"], CITY, "2018-04-01")
    assert read_coverage(LEADER, any_house, year=2018).city.forecast.target_share == 0.3


def test_a_new_visit_is_seen_at_the_next_read(any_house: House, city: SmallCity) -> None:
    before = read_coverage(LEADER, any_house)
    visit(any_house, city.schools["E3"], CITY, "2026-08-31")
    after = read_coverage(LEADER, any_house)
    assert (before.city.forecast.visited, after.city.forecast.visited) == (1, 2)
    assert after.never.empty


def test_the_forecast_takes_extra_schools_a_week(any_house: House, city: SmallCity) -> None:
    plain = forecast_year(LEADER, any_house, level=CITY)
    assert plain == read_coverage(LEADER, any_house).city.forecast
    assert (plain.expected, plain.missing, plain.team_days) == (1.0, 1, 1)
    helped = forecast_year(LEADER, any_house, level=CITY, extra_per_week=0.1)
    assert helped.expected == pytest.approx(1 + 0.1 * (365 - 244) / 7)
    assert helped.missing == 0


def test_a_school_at_the_cap_is_listed(any_house: House, city: SmallCity) -> None:
    assert read_coverage(LEADER, any_house).capped.empty
    for day in range(SHIPPED.visit_cap - 3):
        visit(any_house, city.schools["E1"], COUNTY, f"2026-04-0{day + 1}")
    found = read_coverage(LEADER, any_house)
    assert found.capped[["code", "visits"]].to_numpy().tolist() == [["E1", SHIPPED.visit_cap]]
    assert found.capped["district"].tolist() == ["东区"]
    assert found.times["schools"].tolist()[5] == 1


def test_the_visits_of_a_school_say_who_when_and_how(any_house: House, city: SmallCity) -> None:
    visits = list_visits(LEADER, any_house, code="E1", year=2026)
    assert visits["on_date"].tolist()[-1] == dt.date(2026, 3, 2)
    assert visits.iloc[-1][["level", "channel", "unit"]].tolist() == [
        "市级", "多部门联合督查", "市督查组",
    ]  # fmt: skip
    assert visits["hazards"].tolist() == [2, 0, 0]
    assert visits["unit"].tolist()[0] == "未登记"
    assert list_visits(LEADER, any_house, code="E3", year=2026).empty, "a visit to come is none"


def test_the_export_holds_what_is_listed_and_is_audited(house: House) -> None:
    city = add_city(house)
    body = export_never_visited(officer(city), house, q="E3")
    rows = load_workbook(io.BytesIO(body)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    assert rows[0][0] == "2026 年未督查学校（1 所，在办学校 3 所，统计截至 2026-09-01）"
    assert rows[4][:6] == ["E3", "学校E3", "东区", "学段未知", "数据不足", "2024-05-06"]
    with Session(house.engine) as session:
        event = session.scalars(
            select(AuditEvent).where(AuditEvent.kind == "export.never_visited")
        ).one()
    assert event.data == {"year": 2026, "q": "E3", "district": "", "rows": 1}
    auditor = Actor(account_id=6, login="shen", name="", role=Role.AUDITOR)
    assert read_coverage(auditor, house).schools == 4
    with pytest.raises(Forbidden):
        export_never_visited(auditor, house)


def test_a_city_without_inspections_or_schools_has_its_own_zeros(house: House) -> None:
    ensure_default_rules(house)
    empty = read_coverage(LEADER, house)
    assert (empty.schools, empty.visits) == (0, 0)
    assert empty.never.empty
    with Session(house.engine) as session:
        session.add(City(name="空市", as_of=TODAY))
        session.commit()
    add = School(code="A1", name="甲", lon=118.0, lat=33.0)
    with house.write(INSPECTOR) as work:
        work.session.add(add)
        work.bump("schools", "base")
        work.audit("test.added")
    found = read_coverage(LEADER, house)
    assert found.city.forecast.share == 0
    assert list_years(LEADER, house) == (2026,)
    assert pd.isna(found.never["last_on"].iloc[0])


def draw(house: House, actor: Actor, n: int, **weighting: object) -> str:
    order = QuickOrder(
        "抽查", SchoolFilter(), n, Weighting(**weighting), ValueSource.TYPED, "6 6"  # type: ignore[arg-type]
    )  # fmt: skip
    return draw_quick(actor, house, order=order, request_key=f"{actor.login}{n:020d}")


def test_no_draw_means_no_chance_and_the_latest_committed_one_counts(
    any_house: House, city: SmallCity
) -> None:
    assert read_predictability(LEADER, any_house) is None
    draw(any_house, INSPECTOR, 1)
    said = read_predictability(LEADER, any_house)
    assert said is not None
    assert (said.highest, said.lowest, said.at_highest) == (Fraction(1, 4), Fraction(1, 4), 4)
    latest = draw(any_house, INSPECTOR, 2, recent_days=30)
    said = read_predictability(LEADER, any_house)
    assert said is not None
    assert said.number == latest
    assert (said.n, said.schools, said.at_highest) == (2, 4, 2)
    assert said.highest == Fraction(8, 10), "E3 and W1 hold weight 4 of 10, twice"
    assert said.lowest == Fraction(2, 10)


def test_the_chances_are_those_of_draws_in_scope_and_a_void_one_tells_nothing(
    any_house: House, city: SmallCity
) -> None:
    draw(any_house, officer(city, "west"), 1)
    assert read_predictability(officer(city), any_house) is None
    order = QuickOrder("抽", SchoolFilter(), 1, Weighting(), ValueSource.SYSTEM)
    number, _ = commit_quick_draw(
        officer(city), any_house, order=order, request_key="void-me-please-now"
    )
    said = read_predictability(officer(city), any_house)
    assert said is not None
    assert said.highest == Fraction(1, 3)
    void_draw(officer(city), any_house, number=number, reason="断网")
    assert read_predictability(officer(city), any_house) is None


def test_a_draw_under_seal_changes_no_figure(house: House) -> None:
    """Between departure and reveal nothing but the committed frame may be told."""
    add_city(house)
    order = QuickOrder("抽", SchoolFilter(), 1, Weighting(), ValueSource.SYSTEM)
    number, _ = commit_quick_draw(INSPECTOR, house, order=order, request_key="k" * 20)
    figures = read_coverage(LEADER, house)
    said = read_predictability(LEADER, house)
    with house.write(INSPECTOR) as work:
        work.session.execute(
            update(Draw).where(Draw.number == number).values(status=DrawStatus.DEPARTED)
        )
        work.bump("draws")
        work.audit("test.departed")
    assert read_predictability(LEADER, house) == said
    after = read_coverage(LEADER, house)
    assert after.never["code"].tolist() == figures.never["code"].tolist()
    assert after.times.equals(figures.times)
    with Session(house.engine) as session:
        assert session.scalars(select(DrawnSchool)).all() == []

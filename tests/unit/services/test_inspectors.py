from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Account, AuditEvent, Inspector, InspectorTie
from domain.access import ALLOWED, SYSTEM, Actor, Permission
from domain.draw.roster import Inspector as RosterPerson
from domain.draw.roster import RosterRule, RosterRules, TeamRoute, barriers
from domain.errors import EditConflict, Forbidden, NotFound, UserError
from domain.words import DrawStatus, InspectionLevel, InspectorKind, Role, TieKind
from services.house import House
from services.inspector_changes import (
    add_inspector,
    change_inspector,
    set_inspector_active,
)
from services.inspector_duties import read_duties
from services.inspector_ties import (
    add_tie,
    find_schools,
    free_again_on,
    list_ties,
    may_change_ties,
    read_day,
    remove_tie,
)
from services.inspectors import (
    InspectorFilter,
    count_teams,
    has_inspectors,
    list_home_districts,
    list_inspectors,
    list_linkable_accounts,
    measure_rosters,
    read_inspector,
)
from tests.city import SmallCity, add_small_city
from tests.unit.services.people import AUDITOR, CITY, LEADER, add_round, draft, officer


@pytest.fixture
def city(any_house: House) -> SmallCity:
    """Give the small city with two city people and one county person in each district."""
    city = add_small_city(any_house)
    add_inspector(CITY, any_house, draft=draft("A1", "甲", can_lead=True, phone="13800000000"))
    add_inspector(CITY, any_house, draft=draft("A2", "乙", unit="市卫健委"))
    add_inspector(officer(city.east), any_house, draft=draft("E01", "东一", can_lead=True))
    add_inspector(officer(city.west), any_house, draft=draft("W01", "西一"))
    return city


def codes(house: House, who: Actor, **wanted: object) -> list[str]:
    kept = InspectorFilter(**wanted)  # type: ignore[arg-type]
    return list_inspectors(who, house, wanted=kept)["code"].tolist()


def version(house: House, who: Actor, code: str) -> int:
    return read_inspector(who, house, code=code).row_version


def events(house: House) -> list[tuple[str, str]]:
    with Session(house.engine) as session:
        return [
            (kind, subject)
            for kind, subject in session.execute(
                select(AuditEvent.kind, AuditEvent.subject).order_by(AuditEvent.seq)
            )
        ]


def test_the_city_sees_everybody_and_a_district_its_own(any_house: House, city: SmallCity) -> None:
    for who in (CITY, LEADER, AUDITOR):
        assert codes(any_house, who) == ["A1", "A2", "E01", "W01"]
    assert codes(any_house, officer(city.east)) == ["E01"]
    with pytest.raises(NotFound):
        read_inspector(officer(city.east), any_house, code="W01")
    assert codes(any_house, officer(None)) == []
    assert not has_inspectors(officer(None), any_house)


def test_every_other_role_is_refused(any_house: House, city: SmallCity) -> None:
    for role in set(Role) - ALLOWED[Permission.VIEW_PLANS]:
        who = Actor(account_id=1, login="x", name="", role=role, district_id=city.east)
        for read in (
            lambda who: codes(any_house, who),
            lambda who: read_inspector(who, any_house, code="A1"),
            lambda who: list_ties(who, any_house, code="A1"),
            lambda who: read_duties(who, any_house, code="A1"),
            lambda who: measure_rosters(who, any_house),
        ):
            with pytest.raises(Forbidden):
                read(who)
    for role in set(Role) - ALLOWED[Permission.MANAGE_INSPECTORS]:
        who = Actor(account_id=1, login="x", name="", role=role)
        with pytest.raises(Forbidden):
            add_inspector(who, any_house, draft=draft("N1"))
        with pytest.raises(Forbidden):
            list_linkable_accounts(who, any_house)


def test_an_officer_without_a_district_registers_nobody(any_house: House, city: SmallCity) -> None:
    with pytest.raises(Forbidden):
        add_inspector(officer(None), any_house, draft=draft("N1"))
    assert "N1" not in codes(any_house, LEADER)


def test_a_filter_keeps_what_it_names_and_survives_its_own_address(
    any_house: House, city: SmallCity
) -> None:
    assert codes(any_house, CITY, q="卫健") == ["A2"]
    assert codes(any_house, CITY, q="e0") == ["E01"]
    assert codes(any_house, CITY, q="%") == []
    assert codes(any_house, CITY, level=("county",)) == ["E01", "W01"]
    assert codes(any_house, CITY, district=("W",)) == ["W01"]
    assert codes(any_house, CITY, lead="yes") == ["A1", "E01"]
    assert codes(any_house, CITY, kind=("police",)) == []
    assert codes(any_house, CITY, kind=("no-such-kind",)) == []
    wanted = InspectorFilter(
        q="甲 乙", level=("city",), district=("E", "W"), lead="no", state="active"
    )
    query = {"q": ["甲 乙"], "level": ["city"], "district": ["W", "E"], "lead": ["no"]}
    assert InspectorFilter.from_query({**query, "state": ["active"], "x": ["y"]}) == wanted


def test_phones_and_accounts_are_for_those_who_keep_registers(
    any_house: House, city: SmallCity
) -> None:
    seen = list_inspectors(CITY, any_house, wanted=InspectorFilter())
    assert "13800000000" in seen["phone"].tolist()
    assert read_inspector(CITY, any_house, code="A1").phone == "13800000000"
    for who in (LEADER, AUDITOR):
        hidden = list_inspectors(who, any_house, wanted=InspectorFilter())
        assert set(hidden["phone"]) == {""}
        assert read_inspector(who, any_house, code="A1").phone == ""
    with Session(any_house.engine) as session:
        data = session.scalars(select(AuditEvent.data)).all()
    assert "13800000000" not in str(data), "others read the audit log"


def test_each_office_changes_its_own_people_only(any_house: House, city: SmallCity) -> None:
    cases = [
        (CITY, "E01", Forbidden),
        (officer(city.east), "W01", NotFound),
        (officer(city.east), "A1", NotFound),
        (LEADER, "A1", Forbidden),
    ]
    for who, code, error in cases:
        with pytest.raises(error):
            change_inspector(who, any_house, code=code, row_version=1, draft=draft(code, "改"))
        with pytest.raises(error):
            set_inspector_active(who, any_house, code=code, row_version=1, is_active=False)
    assert not read_inspector(CITY, any_house, code="E01").may_edit
    assert read_inspector(officer(city.east), any_house, code="E01").may_edit
    assert "改" not in list_inspectors(LEADER, any_house, wanted=InspectorFilter())["name"].tolist()


def test_a_city_person_with_a_home_district_is_read_there_but_kept_by_the_city(
    any_house: House, city: SmallCity
) -> None:
    add_inspector(CITY, any_house, draft=draft("A3", "丙", district_code="E"))
    assert codes(any_house, officer(city.east)) == ["A3", "E01"]
    facts = read_inspector(officer(city.east), any_house, code="A3")
    assert facts.level is InspectionLevel.CITY
    assert not facts.may_edit
    with pytest.raises(Forbidden):
        set_inspector_active(
            officer(city.east), any_house, code="A3", row_version=1, is_active=False
        )


def test_a_districts_people_are_county_people_of_that_district_whatever_is_asked(
    any_house: House, city: SmallCity
) -> None:
    add_inspector(officer(city.east), any_house, draft=draft("E02", district_code="W"))
    facts = read_inspector(LEADER, any_house, code="E02")
    assert (facts.level, facts.district_code) == (InspectionLevel.COUNTY, "E")
    assert list_home_districts(officer(city.east), any_house) == [("E", "东区")]
    assert len(list_home_districts(CITY, any_house)) == 2


def test_a_change_is_saved_told_to_the_audit_log_and_a_stale_one_refused(
    any_house: House, city: SmallCity
) -> None:
    first = version(any_house, CITY, "A1")
    new = draft("A9", "甲一", can_lead=False, phone="１３９ 0000", unit=" 市教育局 ")
    assert change_inspector(CITY, any_house, code="A1", row_version=first, draft=new) == "A9"
    facts = read_inspector(CITY, any_house, code="A9")
    assert (facts.name, facts.can_lead, facts.phone, facts.unit) == (
        "甲一", False, "139 0000", "市教育局",
    )  # fmt: skip
    with pytest.raises(EditConflict):
        change_inspector(CITY, any_house, code="A9", row_version=first, draft=draft("A9", "他"))
    before = events(any_house)
    change_inspector(CITY, any_house, code="A9", row_version=facts.row_version, draft=new)
    assert events(any_house) == before, "equal values write nothing"
    assert version(any_house, CITY, "A9") == facts.row_version
    assert ("inspector.changed", "A1") in before


def test_of_two_hands_saving_the_same_person_one_is_told(any_house: House, city: SmallCity) -> None:
    held, together = version(any_house, CITY, "A1"), Barrier(2)

    def save(name: str) -> str:
        together.wait()
        try:
            change_inspector(CITY, any_house, code="A1", row_version=held, draft=draft("A1", name))
        except EditConflict:
            return "conflict"
        return name

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(save, ["一", "二"]))
    assert answers.count("conflict") == 1
    (kept,) = set(answers) - {"conflict"}
    assert read_inspector(CITY, any_house, code="A1").name == kept


def test_of_two_hands_adding_one_code_one_is_told(any_house: House, city: SmallCity) -> None:
    together = Barrier(2)

    def add(name: str) -> str:
        together.wait()
        try:
            return add_inspector(CITY, any_house, draft=draft("N1", name))
        except UserError as error:
            return error.message

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(add, ["一", "二"]))
    assert answers.count("N1") == 1
    assert "使用" in next(answer for answer in answers if answer != "N1")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (draft("A2"), "已有人使用"),
        (draft("W01"), "已有人使用"),
        (draft(" "), "工号为空"),
        (draft("N1", ""), "姓名为空"),
        (draft("N1", "甲" * 41), "姓名"),
        (draft("N1", phone="拨总机"), "电话的写法不对"),
        (draft("N1", unit="单" * 81), "单位"),
        (draft("N1", district_code="E01"), "没有代码为 E01 的区县"),
        (draft("N1", account_login="nobody"), "账号 nobody 不能关联"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    any_house: House, city: SmallCity, wrong, said: str
) -> None:
    with pytest.raises(UserError) as refused:
        add_inspector(CITY, any_house, draft=wrong)
    assert said in refused.value.message
    assert refused.value.next_step
    assert "N1" not in codes(any_house, CITY)


def test_nobody_is_deleted_a_person_leaves_the_rosters_and_comes_back(
    any_house: House, city: SmallCity
) -> None:
    for is_active in (False, False, True):
        set_inspector_active(
            CITY,
            any_house,
            code="A1",
            row_version=version(any_house, CITY, "A1"),
            is_active=is_active,
        )
        assert read_inspector(CITY, any_house, code="A1").is_active is is_active
        assert ("A1" in codes(any_house, CITY, state="active")) is is_active
        assert ("A1" in codes(any_house, CITY, state="inactive")) is not is_active
        assert "A1" in codes(any_house, CITY)
    kinds = [kind for kind, subject in events(any_house) if subject == "A1"]
    assert kinds == ["inspector.added", "inspector.deactivated", "inspector.reactivated"]


def add_accounts(house: House, city: SmallCity) -> None:
    with Session(house.engine) as session:
        for login, role, scope in (
            ("one", Role.INSPECTOR, {}),
            ("two", Role.POLICE, {"station_id": city.station}),
            ("east", Role.DISTRICT, {"district_id": city.east}),
            ("chief", Role.LEADER, {}),
            ("gone", Role.INSPECTOR, {"is_active": False}),
        ):
            session.add(Account(login=login, name=login, role=role, password_hash="-", **scope))
        session.commit()


def test_an_account_is_linked_to_one_person_of_a_fitting_role(
    any_house: House, city: SmallCity
) -> None:
    add_accounts(any_house, city)

    def offered(who: Actor, code: str = "") -> set[str]:
        return {login for login, _ in list_linkable_accounts(who, any_house, code=code)}

    assert offered(CITY) == {"one", "two", "east"}
    assert offered(officer(city.east)) == {"east"}
    add_inspector(CITY, any_house, draft=draft("N1", account_login="one"))
    assert read_inspector(CITY, any_house, code="N1").account_login == "one"
    assert read_inspector(LEADER, any_house, code="N1").account_login == ""
    assert offered(CITY) == {"two", "east"}
    assert offered(CITY, "N1") == {"one", "two", "east"}
    for login in ("one", "chief", "gone"):
        with pytest.raises(UserError, match="不能关联"):
            add_inspector(CITY, any_house, draft=draft("N2", account_login=login))
    with pytest.raises(UserError, match="不能关联"):
        add_inspector(officer(city.east), any_house, draft=draft("N2", account_login="two"))
    with Session(any_house.engine) as session:
        session.scalars(select(Account).where(Account.login == "one")).one().is_active = False
        session.commit()
    same = draft("N1", "改名", account_login="one")
    change_inspector(
        CITY, any_house, code="N1", row_version=version(any_house, CITY, "N1"), draft=same
    )
    assert read_inspector(CITY, any_house, code="N1").account_login == "one"


@pytest.mark.parametrize(
    ("people", "leads", "teams"), [(42, 11, 11), (4, 4, 2), (5, 3, 2), (1, 1, 0), (0, 0, 0)]
)
def test_teams_are_bounded_by_pairs_and_by_leads(people: int, leads: int, teams: int) -> None:
    assert count_teams(people, leads) == teams


def test_rosters_are_measured_by_level_and_district_by_district(
    any_house: House, city: SmallCity
) -> None:
    by_level = {size.level: size for size in measure_rosters(CITY, any_house)}
    assert (by_level[InspectionLevel.CITY].people, by_level[InspectionLevel.CITY].teams) == (2, 1)
    county = by_level[InspectionLevel.COUNTY]
    assert (county.people, county.leads, county.teams, county.districts) == (2, 1, 0, 2)
    add_inspector(officer(city.east), any_house, draft=draft("E02"))
    (own,) = measure_rosters(officer(city.east), any_house)
    assert (own.level, own.people, own.leads, own.teams) == (InspectionLevel.COUNTY, 2, 1, 1)


def test_a_tie_is_registered_shown_with_its_end_and_taken_back_with_a_reason(
    any_house: House, city: SmallCity
) -> None:
    left = dt.date(2024, 6, 30)
    for _ in range(2):
        add_tie(CITY, any_house, code="A1", school_code="E1", kind=TieKind.DECLARED, note="配偶")
    add_tie(
        CITY,
        any_house,
        code="A1",
        school_code="W1",
        kind=TieKind.FORMER,
        left_on=dt.date(2020, 1, 1),
    )
    ties = list_ties(LEADER, any_house, code="A1")
    assert ties["school_code"].tolist() == ["E1", "W1"]
    assert ties["is_binding"].tolist() == [True, False]
    assert ties["free_on"].tolist() == [None, dt.date(2023, 1, 1)]
    add_tie(CITY, any_house, code="A1", school_code="W1", kind=TieKind.FORMER, left_on=left)
    ties = list_ties(CITY, any_house, code="A1")
    assert ties["left_on"].tolist() == [None, left], "a second entry corrects the day"
    assert ties["is_binding"].all()
    assert list_inspectors(CITY, any_house, wanted=InspectorFilter(q="A1"))["ties"].tolist() == [2]
    tie = int(ties.loc[ties["school_code"] == "W1", "id"].iloc[0])
    with pytest.raises(UserError, match="移除原因"):
        remove_tie(CITY, any_house, code="A1", tie_id=tie, reason="")
    with pytest.raises(NotFound):
        remove_tie(CITY, any_house, code="A2", tie_id=tie, reason="别人的")
    remove_tie(CITY, any_house, code="A1", tie_id=tie, reason="登记有误")
    assert list_ties(CITY, any_house, code="A1")["school_code"].tolist() == ["E1"]
    with pytest.raises(NotFound):
        remove_tie(CITY, any_house, code="A1", tie_id=tie, reason="再来一次")
    with Session(any_house.engine) as session:
        told = session.scalars(
            select(AuditEvent.data).where(AuditEvent.kind == "inspector.tie_removed")
        ).one()
    assert told["reason"] == "登记有误"


@pytest.mark.parametrize(
    ("kind", "left_on", "said"),
    [
        (TieKind.FORMER, None, "离任日"),
        (TieKind.FORMER, dt.date(2026, 9, 2), "今天之后"),
    ],
)
def test_a_former_workplace_needs_its_last_day(
    any_house: House, city: SmallCity, kind: TieKind, left_on: dt.date | None, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        add_tie(CITY, any_house, code="A1", school_code="E1", kind=kind, left_on=left_on)
    with any_house.read() as session:
        assert session.scalars(select(InspectorTie)).all() == []


@pytest.mark.parametrize(
    "typed", ["2024-06-30", "2024/6/30", "２０２４年６月３０日", " 2024.6.30 "]
)
def test_a_day_is_read_as_people_write_it(typed: str) -> None:
    assert read_day(typed) == dt.date(2024, 6, 30)
    assert read_day(" ") is None


@pytest.mark.parametrize("typed", ["2024-06", "2024-02-30", "去年", "2024", "20240630"])
def test_half_a_day_is_no_day(typed: str) -> None:
    with pytest.raises(UserError, match="不是一个日期"):
        read_day(typed)


def test_the_city_registers_recusal_for_all_a_district_for_its_own(
    any_house: House, city: SmallCity
) -> None:
    east = officer(city.east)
    add_tie(CITY, any_house, code="E01", school_code="W1", kind=TieKind.DECLARED)
    add_tie(east, any_house, code="E01", school_code="E2", kind=TieKind.DECLARED)
    for code, school, error in (("E01", "W1", NotFound), ("W01", "E1", NotFound)):
        with pytest.raises(error):
            add_tie(east, any_house, code=code, school_code=school, kind=TieKind.DECLARED)
    with pytest.raises(Forbidden):
        add_tie(LEADER, any_house, code="A1", school_code="E1", kind=TieKind.DECLARED)
    seen = list_ties(east, any_house, code="E01").set_index("school_code")["school"]
    assert seen.to_dict() == {"E2": "学校E2", "W1": ""}, "another district's school is a code"
    assert list_ties(east, any_house, code="W01").empty
    assert may_change_ties(CITY, any_house, code="E01")
    assert not may_change_ties(LEADER, any_house, code="E01")
    assert not may_change_ties(east, any_house, code="W01")


def test_schools_are_found_by_name_or_code_within_the_scope(
    any_house: House, city: SmallCity
) -> None:
    assert find_schools(CITY, any_house, q=" ").schools == ()
    found = find_schools(CITY, any_house, q="学校E")
    assert (found.total, [code for code, _ in found.schools]) == (3, ["E1", "E2", "E3"])
    assert find_schools(CITY, any_house, q="w1").schools == (("W1", "学校W1"),)
    assert find_schools(officer(city.east), any_house, q="W1").total == 0


@pytest.mark.parametrize(
    "left_on", [dt.date(2023, 9, 1), dt.date(2024, 2, 29), dt.date(2021, 1, 1)]
)
def test_the_first_free_day_is_the_first_that_the_roster_allows(left_on: dt.date) -> None:
    person = RosterPerson("A1", former=(("S", left_on),))
    route = TeamRoute("R1", frozenset({"S"}))

    def binds(day: dt.date) -> bool:
        return RosterRule.FORMER_EMPLOYER in barriers(person, route, RosterRules(day))

    first = free_again_on(left_on)
    assert not binds(first)
    assert binds(first - dt.timedelta(days=1))


def test_duties_tell_last_partners_and_schools_and_nothing_of_a_sealed_round(
    any_house: House, city: SmallCity
) -> None:
    add_round(
        any_house, number="CS-1", day="2026-03-01", teams={"R1": ["A1", "A2"]},
        schools={"R1": ["E1", "W1"]}, lost=["W1"],
    )  # fmt: skip
    add_round(
        any_house, number="CS-2", day="2026-05-01", teams={"R1": ["A1", "E01"], "R2": ["A2"]},
        schools={"R1": ["E2"], "R2": ["E3"]}, absent=["E01"],
    )  # fmt: skip
    for number, status in (
        ("CS-3", DrawStatus.COMMITTED), ("CS-4", DrawStatus.VALUED),
        ("CS-5", DrawStatus.DEPARTED), ("CS-6", DrawStatus.VOID),
    ):  # fmt: skip
        add_round(
            any_house, number=number, day="2026-08-30", teams={"R1": ["A1", "W01"]},
            schools={"R1": ["E3"]}, status=status,
        )  # fmt: skip
    add_round(
        any_house, number="CS-0", day="2025-10-01", teams={"R1": ["A2", "W01"]},
        schools={"R1": ["W1"]},
    )  # fmt: skip
    found = read_duties(LEADER, any_house, code="A1")
    assert found.year == 2026
    assert found.rounds["number"].tolist() == ["CS-2", "CS-1"]
    assert found.rounds["schools"].tolist() == [1, 1]
    assert (found.last_number, found.last_day) == ("CS-2", dt.date(2026, 5, 1))
    assert found.last_partners == (), "who was absent was no partner"
    assert found.last_schools == ("学校E2",)
    assert read_duties(CITY, any_house, code="E01").rounds.empty
    old = read_duties(CITY, any_house, code="W01")
    assert old.rounds.empty
    assert old.last_partners == ("乙（A2）",)
    table = list_inspectors(CITY, any_house, wanted=InspectorFilter()).set_index("code")
    assert table["duties"].to_dict() == {"A1": 2, "A2": 2, "E01": 0, "W01": 0}


def test_a_district_sees_the_duties_of_its_own_rounds_only(
    any_house: House, city: SmallCity
) -> None:
    add_round(
        any_house, number="CS-1", day="2026-03-01", teams={"R1": ["A1", "E01"]},
        schools={"R1": ["W1"]},
    )  # fmt: skip
    east = officer(city.east)
    assert read_duties(east, any_house, code="E01").last_number == ""
    add_round(
        any_house, number="CS-2", day="2026-02-01", teams={"R1": ["E01"]},
        schools={"R1": ["E1"]}, district=city.east,
    )  # fmt: skip
    found = read_duties(east, any_house, code="E01")
    assert (found.last_number, found.last_schools) == ("CS-2", ("学校E1",))
    assert len(read_duties(CITY, any_house, code="E01").rounds) == 2
    with pytest.raises(NotFound):
        read_duties(east, any_house, code="A1")


def test_kinds_are_shown_by_their_label(any_house: House, city: SmallCity) -> None:
    table = list_inspectors(SYSTEM_READER, any_house, wanted=InspectorFilter())
    assert set(table["kind"]) == {InspectorKind.EDUCATION.label}
    with Session(any_house.engine) as session:
        assert {p.source for p in session.scalars(select(Inspector))} == {"人员登记"}
    with pytest.raises(Forbidden):
        list_inspectors(SYSTEM, any_house, wanted=InspectorFilter())


SYSTEM_READER = LEADER

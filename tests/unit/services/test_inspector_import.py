from __future__ import annotations

import io
import zipfile

import pytest
from python_calamine import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Account, AuditEvent, District, Inspector, InspectorTie, School
from domain.access import Actor
from domain.errors import Forbidden, UserError
from domain.words import InspectionLevel, InspectorKind, Role, TieKind
from services.house import House
from services.importers import inspectors as people_files
from services.inspector_changes import add_inspector, set_inspector_active
from services.inspector_files import export_people, export_template
from services.inspector_import import PeopleRefused, check_people_file, import_people
from services.inspector_ties import add_tie, list_ties
from services.inspectors import InspectorFilter, list_inspectors, read_inspector
from tests.city import SmallCity, add_small_city
from tests.unit.services.people import CITY, LEADER, draft, officer, workbook

GOOD = [
    {
        "工号": "A1", "姓名": "甲", "类别": "教育", "层级": "市级", "区县": "东区", "单位": "市教育局",
        "资格": "责任督学证", "可带队": "是", "电话": "138-0000", "关联账号": "one",
        "回避学校": "E1、W1",
    },
    {"工号": 1002, "姓名": "乙", "类别": "卫健"},
]  # fmt: skip


@pytest.fixture
def city(any_house: House) -> SmallCity:
    city = add_small_city(any_house)
    with Session(any_house.engine) as session:
        for login, scope in (("one", {}), ("east", {"district_id": city.east})):
            session.add(
                Account(login=login, name=login, role=Role.INSPECTOR, password_hash="-", **scope)
            )
        session.commit()
    return city


def run(house: House, rows, who: Actor = CITY, name: str = "名册.xlsx"):
    return import_people(who, house, file_name=name, content=workbook(rows))


def stored(house: House) -> list[tuple[object, ...]]:
    """Return everything that an import could write."""
    with Session(house.engine) as session:
        people = session.execute(select(Inspector.__table__).order_by(Inspector.code)).all()
        ties = session.execute(select(InspectorTie.__table__).order_by(InspectorTie.id)).all()
    return [tuple(row) for row in (*people, *ties)]


def faults(house: House, rows, who: Actor = CITY) -> dict[tuple[int | None, str], str]:
    """Return what an import refuses, by row and column; the register must be as before."""
    before = stored(house)
    with pytest.raises(PeopleRefused) as refused:
        run(house, rows, who)
    assert stored(house) == before
    looked = check_people_file(who, house, file_name="名册.xlsx", content=workbook(rows))
    assert looked == refused.value.report, "looking first tells the very same"
    return {(p.row, p.column): p.message for p in looked.problems if p.is_blocking}


def test_a_workbook_is_looked_at_then_imported_and_again_changes_nothing(
    any_house: House, city: SmallCity
) -> None:
    before = stored(any_house)
    looked = check_people_file(CITY, any_house, file_name="名册.xlsx", content=workbook(GOOD))
    assert (looked.read, looked.new, looked.ties, looked.is_refused) == (2, 2, 2, False)
    assert stored(any_house) == before
    report = run(any_house, GOOD)
    assert (report.new, report.changed, report.same, report.ties) == (2, 0, 0, 2)
    facts = read_inspector(CITY, any_house, code="A1")
    assert (facts.name, facts.kind, facts.level, facts.district, facts.unit) == (
        "甲", InspectorKind.EDUCATION, InspectionLevel.CITY, "东区", "市教育局",
    )  # fmt: skip
    assert (facts.can_lead, facts.phone, facts.account_login) == (True, "138-0000", "one")
    assert list_ties(CITY, any_house, code="A1")["school_code"].tolist() == ["E1", "W1"]
    second = read_inspector(CITY, any_house, code="1002")
    assert (second.kind, second.can_lead, second.district) == (InspectorKind.HEALTH, False, "")
    after = stored(any_house)
    again = run(any_house, GOOD)
    assert (again.new, again.changed, again.same, again.ties) == (0, 0, 2, 0)
    assert not again.changes_anything
    assert stored(any_house) == after
    with Session(any_house.engine) as session:
        kinds = session.scalars(select(AuditEvent.kind).order_by(AuditEvent.seq)).all()
    assert [k for k in kinds if "import" in k] == [
        "inspectors.imported", "inspectors.import_unchanged",
    ]  # fmt: skip


def test_a_later_file_updates_by_code_and_empty_cells_erase_nothing(
    any_house: House, city: SmallCity
) -> None:
    run(any_house, GOOD)
    held = read_inspector(CITY, any_house, code="A1")
    report = run(any_house, [{"工号": "A1", "姓名": "甲一", "电话": "", "回避学校": "E2"}])
    assert (report.new, report.changed, report.ties) == (0, 1, 1)
    facts = read_inspector(CITY, any_house, code="A1")
    assert (facts.name, facts.phone, facts.account_login) == ("甲一", "138-0000", "one")
    assert facts.row_version == held.row_version + 1, "an open form must not overwrite it"
    assert list_ties(CITY, any_house, code="A1")["school_code"].tolist() == ["E1", "E2", "W1"]


def test_all_faults_are_told_at_once_by_row_and_column_and_nothing_is_written(
    any_house: House, city: SmallCity
) -> None:
    run(any_house, GOOD)
    told = faults(
        any_house,
        [
            {"工号": "B1", "姓名": "丙", "类别": "警察局", "可带队": "也许", "电话": "拨总机"},
            {"工号": "", "姓名": "丁", "类别": "教育"},
            {"工号": "B2", "姓名": "", "类别": ""},
            {"工号": "B1", "姓名": "戊", "类别": "教育", "区县": "北区", "层级": "省级"},
            {"工号": "B3", "姓名": "己" * 41, "类别": "教育", "回避学校": "E1、X9，X8"},
            {"工号": "B4", "姓名": "庚", "类别": "教育", "层级": "县级", "关联账号": "nobody"},
            {"工号": "B5", "姓名": "辛", "类别": "教育", "关联账号": "one"},
            {"工号": "B6", "姓名": "壬", "类别": "教育", "关联账号": "east"},
            {"工号": "B7", "姓名": "癸", "类别": "教育", "关联账号": "EAST"},
        ],
    )
    assert set(told) == {
        (2, "类别"), (2, "可带队"), (2, "电话"), (3, "工号"), (4, "姓名"), (5, "工号"), (5, "区县"),
        (5, "层级"), (6, "姓名"), (6, "回避学校"), (7, "层级"), (7, "关联账号"), (8, "关联账号"),
        (10, "关联账号"),
    }  # fmt: skip
    assert "是否「" in told[2, "类别"]
    assert "X9、X8" in told[6, "回避学校"]
    assert "第 2 行" in told[5, "工号"]
    assert "县级人员由所属区县" in told[7, "层级"]
    assert "第 9 行" in told[10, "关联账号"]
    with Session(any_house.engine) as session:
        last = session.scalars(select(AuditEvent).order_by(AuditEvent.seq.desc())).first()
    assert last is not None
    assert last.kind == "inspectors.import_refused"
    assert "拨总机" not in str(last.data)


def test_a_district_officer_imports_the_own_people_and_no_others(
    any_house: House, city: SmallCity
) -> None:
    east = officer(city.east)
    run(any_house, GOOD)
    report = run(
        any_house, [{"工号": "E1", "姓名": "东一", "类别": "教育", "回避学校": "E3"}], east
    )
    assert report.new == 1
    facts = read_inspector(LEADER, any_house, code="E1")
    assert (facts.level, facts.district) == (InspectionLevel.COUNTY, "东区")
    told = faults(
        any_house,
        [
            {"工号": "A1", "姓名": "甲", "类别": "教育", "区县": "东区"},
            {"工号": "E2", "姓名": "东二", "类别": "教育", "层级": "市级"},
            {"工号": "E3", "姓名": "东三", "类别": "教育", "区县": "西区"},
            {"工号": "E4", "姓名": "东四", "类别": "教育", "回避学校": "W1"},
            {"工号": "E5", "姓名": "东五", "类别": "教育", "关联账号": "one"},
        ],
        east,
    )
    assert set(told) == {
        (2, "工号"), (3, "层级"), (4, "区县"), (5, "回避学校"), (6, "关联账号"),
    }  # fmt: skip
    assert "甲" not in told[2, "工号"]
    with pytest.raises(PeopleRefused):
        run(any_house, [{"工号": "E1", "姓名": "改", "类别": "教育"}], officer(city.west))
    for who in (officer(None), LEADER):
        with pytest.raises(Forbidden):
            run(any_house, GOOD, who)
        with pytest.raises(Forbidden):
            check_people_file(who, any_house, file_name="a.xlsx", content=workbook(GOOD))
        with pytest.raises(Forbidden):
            export_template(who, any_house)


def test_a_person_off_the_rosters_stays_off_when_imported_again(
    any_house: House, city: SmallCity
) -> None:
    run(any_house, GOOD)
    set_inspector_active(CITY, any_house, code="1002", row_version=1, is_active=False)
    run(any_house, [{"工号": "1002", "姓名": "乙二", "类别": "卫生健康"}])
    facts = read_inspector(CITY, any_house, code="1002")
    assert (facts.name, facts.is_active) == ("乙二", False)


def test_a_csv_of_an_older_office_reads_as_well(any_house: House, city: SmallCity) -> None:
    content = "工号,姓名,类别\n0012,王五,教育\n".encode("gb18030")
    report = import_people(CITY, any_house, file_name="名册.csv", content=content)
    assert report.new == 1
    assert report.notes
    assert read_inspector(CITY, any_house, code="0012").name == "王五"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("名册.pdf", b"%PDF-1.4", "不是人员名册能用的格式"),
        ("名册", b"x", "不是人员名册能用的格式"),
        ("名册.xlsx", b"not a zip", "内容不是表格文件"),
        ("名册.csv", "姓名,类别\n甲,教育\n".encode(), "没有「工号」列"),
        ("名册.csv", "工号,姓名\n".encode(), "没有数据行"),
        ("名册.csv", b"", "是空的"),
        ("../../名册.csv", "学号,姓名\n1,甲\n".encode(), "没有「工号」列"),
        ("大.csv", b"x" * ((people_files.MAX_FILE_MB << 20) + 1), "超过 5 MB"),
        (
            "长.csv",
            "工号,姓名,类别\n".encode() + "A,甲,教育\n".encode() * (people_files.MAX_ROWS + 1),
            "超过上限 5,000 行",
        ),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_says_so(
    any_house: House, city: SmallCity, name: str, content: bytes, said: str
) -> None:
    for verb in (check_people_file, import_people):
        with pytest.raises(UserError) as refused:
            verb(CITY, any_house, file_name=name, content=content)
        assert said in refused.value.message
        assert refused.value.next_step
        assert "--" not in str(refused.value), "a clerk at a page has no command line"
    assert stored(any_house) == []


def test_a_workbook_that_would_fill_the_memory_is_refused_before_it_is_read(
    any_house: House, city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = [{"工号": "A1", "姓名": "甲", "类别": "教育"}]
    content = workbook(far)
    stray = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stray, "w") as new:
        for entry in old.namelist():
            data = old.read(entry)
            if entry == "xl/worksheets/sheet1.xml":
                cell = b'<row r="900000"><c r="ZZ900000"><v>1</v></c></row></sheetData>'
                data = data.replace(b"</sheetData>", cell)
            new.writestr(entry, data)
    with pytest.raises(UserError, match="使用区域过大"):
        check_people_file(CITY, any_house, file_name="名册.xlsx", content=stray.getvalue())
    monkeypatch.setattr(people_files, "MAX_UNPACKED_MB", 0)
    with pytest.raises(UserError, match="不像人员名册"):
        check_people_file(CITY, any_house, file_name="名册.xlsx", content=content)


def test_several_sheets_without_a_telling_name_are_asked_about(
    any_house: House, city: SmallCity
) -> None:
    content = workbook(GOOD)
    book = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(book, "w") as new:
        for entry in old.namelist():
            data = old.read(entry)
            if entry == "xl/workbook.xml":
                data = data.replace("督查人员".encode(), "表一".encode())
            new.writestr(entry, data)
    with pytest.raises(UserError) as refused:
        check_people_file(CITY, any_house, file_name="名册.xlsx", content=book.getvalue())
    assert "督查人员" in refused.value.next_step


def rows_of(content: bytes, sheet: int = 0) -> list[list[object]]:
    book = load_workbook(io.BytesIO(content))
    return book.get_sheet_by_index(sheet).to_python(skip_empty_area=False)


def test_the_exported_list_can_be_imported_again_without_a_change(
    any_house: House, city: SmallCity
) -> None:
    east = officer(city.east)
    run(any_house, GOOD)
    run(any_house, [{"工号": "E1", "姓名": "东一", "类别": "消防", "回避学校": "E3"}], east)
    add_tie(CITY, any_house, code="E1", school_code="W1", kind=TieKind.DECLARED)
    before = stored(any_house)
    for who, level in ((CITY, "city"), (east, "county")):
        content = export_people(who, any_house, wanted=InspectorFilter(level=(level,)))
        report = import_people(who, any_house, file_name="督查人员.xlsx", content=content)
        assert report.same == report.read > 0
        assert not report.changes_anything
    assert stored(any_house) == before


def test_the_list_leaves_without_phones_for_those_who_keep_no_register(
    any_house: House, city: SmallCity
) -> None:
    run(any_house, GOOD)
    everything = InspectorFilter()
    assert "138-0000" in str(rows_of(export_people(CITY, any_house, wanted=everything)))
    seen = str(rows_of(export_people(LEADER, any_house, wanted=everything)))
    assert "甲" in seen
    assert "138-0000" not in seen
    assert "电话" not in seen
    auditor = Actor(account_id=None, login="s", name="", role=Role.AUDITOR)
    with pytest.raises(Forbidden):
        export_people(auditor, any_house, wanted=everything)


def test_the_template_names_every_column_explains_it_and_is_empty(
    any_house: House, city: SmallCity
) -> None:
    content = export_template(officer(city.east), any_house)
    header, *rest = rows_of(content)
    labels = [field.label for field in people_files.INSPECTORS.fields]
    assert header == labels
    assert rest == []
    explained = rows_of(content, 1)
    assert [row[0] for row in explained[1 : len(labels) + 1]] == labels
    with pytest.raises(UserError, match="没有数据行"):
        check_people_file(CITY, any_house, file_name="督查人员.xlsx", content=content)


def test_every_limit_of_a_column_is_the_tables_own() -> None:
    for name, limit in (
        ("code", people_files.CODE_LIMIT),
        ("name", people_files.NAME_LIMIT),
        ("unit", people_files.UNIT_LIMIT),
        ("qualifications", people_files.QUALIFICATIONS_LIMIT),
        ("phone", people_files.PHONE_LIMIT),
    ):
        assert Inspector.__table__.c[name].type.length == limit  # type: ignore[attr-defined]


def test_five_thousand_rows_are_checked_in_a_few_queries(any_house: House, city: SmallCity) -> None:
    from sqlalchemy import event

    rows = [
        {"工号": f"P{at:05d}", "姓名": "甲", "类别": "教育", "回避学校": "E1、E2"}
        for at in range(2_000)
    ]
    content = workbook(rows)
    count = 0

    def note(*_args: object) -> None:
        nonlocal count
        count += 1

    event.listen(any_house.engine, "before_cursor_execute", note)
    import_people(CITY, any_house, file_name="名册.xlsx", content=content)
    event.remove(any_house.engine, "before_cursor_execute", note)
    assert count < 40
    table = list_inspectors(CITY, any_house, wanted=InspectorFilter())
    assert len(table) == 2_000
    assert set(table["ties"]) == {2}


def test_a_person_added_by_hand_is_the_same_person_in_a_file(
    any_house: House, city: SmallCity
) -> None:
    add_inspector(CITY, any_house, draft=draft("A1", "甲"))
    report = run(any_house, [{"工号": "A1", "姓名": "甲", "类别": "教育"}])
    assert (report.new, report.changed, report.same) == (0, 0, 1)


def test_a_city_without_districts_or_schools_still_registers_its_people(any_house: House) -> None:
    report = run(any_house, [{"工号": "A1", "姓名": "甲", "类别": "教育"}])
    assert report.new == 1
    with Session(any_house.engine) as session:
        assert session.scalars(select(District)).all() == []
        assert session.scalars(select(School)).all() == []

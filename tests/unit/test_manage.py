"""The command line: wrong words are told in one Chinese line, a stale risk is made good."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from sqlalchemy import func, select

import manage
from db.models import City, School, SchoolRisk
from domain.access import SYSTEM
from domain.words import Role
from services.city import name_city
from services.house import House
from services.risk import risk_is_stale

SCHOOLS = "学校标识码,学校名称,经度,纬度\nA1,东小学,120.05,32.05\nA2,西小学,120.06,32.05\n"
Run = Callable[..., int]


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line on this test's house; return the exit code."""
    monkeypatch.setattr(manage, "_house", lambda: house)

    def run_words(*words: str) -> int:
        monkeypatch.setattr("sys.argv", ["manage.py", *words])
        try:
            manage.run()
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    return run_words


@pytest.fixture
def schools_file(tmp_path: Path) -> Path:
    path = tmp_path / "schools.csv"
    path.write_text(SCHOOLS, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("user add x --role boss", ["选项 --role 的值不对", "admin（管理员）"]),
        ("import schools x.csv --datum mars", ["选项 --datum 的值不对", "gcj02（"]),
        ("demo --schools many", ["选项 --schools 的值不对", "整数，不小于 8"]),
        ("demo --schools 3", ["选项 --schools 的值不对", "整数，不小于 8"]),
        ("demo --schoolz 30", ["没有选项 --schoolz，是否 --schools", "--as-of"]),
        ("demo --seed", ["选项 --seed 后面缺少值"]),
        ("demo --if-empty=1", ["选项 --if-empty 不带值"]),
        ("demo thirty", ["多出了不认识的内容「thirty」"]),
        ("import schools", ["缺少参数 FILE（文件路径）"]),
        ("export proximity", ["缺少选项 --out。"]),
        ("improt schools x.csv", ["可用值：init、demo、import、"]),
        ("user ad", ["可用值：add、list、disable"]),
        ("--verbose", ["没有选项 --verbose"]),
    ],
)
def test_wrong_words_are_told_in_one_chinese_line(
    run: Run, capsys: pytest.CaptureFixture[str], words: str, told: list[str]
) -> None:
    assert run(*words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    [line] = err.splitlines()
    assert line.startswith("用法不对：")
    assert [part for part in told if part not in line] == []


def test_every_role_is_offered_where_a_role_is_wrong(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run("user", "add", "x", "--role", "boss")
    line = capsys.readouterr().err
    assert [role for role in Role if f"{role.value}（{role.label}）" not in line] == []


def test_help_is_help(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import", "--help") == 0
    out, err = capsys.readouterr()
    assert "--no-recompute" in out
    assert err == ""
    assert run("user") == 2
    assert "disable" in capsys.readouterr().out


@pytest.mark.parametrize("stop", [KeyboardInterrupt, typer.Abort])
def test_ctrl_c_is_told_and_has_the_exit_code_of_the_shells(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stop: type[BaseException],
) -> None:
    def interrupted(*_args: object, **_how: object) -> int:
        raise stop

    monkeypatch.setattr("services.risk.recompute_risk", interrupted)
    assert run("recompute") == 130
    assert "已中止" in capsys.readouterr().err


def test_a_failed_measurement_still_ends_with_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed = {"figures": {}, "limits": {}, "ok": False}
    monkeypatch.setattr("services.bench.geo.run_bench", lambda _progress: missed)
    assert run("bench", "geo", "--json") == 1


def test_sizes_that_are_no_numbers_are_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "map", "--sizes", "3000,viele") == 2
    assert "--sizes 3000,viele 的写法不对" in capsys.readouterr().err


def test_a_zone_alone_needs_a_named_city_and_then_changes_only_the_zone(
    run: Run, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("init", "--epsg", "4549") == 2
    assert "--city 某某市 --epsg 4549" in capsys.readouterr().err
    assert run("init", "--city", "海州市") == 0
    assert run("init", "--epsg", "4549") == 0
    with house.read() as session:
        assert session.execute(select(City.name, City.epsg)).one() == ("海州市", 4549)
    base = house.versions()["base"]
    name_city(SYSTEM, house, name="海州市", epsg=4549)
    assert house.versions()["base"] == base  # nothing new, nothing turns stale


def computed(house: House) -> int:
    with house.read() as session:
        return int(session.execute(select(func.count()).select_from(SchoolRisk)).scalar_one())


def test_a_recompute_left_out_is_made_good_by_the_next_import_even_of_the_same_file(
    run: Run, house: House, schools_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("import", "schools", str(schools_file), "--no-recompute") == 0
    assert "请运行 python manage.py recompute" in capsys.readouterr().out
    assert risk_is_stale(house)
    assert computed(house) == 0
    assert run("import", "schools", str(schools_file)) == 0
    assert "此前的改动还没有计入风险" in capsys.readouterr().out
    assert not risk_is_stale(house)
    assert computed(house) == 2


def test_an_import_that_changes_nothing_recomputes_nothing(
    run: Run, house: House, schools_file: Path
) -> None:
    assert run("import", "schools", str(schools_file)) == 0
    before = house.versions()["risk"]
    assert run("import", "schools", str(schools_file)) == 0
    assert house.versions()["risk"] == before


def test_the_date_given_to_an_import_is_the_date_of_its_rows(
    run: Run, house: House, schools_file: Path
) -> None:
    assert run("import", "schools", str(schools_file), "--as-of", "2026-09-01") == 0
    with house.read() as session:
        dates = session.execute(select(School.as_of)).scalars().all()
    assert [day.isoformat() for day in dates] == ["2026-09-01", "2026-09-01"]
    assert run("import", "schools", str(schools_file), "--as-of", "gestern") == 2

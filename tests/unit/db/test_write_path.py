from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from db.audit import FIRST_PREV, canonical_json, chain_hash, verify_chain
from db.models import AuditEvent, District
from db.versions import AREAS
from domain.access import SYSTEM, Actor
from domain.errors import Forbidden
from domain.words import DistrictLevel, Role
from services.audit_log import list_events, verify_audit
from services.house import House

AUDITOR = Actor(account_id=1, login="aud", name="", role=Role.AUDITOR)
HASH_BY_SHA256SUM = "23b37e1d9136d5b9045843c90b130d1ba14ee3be9527d61febcee750092474d3"


def write_events(house: House, count: int) -> None:
    for n in range(count):
        with house.write(SYSTEM) as work:
            work.audit("test.event", f"第{n}条", {"n": n, "文字": "含“引号”与\n换行", "rate": 0.1})


def districts(house: House) -> list[str]:
    with house.read() as session:
        return list(session.execute(select(District.code)).scalars())


def test_a_write_that_names_no_audit_event_is_refused_and_undone(any_house: House) -> None:
    with pytest.raises(RuntimeError, match="without an audit event"), any_house.write(SYSTEM) as w:
        w.session.add(District(code="D", name="D", level=DistrictLevel.COUNTY))
    assert districts(any_house) == []


def test_a_write_that_fails_half_way_leaves_neither_rows_nor_events_nor_versions(
    any_house: House,
) -> None:
    before = any_house.versions()

    def fail_half_way() -> None:
        with any_house.write(SYSTEM) as work:
            work.session.add(District(code="D", name="D", level=DistrictLevel.COUNTY))
            work.session.flush()
            work.bump("base")
            work.audit("test.event")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail_half_way()
    assert districts(any_house) == []
    assert any_house.versions() == before
    assert list_events(AUDITOR, any_house).empty


def test_a_write_commits_rows_event_and_version_together(any_house: House) -> None:
    with any_house.write(SYSTEM) as work:
        work.session.add(District(code="D", name="东区", level=DistrictLevel.COUNTY))
        work.bump("base", "base")
        work.audit("district.added", "D", {"name": "东区"})
    assert districts(any_house) == ["D"]
    assert any_house.versions() == {**dict.fromkeys(AREAS, 0), "base": 1}
    event = list_events(AUDITOR, any_house).iloc[0]
    assert (event.actor, event.kind, event.subject) == ("system", "district.added", "D")


def test_an_unknown_data_area_is_refused(house: House) -> None:
    def write() -> None:
        with house.write(SYSTEM) as work:
            work.bump("weather")
            work.audit("test.event")

    with pytest.raises(ValueError, match="weather"):
        write()


def test_what_a_reading_session_writes_is_rolled_back(any_house: House) -> None:
    with any_house.read() as session:
        session.add(District(code="D", name="D", level=DistrictLevel.COUNTY))
        session.flush()
    assert districts(any_house) == []


def test_the_chain_starts_from_zeros_and_each_event_names_the_one_before(any_house: House) -> None:
    write_events(any_house, 3)
    with any_house.read() as session:
        rows = session.execute(select(AuditEvent).order_by(AuditEvent.seq)).scalars().all()
    assert [row.seq for row in rows] == [1, 2, 3]
    assert rows[0].prev == FIRST_PREV
    assert [row.prev for row in rows[1:]] == [row.hash for row in rows[:-1]]
    report = verify_audit(AUDITOR, any_house)
    assert (report.events, report.broken_at, report.head) == (3, None, rows[-1].hash)


def test_the_hash_is_that_of_the_written_rule() -> None:
    rest = {"b": 1, "a": "中", "c": [0.1, None, True]}
    assert canonical_json(rest) == '{"a":"中","b":1,"c":[0.1,null,true]}'
    # Worked out by sha256sum over the bytes "000…0\n{"a":"中","b":1}".
    assert chain_hash(FIRST_PREV, {"b": 1, "a": "中"}) == HASH_BY_SHA256SUM


@pytest.mark.parametrize(
    ("damage", "seq", "reason"),
    [
        ("UPDATE audit_event SET subject='改过' WHERE seq=2", 2, "内容"),
        ("UPDATE audit_event SET actor='别人' WHERE seq=1", 1, "内容"),
        ("UPDATE audit_event SET hash='{}' WHERE seq=2".format("f" * 64), 2, "内容"),
        ("UPDATE audit_event SET prev='{}' WHERE seq=3".format("f" * 64), 3, "链接"),
        ("DELETE FROM audit_event WHERE seq=2", 2, "不连续"),
        ("DELETE FROM audit_event WHERE seq=1", 1, "不连续"),
    ],
)
def test_the_first_bad_event_of_a_damaged_chain_is_named(
    any_house: House, damage: str, seq: int, reason: str
) -> None:
    write_events(any_house, 4)
    with any_house.engine.connect().execution_options(csm_write=True) as connection:
        connection.execute(text(damage))
        connection.commit()
        report = verify_chain(connection)
    assert report.broken_at == seq
    assert reason in report.reason


def test_concurrent_writers_keep_one_unbroken_chain(any_house: House) -> None:
    def write(worker: int) -> None:
        for n in range(5):
            with any_house.write(SYSTEM) as work:
                work.bump("schools")
                work.audit("test.race", f"{worker}-{n}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    report = verify_audit(AUDITOR, any_house)
    assert (report.events, report.broken_at) == (30, None)
    assert any_house.versions()["schools"] == 30
    assert set(list_events(AUDITOR, any_house)["subject"]) == {
        f"{worker}-{n}" for worker in range(6) for n in range(5)
    }


def test_only_auditors_and_administrators_read_the_log(house: House) -> None:
    for role in set(Role) - {Role.AUDITOR, Role.ADMIN}:
        actor = Actor(account_id=1, login="x", name="", role=role)
        with pytest.raises(Forbidden):
            list_events(actor, house)
        with pytest.raises(Forbidden):
            verify_audit(actor, house)


def test_events_are_listed_newest_first_and_no_more_than_asked(any_house: House) -> None:
    write_events(any_house, 5)
    assert list(list_events(AUDITOR, any_house, limit=2)["seq"]) == [5, 4]

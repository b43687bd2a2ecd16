import pytest
from sqlalchemy import func, select, update

from db.audit import verify_chain
from db.models import (
    Account,
    AuditEvent,
    City,
    District,
    Hazard,
    PatrolPost,
    School,
    SchoolRisk,
)
from domain.access import SYSTEM, Actor
from domain.errors import Forbidden, UserError
from domain.words import Role, SchoolStatus
from services.demo.build import build_demo_city, has_data
from services.demo.writer import DEMO_TABLES
from services.house import House
from tests.unit.services.demo.conftest import AS_OF

SIZE = 60


def build(house: House, *, schools: int = SIZE, seed: int = 7, actor: Actor = SYSTEM) -> str:
    return build_demo_city(
        actor, house, schools=schools, seed=seed, as_of=AS_OF, progress=lambda *_: None
    )


def count(house: House, model: type) -> int:
    with house.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_an_empty_database_becomes_a_demo_city_with_risks_and_accounts(any_house: House) -> None:
    assert not has_data(any_house)

    summary = build(any_house)

    assert has_data(any_house)
    assert f"学校和幼儿园 {SIZE} 所" in summary
    assert any_house.today() == AS_OF
    with any_house.read() as session:
        city = session.scalars(select(City)).one()
        active = session.scalar(
            select(func.count()).where(School.status == SchoolStatus.ACTIVE.value)
        )
        event = session.scalars(select(AuditEvent).where(AuditEvent.kind == "demo.build")).one()
        assert city.is_demo
        assert verify_chain(session.connection()).broken_at is None
    assert event.data["rows"]["school"] == SIZE
    assert not event.data["replaced"]
    assert count(any_house, SchoolRisk) == active
    assert count(any_house, Account) > 0


def test_rows_can_be_added_after_the_demo_city(any_house: House) -> None:
    build(any_house)

    with any_house.write(SYSTEM) as work:
        work.session.add(School(code="NEW1", name="新学校", lon=118.2, lat=33.4))
        work.audit("test.add", "NEW1")

    assert count(any_house, School) == SIZE + 1


def test_a_demo_city_is_replaced_whole(any_house: House) -> None:
    build(any_house)
    before = any_house.versions()

    build(any_house, schools=70, seed=8)

    assert count(any_house, School) == 70
    assert count(any_house, City) == 1
    assert all(any_house.versions()[area] > before[area] for area in before)
    with any_house.read() as session:
        events = session.scalars(
            select(AuditEvent).where(AuditEvent.kind == "demo.build").order_by(AuditEvent.seq)
        ).all()
    assert [event.data["replaced"] for event in events] == [False, True]


def test_the_same_call_twice_leaves_the_same_rows(house: House) -> None:
    def snapshot() -> list[object]:
        with house.read() as session:
            return [
                session.execute(select(model.__table__).order_by(model.__table__.c.id)).all()
                for model in (District, School, PatrolPost, Hazard)
            ]

    build(house)
    first = snapshot()
    build(house)

    assert snapshot() == first


def test_real_data_are_never_replaced(house: House) -> None:
    with house.write(SYSTEM) as work:
        work.session.add(
            School(code="3701000001", name="真实学校", lon=117.0, lat=36.6, source="某市教育局")
        )
        work.audit("test.add", "3701000001")

    with pytest.raises(UserError, match="非演示数据（学校）"):
        build(house)

    assert count(house, School) == 1
    assert count(house, City) == 0


def test_one_real_row_in_a_demo_city_protects_it(house: House) -> None:
    build(house)
    with house.write(SYSTEM) as work:
        work.session.execute(update(School).where(School.id == 5).values(source="区县补录"))
        work.audit("test.edit", "5")

    with pytest.raises(UserError, match="非演示数据"):
        build(house, seed=9)

    assert count(house, School) == SIZE


def test_a_real_city_row_alone_is_enough_to_refuse(house: House) -> None:
    with house.write(SYSTEM) as work:
        work.session.add(City(name="某市", is_demo=False))
        work.audit("test.add", "某市")

    assert has_data(house)
    with pytest.raises(UserError, match="某市"):
        build(house)


def test_real_accounts_keep_their_district_when_the_demo_city_is_rebuilt(house: House) -> None:
    build(house)
    with house.write(SYSTEM) as work:
        district = work.session.scalars(select(District).where(District.code == "DEMO-03")).one()
        work.session.add(
            Account(
                login="zhang",
                name="区县专干",
                role=Role.DISTRICT,
                password_hash="x",
                district_id=district.id,
            )
        )
        work.audit("test.add", "zhang")

    build(house, schools=70, seed=8)

    with house.read() as session:
        account = session.scalars(select(Account).where(Account.login == "zhang")).one()
        district = session.get_one(District, account.district_id)
    assert district.code == "DEMO-03"


def test_only_an_administrator_may_build_it(house: House) -> None:
    leader = Actor(account_id=1, login="leader", name="局领导", role=Role.LEADER)

    with pytest.raises(Forbidden):
        build(house, actor=leader)


@pytest.mark.parametrize(("schools", "seed"), [(7, 1), (1_000_000, 1), (60, -1)])
def test_an_impossible_size_or_seed_is_refused_in_words(
    house: House, schools: int, seed: int
) -> None:
    with pytest.raises(UserError) as caught:
        build(house, schools=schools, seed=seed)

    assert caught.value.next_step
    assert not has_data(house)


def test_progress_ends_at_its_total_for_every_table(house: House) -> None:
    seen: dict[str, list[tuple[int, int]]] = {}
    build_demo_city(
        SYSTEM,
        house,
        schools=SIZE,
        seed=7,
        as_of=AS_OF,
        progress=lambda done, total, what: seen.setdefault(what, []).append((done, total)),
    )

    written = [steps[-1] for what, steps in seen.items() if what.startswith("写入")]
    assert len(written) == len(DEMO_TABLES)
    assert all(done == total for done, total in written)

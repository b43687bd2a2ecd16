"""Build the demo city in a database that is empty or holds an older demo city."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, select

from db.models import City
from db.versions import AREAS
from domain.access import Actor, Permission, require
from domain.errors import UserError
from services.demo import names
from services.demo.tables import generate_tables
from services.demo.writer import (
    Progress,
    clear_tables,
    holds_rows,
    lift_scopes,
    move_sequences,
    restore_scopes,
    row_count,
    write_table,
)
from services.house import House

SCHOOLS_MIN = 8
SCHOOLS_MAX = 999_999
"""Six digits of the demo school code."""

_LOADED = (
    "district",
    "school",
    "water_body",
    "traffic_facility",
    "patrol_post",
    "road_segment",
    "inspection",
    "hazard",
)
_WHAT = {
    "city": "城市",
    "district": "区划",
    "road_segment": "道路",
    "water_body": "水域",
    "patrol_post": "勤务点位",
    "school": "学校",
    "gate": "校门",
    "defence_state": "三防",
    "traffic_facility": "交通设施",
    "post_session": "勤务时段",
    "inspection": "督查",
    "hazard": "隐患",
    "complaint": "投诉",
    "drill_record": "演练",
    "self_check": "自查",
}


def has_data(house: House) -> bool:
    """Tell whether the database holds anything a map could show, demo or real."""
    with house.read() as session:
        return _has_any(session.connection())


def build_demo_city(
    actor: Actor, house: House, *, schools: int, seed: int, as_of: dt.date, progress: Progress
) -> str:
    """Generate the demo city, store it in one transaction, and compute its risks.

    Replaces an older demo city whole. ``as_of`` is the day the city stands still at.
    Returns one Chinese paragraph with counts. Raises ``UserError`` where the database
    holds other data than a demo city, or for an impossible size.
    """
    # The other use cases read this one's tables; imported late, they may import it too.
    from services.accounts import ensure_demo_accounts
    from services.demo.rounds import plant_round
    from services.demo.sampling import clear_sampling, plant_sampling
    from services.risk import recompute_risk
    from services.rules import ensure_default_rules

    require(actor, Permission.IMPORT_DATA)
    if not SCHOOLS_MIN <= schools <= SCHOOLS_MAX:
        raise UserError(
            f"演示学校数量 {schools} 超出范围。",
            f"请取 {SCHOOLS_MIN} 至 {SCHOOLS_MAX} 之间的整数。",
        )
    if seed < 0:
        raise UserError(f"随机种子 {seed} 不能为负数。", "请取 0 或任意正整数。")
    with house.read() as session:
        _refuse_real_data(session.connection())
    ensure_default_rules(house)
    counts: dict[str, int] = {}
    with house.write(actor) as work:
        # Asked again under the write lock: an import may have come in between.
        _refuse_real_data(work.connection)
        replaced = _has_any(work.connection)
        clear_sampling(work)
        scopes = lift_scopes(work.connection)
        clear_tables(work.connection)
        progress(0, schools, "生成学校")
        for name, columns in generate_tables(schools, seed, as_of):
            if not counts:
                progress(schools, schools, "生成学校")
            rows, done = row_count(columns), 0

            def tick(more: int, what: str = _WHAT[name], rows: int = rows) -> None:
                nonlocal done
                done += more
                progress(done, rows, f"写入{what}")

            counts[name] = counts.get(name, 0) + write_table(
                work.connection, name, columns, as_of, tick
            )
        move_sequences(work.connection)
        restore_scopes(work.connection, scopes)
        work.bump(*AREAS)
        work.audit(
            "demo.build",
            names.CITY_NAME,
            {
                "schools": schools,
                "seed": seed,
                "as_of": as_of.isoformat(),
                "replaced": replaced,
                "rows": counts,
            },
        )
    recompute_risk(actor, house, progress=progress)
    ensure_demo_accounts(house)
    counts |= plant_sampling(house, seed=seed, as_of=as_of)
    counts["round"] = plant_round(house, seed=seed, as_of=as_of)
    if counts["round"]:
        # The round's visits came after the risk that its plan was weighed by.
        recompute_risk(actor, house, progress=progress)
    return _summary(counts, as_of)


def _has_any(connection: Connection) -> bool:
    return any(holds_rows(connection, name) for name in ("city", *_LOADED))


def _refuse_real_data(connection: Connection) -> None:
    real_city = connection.execute(select(City.name).where(~City.is_demo)).first()
    other_rows = [name for name in _LOADED if holds_rows(connection, name, other_than_demo=True)]
    if real_city is None and not other_rows:
        return
    found = (
        "、".join(_WHAT[name] for name in other_rows)
        or f"城市“{real_city[0] if real_city else ''}”"
    )
    raise UserError(
        f"数据库中已有非演示数据（{found}），不能生成演示城市。",
        "请另设 DATABASE_URL 或 CSM_VAR_DIR 指向空库后再生成；现有数据未作任何改动。",
    )


def _summary(counts: dict[str, int], as_of: dt.date) -> str:
    return (
        f"演示城市“{names.CITY_NAME}”已生成（虚构，基准日 {as_of.isoformat()}）："
        f"{len(names.URBAN_DISTRICTS) + len(names.COUNTIES)} 个区县、"
        f"{counts['district'] - len(names.URBAN_DISTRICTS) - len(names.COUNTIES)} 个乡镇街道，"
        f"学校和幼儿园 {counts['school']} 所、校门 {counts['gate']} 个，"
        f"道路 {counts['road_segment']} 段，水域 {counts['water_body']} 处，"
        f"交通设施 {counts['traffic_facility']} 处，勤务点位 {counts['patrol_post']} 个、"
        f"勤务时段 {counts['post_session']} 个，督查 {counts['inspection']} 次，"
        f"隐患 {counts['hazard']} 条，投诉 {counts['complaint']} 条，演练 {counts['drill_record']} 次，"
        f"自查 {counts['self_check']} 份，督查人员 {counts['inspector']} 名，"
        f"抽查计划 {counts['sampling_plan'] + counts['round']} 个、"
        f"已公示的封存抽取 {counts['round']} 次。全部数据标注“演示数据”。"
    )

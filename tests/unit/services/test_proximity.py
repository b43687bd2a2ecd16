"""The distance table and its export."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import AuditEvent, Gate, PatrolPost, School, TrafficFacility, WaterBody
from domain.access import SYSTEM, Actor
from domain.errors import Forbidden
from domain.words import FacilityState, Role
from geo.crs import project, project_geometries
from services.house import House
from services.proximity import EXPORT_COLUMNS, export_proximity_csv, list_proximity
from services.risk import recompute_risk
from services.rules import ensure_default_rules
from tests.unit.services.risk_town import EPSG, SOUTH, WEST, add_town


def test_distances_equal_brute_force_over_all_rows(any_house: House) -> None:
    add_town(any_house)
    recompute_risk(SYSTEM, any_house)
    table = list_proximity(SYSTEM, any_house).set_index("school_code")
    assert len(table) == 24
    with Session(any_house.engine) as session:
        schools = session.execute(select(School).order_by(School.code)).scalars().all()
        gates = session.execute(select(Gate)).scalars().all()
        waters = [w.geometry for w in session.execute(select(WaterBody)).scalars()]
        facilities = session.execute(select(TrafficFacility)).scalars().all()
        posts = session.execute(select(PatrolPost)).scalars().all()

    def ground(things: list) -> np.ndarray:
        return shapely.points(
            np.column_stack(project([t.lon for t in things], [t.lat for t in things], EPSG))
        )

    gone = (FacilityState.MISSING, FacilityState.NOT_APPLICABLE)
    standing = [f for f in facilities if f.state not in gone]
    layers = {
        "nearest_water_m": project_geometries(np.array(waters, dtype=object), EPSG),
        "nearest_signal_m": ground([f for f in standing if f.kind.value == "signal"]),
        "nearest_crossing_m": ground([f for f in standing if f.kind.value == "crossing"]),
        "nearest_police_m": ground([p for p in posts if p.kind.value == "police_station"]),
    }
    for school in schools:
        own = [g for g in gates if g.school_id == school.id]
        if school.campus is not None:
            origin = project_geometries(np.array([school.campus], dtype=object), EPSG)[0]
        else:
            origin = shapely.union_all(ground(own or [school]))
        for column, layer in layers.items():
            truth = shapely.distance(origin, layer).min()
            assert table.loc[school.code, column] == pytest.approx(truth, abs=1e-6)
        near = (shapely.distance(origin, ground(standing)) <= 200.0).sum()
        assert table.loc[school.code, "facilities_within_200m"] == near


def test_the_export_has_the_promised_columns_and_leaves_unknown_empty(
    house: House, tmp_path: Path
) -> None:
    ensure_default_rules(house)
    with Session(house.engine) as session:
        session.add(School(code="A1", name="=1+1", lon=WEST, lat=SOUTH))
        session.commit()
    out = tmp_path / "out" / "near.csv"
    assert export_proximity_csv(SYSTEM, house, out=out) == 1
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == EXPORT_COLUMNS
    assert rows[0]["name"] == "'=1+1"
    assert all(rows[0][column] == "" for column in EXPORT_COLUMNS[4:])
    with house.engine.connect() as connection:
        kinds = connection.execute(select(AuditEvent.kind)).scalars().all()
    assert "proximity.exported" in kinds


def test_the_export_carries_the_stored_risk(house: House, tmp_path: Path) -> None:
    add_town(house)
    recompute_risk(SYSTEM, house)
    out = tmp_path / "near.csv"
    assert export_proximity_csv(SYSTEM, house, out=out) == 24
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["school_code"]: row for row in csv.DictReader(file)}
    assert rows["S023"]["score"] == ""  # closed: measured, not scored
    assert rows["S023"]["nearest_water_m"] != ""
    assert rows["S001"]["level"] in {"major", "larger", "general", "low", "unknown"}
    assert len(rows["S001"]["nearest_water_m"].partition(".")[2]) == 2


def test_nobody_sees_schools_outside_the_scope(house: House) -> None:
    add_town(house)
    district = Actor(account_id=2, login="d", name="区", role=Role.DISTRICT, district_id=99)
    assert len(list_proximity(district, house)) == 0
    auditor = Actor(account_id=3, login="a", name="审计", role=Role.AUDITOR)
    with pytest.raises(Forbidden):
        list_proximity(auditor, house)

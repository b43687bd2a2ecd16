from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.middleware import Middleware

import routes.guard
import routes.layers
from db.models import Gate, TrafficFacility, WaterBody
from domain.words import FacilityKind, FacilityState, Role, WaterGrade, WaterKind
from routes.errors import ERROR_ANSWERS
from routes.guard import Gate as Door
from routes.guard import content_policy
from routes.layers import LAYER_ROUTES
from services.house import House
from services.rules import ensure_default_rules
from tests.asgi import Answer, ask
from tests.city import SmallCity, add_small_city

EVERY_LAYER = (
    "/layers/style.js",
    "/layers/schools.bin",
    "/layers/schools.names",
    "/layers/schools.mask?level=major",
    "/layers/base.bin",
    "/layers/waters.bin",
    "/layers/facilities.bin",
    "/layers/posts.bin?on=2026-08-31&session=arrival",
    "/layers/near.json?box=117,32,119,34",
)


@pytest.fixture
def city(house: House) -> SmallCity:
    made = add_small_city(house, is_demo=False)
    ensure_default_rules(house)
    pond = shapely.Point(118.001, 33.0).buffer(0.0005)
    with Session(house.engine) as session:
        gate = Gate(school_id=made.schools["E1"], name="南门", lon=118.0001, lat=33.0)
        session.add(gate)
        session.flush()
        for kind in (FacilityKind.SCHOOL_SIGN, FacilityKind.CROSSING):
            session.add(
                TrafficFacility(
                    code=f"F-{kind}",
                    kind=kind,
                    state=FacilityState.MISSING,
                    gate_id=gate.id,
                    district_id=made.east,
                    lon=118.5,
                    lat=33.5,
                )
            )
        for code, district in (("WE", made.east), ("WW", made.west)):
            session.add(
                WaterBody(
                    code=code,
                    name=f"</script><b>{code}</b>",
                    kind=WaterKind.POND,
                    district_id=district,
                    geometry=pond,
                    grade=WaterGrade.MAJOR,
                    rings=0,
                )
            )
        session.commit()
    return made


@pytest.fixture
def app(house: House, city: SmallCity, monkeypatch: pytest.MonkeyPatch) -> Any:
    for module in (routes.guard, routes.layers):
        monkeypatch.setattr(module, "current_house", lambda: house)
    return Starlette(
        routes=LAYER_ROUTES,
        middleware=[Middleware(Door, content_policy=content_policy(""))],
        exception_handlers=ERROR_ANSWERS,
    )


def unpack(answer: Answer) -> dict[str, Any]:
    body = (
        gzip.decompress(answer.body) if answer.header("content-encoding") == "gzip" else answer.body
    )
    assert body[:4] == b"CSM1"
    length = int.from_bytes(body[4:8], "little")
    return dict(json.loads(body[8 : 8 + length]), raw=body[8 + length :])


def column(packed: dict[str, Any], name: str) -> Any:
    at = next(c for c in packed["columns"] if c["name"] == name)
    dtype = {"u1": "<u1", "u4": "<u4", "i4": "<i4"}[at["type"]]
    return np.frombuffer(packed["raw"], dtype=dtype, count=at["n"], offset=at["offset"])


@pytest.mark.parametrize("address", [*EVERY_LAYER, "/layers/focus/1.json"])
def test_a_stranger_gets_401_and_nothing_else(app: Any, address: str) -> None:
    answer = ask(app, "GET", address)
    assert answer.status == 401
    assert "学校" not in answer.text


@pytest.mark.parametrize("address", EVERY_LAYER)
def test_every_layer_answers_and_is_revalidated_not_kept(
    app: Any, cookie: Callable[..., dict[str, str]], address: str
) -> None:
    cookie = cookie(Role.LEADER)
    answer = ask(app, "GET", address, headers=cookie)
    assert answer.status == 200
    assert answer.header("cache-control") == "private, no-cache"
    again = ask(app, "GET", address, headers={**cookie, "if-none-match": answer.header("etag")})
    assert again.status == 304
    assert again.body == b""


def test_another_scope_never_gets_a_304_for_what_was_somebody_elses(
    app: Any, cookie: Callable[..., dict[str, str]]
) -> None:
    leader = ask(app, "GET", "/layers/schools.bin", headers=cookie(Role.LEADER))
    officer = cookie(Role.DISTRICT, district_code="W")
    own = ask(
        app,
        "GET",
        "/layers/schools.bin",
        headers={**officer, "if-none-match": leader.header("etag")},
    )
    assert own.status == 200
    assert unpack(leader)["n"] == 4
    assert unpack(own)["n"] == 1


def test_a_district_sees_the_shape_of_foreign_waters_but_not_their_ledger(
    app: Any, cookie: Callable[..., dict[str, str]]
) -> None:
    officer = cookie(Role.DISTRICT, district_code="W")
    packed = unpack(ask(app, "GET", "/layers/waters.bin", headers=officer))
    foreign, own = packed["tips"]
    assert list(column(packed, "grade")) == [255, 0]
    assert list(column(packed, "gear")) == [255, 255], "not known to be complete, nor to be short"
    assert foreign == "</script><b>WE</b>"
    assert "Ⅰ级重大" in own
    assert "缺 救生圈" in own
    assert "未登记 警示牌" in own, "an unrecorded sign is not a missing one"


def test_what_a_gate_lacks_is_one_point_at_the_gate_where_it_should_stand(
    app: Any, cookie: Callable[..., dict[str, str]]
) -> None:
    packed = unpack(ask(app, "GET", "/layers/facilities.bin", headers=cookie(Role.LEADER)))
    assert packed["n"] == 1
    bits = column(packed, "gap")[0]
    assert bits == (1 << 1 | 1 << 4), "school sign and crossing, in the order of the six kinds"
    assert abs(column(packed, "x")[0] / 2**31 * 360 - 180 - 118.0001) < 1e-6


def test_the_focus_of_a_school_outside_the_scope_is_not_found(
    app: Any, city: SmallCity, cookie: Callable[..., dict[str, str]]
) -> None:
    officer = cookie(Role.DISTRICT, district_code="W")
    foreign = ask(app, "GET", f"/layers/focus/{city.schools['E1']}.json", headers=officer)
    assert foreign.status == 404
    own = ask(app, "GET", f"/layers/focus/{city.schools['W1']}.json", headers=officer)
    roles = {f["properties"]["role"] for f in json.loads(own.text)["features"]}
    assert "ring" in roles
    assert "campus" not in roles, "this school has no surveyed boundary"


def test_the_focus_draws_rings_gates_and_what_each_gate_lacks(
    app: Any, city: SmallCity, cookie: Callable[..., dict[str, str]]
) -> None:
    answer = ask(
        app, "GET", f"/layers/focus/{city.schools['E1']}.json", headers=cookie(Role.LEADER)
    )
    features = json.loads(answer.text)["features"]
    gate = next(f["properties"] for f in features if f["properties"]["role"] == "gate")
    assert gate["missing"] == 2
    labels = [f["properties"]["label"] for f in features if f["properties"]["role"] == "ring"]
    assert "200 米" in labels


@pytest.mark.parametrize(
    "address",
    [
        "/layers/near.json?box=1,2,3",
        "/layers/near.json",
        "/layers/posts.bin?on=gestern",
        "/layers/posts.bin?session=x",
    ],
)
def test_a_bent_address_gets_a_plain_answer_in_chinese(
    app: Any, cookie: Callable[..., dict[str, str]], address: str
) -> None:
    answer = ask(app, "GET", address, headers=cookie(Role.LEADER))
    assert answer.status == 400
    assert "写法不对" in json.dumps(answer.json, ensure_ascii=False)

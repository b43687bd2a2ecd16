"""The certificate of a quick draw says what the record says, to those who may read it."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from db.models import Account, City, Draw
from domain.access import Actor
from domain.errors import Forbidden, NotFound, UserError
from domain.quick_draw import Weighting
from domain.school_filter import SchoolFilter
from domain.words import DrawForm, Role, ValueSource
from services.draw_list import QUICK_HOLDS, QUICK_LACKS, read_draw
from services.draw_papers import export_certificate
from services.draws import QuickOrder, commit_quick_draw, draw_quick, use_draw
from services.house import House
from tests.city import SmallCity, add_small_city
from tests.unit.services.reports.papers.pdf_text import page_count, text_of

INSPECTOR = Actor(account_id=1, login="li", name="", role=Role.INSPECTOR)
ADMIN = Actor(account_id=9, login="admin", name="", role=Role.ADMIN)


@pytest.fixture
def city(any_house: House) -> SmallCity:
    return add_small_city(any_house)


def order(value: str = "骰子 6 6", title: str = "秋季抽查") -> QuickOrder:
    source = ValueSource.TYPED if value else ValueSource.SYSTEM
    return QuickOrder(title, SchoolFilter(), 2, Weighting(), source, value)


def draw(house: House, who: Actor = INSPECTOR, *, key: str = "a" * 16, **changed: str) -> str:
    return draw_quick(who, house, order=order(**changed), request_key=key)


def read(pdf: bytes) -> str:
    return re.sub(r"[\s\u200b]+", "", text_of(pdf))


def test_the_certificate_says_what_the_record_says(any_house: House, city: SmallCity) -> None:
    with Session(any_house.engine) as session:
        session.add(Account(login="li", name="李芳", role=Role.INSPECTOR, password_hash="x"))
        session.commit()
    number = draw(any_house)
    pdf = export_certificate(INSPECTOR, any_house, number=number)
    facts = read_draw(INSPECTOR, any_house, number=number)
    text = read(pdf)
    assert page_count(pdf) == 1
    for said in (
        number, facts.frame_hash, facts.parameters_hash, facts.seed, facts.head, "简易抽取",
        "市级", "骰子66", "录入，随承诺写入记录", "李芳（li）", "名录库4所，抽2所", "未采用（本事由第1次抽取）",
        "东区", "西区", "测试市校园安全督查（演示数据，不作凭据）", *QUICK_HOLDS, *QUICK_LACKS,
    ):  # fmt: skip
        assert said in text, said
    assert export_certificate(INSPECTOR, any_house, number=number) == pdf


def test_a_second_attempt_and_its_use_are_told(any_house: House, city: SmallCity) -> None:
    draw(any_house)
    number = draw(any_house, key="b" * 16, value="")
    use_draw(INSPECTOR, any_house, number=number)
    text = read(export_certificate(INSPECTOR, any_house, number=number))
    assert "已采用（本事由第2次抽取）" in text
    assert "系统随机，承诺之后产生" in text
    assert "system:" + read_draw(INSPECTOR, any_house, number=number).value[7:] in text
    assert "录入公开值" not in text


def test_a_real_citys_certificate_names_the_district_and_no_demo(
    any_house: House, city: SmallCity
) -> None:
    with Session(any_house.engine) as session:
        session.execute(update(City).values(is_demo=False))
        session.commit()
    east = Actor(account_id=3, login="qu", name="", role=Role.DISTRICT, district_id=city.east)
    text = read(export_certificate(east, any_house, number=draw(any_house, east)))
    assert "测试市东区校园安全督查" in text
    assert "演示" not in text
    assert "县级" in text


def test_only_who_may_read_the_draw_gets_its_certificate(any_house: House, city: SmallCity) -> None:
    number = draw(any_house)
    west = Actor(account_id=3, login="qu", name="", role=Role.DISTRICT, district_id=city.west)
    with pytest.raises(NotFound):
        export_certificate(west, any_house, number=number)
    with pytest.raises(NotFound):
        export_certificate(INSPECTOR, any_house, number="CQ1999-0001")
    with pytest.raises(Forbidden):
        export_certificate(ADMIN, any_house, number=number)


def test_a_draw_without_a_result_and_a_sealed_one_have_none_here(
    any_house: House, city: SmallCity
) -> None:
    number, _ = commit_quick_draw(INSPECTOR, any_house, order=order(), request_key="c" * 16)
    with pytest.raises(UserError, match="没有结果"):
        export_certificate(INSPECTOR, any_house, number=number)
    done = draw(any_house, key="d" * 16)
    with Session(any_house.engine) as session:
        session.execute(update(Draw).where(Draw.number == done).values(form=DrawForm.SEALED))
        session.commit()
    with pytest.raises(UserError, match="封存抽取"):
        export_certificate(INSPECTOR, any_house, number=done)

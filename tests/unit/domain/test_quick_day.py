from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from domain.errors import UserError
from domain.quick_day import DayOrder

ORDER = DayOrder(
    on=dt.date(2026, 9, 1), start_name="市教育局", start_lon=118.02, start_lat=33.02, teams=2
)


def test_an_order_is_the_same_after_its_way_through_an_address() -> None:
    order = replace(ORDER, people=("D4", "D0"), start_name="局 & 所=1")
    read = DayOrder.from_query(order.to_query())
    assert read == replace(order, people=("D0", "D4"))
    assert read.to_query() == order.to_query()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "on=2026-09-01",
        ORDER.to_query().replace("teams=2", "teams=x"),
        ORDER.to_query().replace("teams=2", "teams=0"),
        ORDER.to_query().replace("118.02000", "nan"),
        ORDER.to_query().replace("118.02000", "500"),
        ORDER.to_query() + "".join(f"&who=D{at}" for at in range(500)),
    ],
)
def test_a_mangled_address_is_refused_in_words(query: str) -> None:
    with pytest.raises(UserError):
        DayOrder.from_query(query)

"""Whatever stands in a file, an import answers with rows or with a message, never a crash."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import UserError
from services.importers import values as v
from services.importers.kinds import FACILITIES, POSTS, SCHOOLS, WATERS, Kind
from services.importers.table import RawTable
from services.importers.validate import validate

CELLS = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=True, allow_infinity=True),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.sampled_from(
        ["120.5", "32.1", "小学", "是", "12米", "２０２３年６月１日", "school", "未知"]
    ),
)
HEADERS = [
    "学校标识码",
    "名称",
    "经度",
    "纬度",
    "区县",
    "类型",
    "在校生数",
    "上学时刻",
    "检查日期",
    "备注",
]


@st.composite
def tables(draw: st.DrawFn) -> RawTable:
    headers = draw(st.lists(st.sampled_from(HEADERS), min_size=1, unique=True))
    count = draw(st.integers(1, 6))
    rows = draw(
        st.lists(
            st.lists(CELLS, min_size=len(headers), max_size=len(headers)),
            min_size=count,
            max_size=count,
        )
    )
    frame = pd.DataFrame(rows, columns=headers, dtype=object)
    return RawTable(frame, np.arange(2, 2 + count, dtype=np.int64))


@settings(max_examples=150, deadline=None)
@given(table=tables(), kind=st.sampled_from([SCHOOLS, WATERS, FACILITIES, POSTS]))
def test_any_table_gives_clean_rows_or_a_message(table: RawTable, kind: Kind) -> None:
    try:
        batch = validate(table, kind, source="x")
    except UserError as error:
        told_what_to_do = bool(error.message and error.next_step)
        assert told_what_to_do, error  # noqa: PT017
        return
    assert len(batch) + sum(batch.skipped.values()) == batch.rows_read == len(table)
    assert batch.stated["code"].notna().all()
    good = ~batch.bad & (batch.incomplete == "")
    assert batch.stated["code"][good].is_unique
    assert not np.isnan(batch.lon[good]).any()
    told = {p.row for p in batch.problems if p.is_blocking}
    assert told == set(batch.file_rows[batch.bad].tolist())


@given(
    number=st.floats(-1e9, 1e9).map(lambda x: round(x, 4)),
    unit=st.sampled_from(["", "米", " m", "人"]),
)
def test_a_written_number_is_read_back(number: float, unit: str) -> None:
    assert v.parse_number(f"{number:.4f}{unit}") == number


@given(day=st.dates(dt.date(1900, 1, 1), dt.date(2199, 12, 31)))
def test_a_date_is_read_back_from_every_style(day: dt.date) -> None:
    y, m, d = day.year, day.month, day.day
    for text in (
        f"{y}-{m}-{d}",
        f"{y}/{m:02}/{d:02}",
        f"{y}.{m}.{d}",
        f"{y}年{m}月{d}日",
        f"{y}{m:02}{d:02}",
    ):
        assert v.parse_date(text) == day

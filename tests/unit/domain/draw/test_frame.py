"""The frame file is exact to the byte, and says where it is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from domain.draw.frame import build_frame, excluded_bytes, parse_excluded, parse_frame
from domain.errors import UserError
from tests.unit.domain.draw.frames import frame_of_60

GOOD = "id,stratum,weight,x,y\na,A,1,0,0\nb,A,2,5,-7\n"


def test_the_frame_of_60_has_the_hash_of_the_check_vector() -> None:
    assert frame_of_60().hash == "efe75b40fcc0f8046be4c31fe3ffb4305a44d6e92090c4fb2b3ac8046fcb0e01"


def test_a_parsed_frame_gives_back_its_bytes() -> None:
    assert parse_frame(GOOD.encode()).content == GOOD.encode()
    assert parse_frame(frame_of_60().content) == frame_of_60()


def test_rows_are_sorted_in_code_point_order() -> None:
    frame = build_frame(
        ids=["校", "b", "B", "a10", "a9", "\U0001f600"],
        strata=[""] * 6,
        weights=[1] * 6,
        x_m=[0] * 6,
        y_m=[0] * 6,
    )
    assert frame.ids == ("B", "a10", "a9", "b", "校", "\U0001f600")


def test_metres_are_rounded_half_up() -> None:
    x = [0.5, 1.5, -0.5, -1.5, 0.49999999999999994, 2.4]
    frame = build_frame(
        ids=list("abcdef"), strata=[""] * 6, weights=[1] * 6, x_m=x, y_m=np.zeros(6)
    )
    assert frame.x_m == (1, 2, 0, -1, 0, 2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id,stratum", "ID,stratum", "第 1 行应为"),
        ("b,A,2,5,-7\n", "b,A,2,5,-7", "没有换行符"),
        ("b,A,2,5,-7\n", "b,A,2,5,-7\r\n", "第 3 行"),
        ("a,A,1", '"a",A,1', "第 2 行"),
        ("a,A,1,0,0", "a,A,1,0", "第 2 行有 4 项"),
        ("a,A,1,0,0", "a,A,1,0,0,9", "第 2 行有 6 项"),
        ("a,A,1", "a,A,01", "weight 是“01”"),
        ("a,A,1", "a,A,1.0", "weight 是“1.0”"),
        ("a,A,1", "a,A,+1", "weight 是“+1”"),
        ("a,A,1", "a,A,１", "weight 是“１”"),
        ("a,A,1,0,0", "a,A,1,-0,0", "x 是“-0”"),
        ("a,A,1", "a,A,0", "至少应为 1"),
        ("a,A,1", "a,A,-3", "至少应为 1"),
        ("b,A", "b,A/B", "分层“A/B”有 2 级"),
        ("b,A", "a,A", "出现了两次"),
        ("a,A,1", "c,A,1", "码位顺序"),
        ("a,A,1", ",A,1", "为空"),
        ("a,A,1", "a\u2028,A,1", "第 2 行"),
    ],
)
def test_a_frame_the_specification_refuses_is_refused_by_line(
    old: str, new: str, message: str
) -> None:
    assert old in GOOD
    with pytest.raises(UserError) as caught:
        parse_frame(GOOD.replace(old, new, 1).encode())
    assert message in caught.value.message
    assert caught.value.next_step


def test_bytes_that_are_no_utf8_or_carry_a_mark_are_refused() -> None:
    with pytest.raises(UserError, match="UTF-8"):
        parse_frame(GOOD.encode("utf-16"))
    with pytest.raises(UserError, match="第 1 行"):
        parse_frame(GOOD.encode("utf-8-sig"))


def test_a_school_without_a_position_is_named() -> None:
    with pytest.raises(UserError, match="“b”没有坐标"):
        build_frame(ids=["a", "b"], strata=["", ""], weights=[1, 1], x_m=[0, np.nan], y_m=[0, 0])


def test_the_excluded_file_is_sorted_and_read_back() -> None:
    content = excluded_bytes([("z", "exam"), ("b", "closed")])
    assert content == b"id,reason\nb,closed\nz,exam\n"
    assert parse_excluded(content) == [("b", "closed"), ("z", "exam")]


def test_an_excluded_school_stands_there_once_and_with_a_reason() -> None:
    with pytest.raises(UserError, match="两次"):
        excluded_bytes([("b", "closed"), ("b", "exam")])
    with pytest.raises(UserError, match="“b”为空"):
        excluded_bytes([("b", "")])

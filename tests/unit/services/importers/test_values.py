"""Cells are read the way people write them."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from domain.words import FacilityKind, SchoolKind
from services.importers import values as v
from services.importers.words import FACILITY_KIND, SCHOOL_KIND, guess_from_name


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("12", 12.0),
        (" １２.５ ", 12.5),
        ("12米", 12.0),
        ("1,234 人", 1234.0),
        ("1.2万", 12_000.0),
        ("-3.5", -3.5),
        ("2公里", 2000.0),
        ("1e3", 1000.0),
        (7, 7.0),
    ],
)
def test_numbers_are_read_with_full_width_digits_units_and_multipliers(
    written: object, meant: float
) -> None:
    assert v.parse_number(written) == meant


@pytest.mark.parametrize("written", ["十二", "12-13", "abc", "1.2.3", "约12"])
def test_what_is_no_number_is_refused_with_the_value_in_the_message(written: str) -> None:
    with pytest.raises(ValueError, match="不是数字"):
        v.parse_number(written)


@pytest.mark.parametrize(
    "written",
    [
        "2023-06-01", "2023/6/1", "2023.6.1", "20230601", "2023年6月1日", "2023-06-01 08:30:00",
        "２０２３-０６-０１", 45078, "45078", dt.date(2023, 6, 1), dt.datetime(2023, 6, 1, 8),
    ],
)  # fmt: skip
def test_dates_are_read_in_every_usual_style(written: object) -> None:
    assert v.parse_date(written) == dt.date(2023, 6, 1)


@pytest.mark.parametrize("written", ["2023-13-01", "2023-02-30", "昨天", "6月1日"])
def test_dates_that_do_not_exist_or_lack_a_year_are_refused(written: str) -> None:
    with pytest.raises(ValueError, match="日期"):
        v.parse_date(written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("7:30", (7, 30)),
        ("07：30", (7, 30)),
        ("7点30分", (7, 30)),
        ("7点", (7, 0)),
        ("16:05:00", (16, 5)),
    ],
)
def test_times_are_read_with_either_colon_and_in_words(
    written: str, meant: tuple[int, int]
) -> None:
    assert v.parse_time(written) == dt.time(*meant)


def test_yes_and_no_are_read_from_words_ticks_and_digits() -> None:
    cells = pd.Series(["是", "否", "√", "×", "有", "无", 1, 0, "", None], dtype=object)
    clean, wrong = v.boolean(cells)
    assert clean.tolist() == [True, False, True, False, True, False, True, False, None, None]
    assert not wrong.any()


def test_empty_cells_and_dashes_say_nothing() -> None:
    cells = pd.Series(["", " ", "-", "—", "N/A", None, float("nan"), "0"], dtype=object)
    assert v.is_blank(cells).tolist() == [True] * 7 + [False]


def test_words_are_read_by_value_label_and_synonym_and_a_typo_gets_a_suggestion() -> None:
    parse = v.word_parser(FacilityKind, FACILITY_KIND)
    cells = pd.Series(
        ["signal", "交通信号灯", "traffic_signals", "斑马线", "交通信号登"], dtype=object
    )
    clean, wrong = parse(cells)
    assert clean.tolist()[:4] == [FacilityKind.SIGNAL] * 3 + [FacilityKind.CROSSING]
    assert wrong.tolist()[:4] == [""] * 4
    assert "是否「交通信号灯」？" in wrong.iloc[4]


def test_a_word_that_names_no_kind_is_understood_but_says_nothing() -> None:
    clean, wrong = v.word_parser(SchoolKind, SCHOOL_KIND)(pd.Series(["school"], dtype=object))
    assert clean.tolist() == [None]
    assert wrong.tolist() == [""]


def test_whole_numbers_refuse_fractions_and_text_keeps_leading_zeros() -> None:
    _, wrong = v.integer()(pd.Series(["12.5", "12.0"], dtype=object))
    assert [bool(w) for w in wrong] == [True, False]
    clean, _ = v.text(10)(pd.Series(["007", 12.0], dtype=object))
    assert clean.tolist() == ["007", "12"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("第一实验小学", SchoolKind.PRIMARY),
        ("Lakeside Primary School", SchoolKind.PRIMARY),
        ("机关幼儿园", SchoolKind.KINDERGARTEN),
        ("河东九年一贯制学校", SchoolKind.NINE_YEAR),
        ("启明特殊教育学校", SchoolKind.SPECIAL),
        ("第三中学", None),
    ],
)
def test_the_kind_of_school_is_guessed_only_from_a_plain_name(
    name: str, kind: SchoolKind | None
) -> None:
    assert guess_from_name(SchoolKind, pd.Series([name], dtype=object)).tolist() == [kind]

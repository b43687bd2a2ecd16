from __future__ import annotations

from urllib.parse import parse_qs

from hypothesis import given
from hypothesis import strategies as st

from domain.school_filter import SchoolFilter

texts = st.lists(st.text(min_size=1, max_size=8), max_size=4).map(tuple)


@given(district=texts, kind=texts, q=st.text(max_size=12).map(lambda t: " ".join(t.split())))
def test_a_filter_survives_the_way_through_a_url(
    district: tuple[str, ...], kind: tuple[str, ...], q: str
) -> None:
    wanted = SchoolFilter.from_query({"district": district, "kind": kind, "q": [q]})
    back = SchoolFilter.from_query(parse_qs(wanted.to_query(), keep_blank_values=True))
    assert back == wanted
    assert back.to_query() == wanted.to_query()


@given(values=st.permutations(["a", "b", "c"]))
def test_the_order_of_choices_does_not_make_another_filter(values: list[str]) -> None:
    assert SchoolFilter.from_query({"kind": values}).to_query() == "kind=a&kind=b&kind=c"


def test_an_empty_filter_says_so() -> None:
    assert SchoolFilter().is_empty
    assert not SchoolFilter(q="一").is_empty


degrees = st.floats(allow_nan=False, allow_infinity=False, min_value=-200, max_value=200)


@given(west=degrees, south=degrees, east=degrees, north=degrees)
def test_a_rectangle_is_kept_in_one_spelling_or_not_at_all(
    west: float, south: float, east: float, north: float
) -> None:
    wanted = SchoolFilter.from_query({"area": [f"{west},{south},{east},{north}"]})
    back = SchoolFilter.from_query(parse_qs(wanted.to_query()))
    assert back == wanted
    if wanted.bounds is None:
        assert wanted.area == ""
    else:
        kept_west, kept_south, kept_east, kept_north = wanted.bounds
        assert kept_west < kept_east
        assert kept_south < kept_north
        assert abs(kept_west - west) < 1e-5


@given(text=st.text(max_size=40))
def test_no_text_in_the_url_breaks_the_rectangle(text: str) -> None:
    wanted = SchoolFilter.from_query({"area": [text]})
    assert SchoolFilter.from_query({"area": [wanted.area]}).area == wanted.area

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

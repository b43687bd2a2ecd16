from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.draw.frame import build_frame, parse_frame
from domain.quick_draw import Weighting, stratum_level
from domain.sampling_rules import SHIPPED
from domain.words import RiskLevel

LEVELS = st.integers(0, len(RiskLevel) - 1)
WEIGHTINGS = st.builds(
    lambda by_risk, floor, more, days: Weighting(by_risk, floor, floor + more, days),
    st.booleans(), st.integers(1, 5), st.integers(0, 5), st.integers(0, 366),
)  # fmt: skip


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_a_district_is_called_its_stratum_keeps_two_levels_and_a_readable_frame(
    area: str, kind: str
) -> None:
    path = f"{stratum_level(area)}/{stratum_level(kind)}"
    assert path.count("/") == 1
    if path.isprintable():
        frame = build_frame(ids=["S"], strata=[path], weights=[1], x_m=[0.5], y_m=[-0.5])
        assert parse_frame(frame.content) == frame


@given(WEIGHTINGS, st.lists(LEVELS, min_size=1, max_size=20), st.data())
def test_no_school_ever_weighs_nothing_and_a_recent_visit_weighs_a_quarter(
    weighting: Weighting, levels: list[int], data: st.DataObject
) -> None:
    weighting.check()
    days = data.draw(
        st.lists(
            st.one_of(st.just(float("nan")), st.floats(0, 800)),
            min_size=len(levels),
            max_size=len(levels),
        )
    )
    weights = weighting.weights(levels, days, SHIPPED)
    never = weighting.weights(levels, np.full(len(levels), np.nan), SHIPPED)
    assert weights.dtype == np.int64
    assert (weights >= 1).all()
    recent = np.array(days) < weighting.recent_days
    assert (weights[recent] * SHIPPED.recent_divisor == never[recent]).all()
    assert (weights[~recent] == never[~recent]).all()

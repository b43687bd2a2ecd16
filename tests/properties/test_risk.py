"""Laws of the risk score that hold for every school."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.risk import INPUT_COLUMNS, contributions, score_risk
from domain.rules import DEFAULT_RULES as RULES
from domain.words import RiskLevel

SUMMER = dt.date(2023, 7, 1)

# column → (strategy of values, +1 where more is worse, −1 where more is safer)
_COUNT = st.integers(0, 12)
_SHARE = st.floats(0.0, 1.0)
NUMBERS: dict[str, tuple[Any, int]] = {
    "water_m": (st.floats(0.0, 3000.0), -1),
    "water_gear_missing": (_SHARE, 1),
    "six_bad_share": (_SHARE, 1),
    "speed_kmh": (st.integers(20, 100), 1),
    "complaints_12m": (_COUNT, 1),
    "students": (st.integers(0, 6000), 1),
    "officers": (_COUNT, -1),
    "guards_full_time": (_COUNT, -1),
    "guards_total": (_COUNT, -1),
    "guards_over_50": (_COUNT, 1),
    "stand_ins": (_COUNT, 1),
    "alarm_test_age_days": (st.integers(0, 900), 1),
    "post_gap_share": (_SHARE, 1),
    "nearest_post_m": (st.floats(0.0, 4000.0), 1),
    "open_hazards": (_COUNT, 1),
    "overdue_hazards": (_COUNT, 1),
    "major_hazards": (_COUNT, 1),
    "repeat_hazards": (_COUNT, 1),
    "unsubmitted_share": (_SHARE, 1),
    "zero_share": (_SHARE, 1),
    "drills_done": (_COUNT, -1),
    "drills_due": (_COUNT, 1),
}
WORDS = {
    "water_grade": ("general", "larger", "major"),
    "water_access": ("fenced", "partly", "open"),
    "road_class": ("internal", "branch", "rural", "secondary", "primary", "trunk"),
    "alarm": ("networked", "installed", "none"),
}
"""Words of each input, safest first."""

SAFE: dict[str, Any] = {
    **{name: 1e5 if sign < 0 else 0 for name, (_, sign) in NUMBERS.items()},
    **{name: words[0] for name, words in WORDS.items()},
}
SHARES = {
    "water_gear_known": "water_gear_missing",
    "six_known_share": "six_bad_share",
    "road_known_share": "road_class",
    "speed_known_share": "speed_kmh",
}


@st.composite
def schools(draw: st.DrawFn) -> dict[str, Any]:
    row: dict[str, Any] = {
        name: draw(st.one_of(st.none(), values)) for name, (values, _) in NUMBERS.items()
    }
    row |= {name: draw(st.sampled_from([None, *words])) for name, words in WORDS.items()}
    for share, value in SHARES.items():
        row[share] = None if row[value] is None else draw(st.floats(0.05, 1.0))
    return row


def score(*rows: dict[str, Any], on: dt.date = SUMMER) -> pd.DataFrame:
    return score_risk(pd.DataFrame(list(rows), columns=list(INPUT_COLUMNS)), RULES, on=on)


@given(schools(), st.sampled_from(sorted(NUMBERS)), st.data())
@settings(max_examples=50, deadline=None)
def test_the_score_is_monotone_in_every_number(
    row: dict[str, Any], name: str, data: st.DataObject
) -> None:
    values, sign = NUMBERS[name]
    pair = sorted([data.draw(values), data.draw(values)], reverse=sign < 0)
    row = {**row, **{share: 1.0 for share, value in SHARES.items() if value == name}}
    out = score({**row, name: pair[0]}, {**row, name: pair[1]})
    assert out["score"][0] <= out["score"][1] + 1e-9


@given(schools(), st.sampled_from(sorted(WORDS)), st.data())
@settings(max_examples=50, deadline=None)
def test_the_score_is_monotone_in_every_word(
    row: dict[str, Any], name: str, data: st.DataObject
) -> None:
    words = WORDS[name]
    safer, worse = sorted(data.draw(st.tuples(*[st.integers(0, len(words) - 1)] * 2)))
    row = {**row, **{share: 1.0 for share, value in SHARES.items() if value == name}}
    out = score({**row, name: words[safer]}, {**row, name: words[worse]})
    assert out["score"][0] <= out["score"][1] + 1e-9


@given(schools(), st.sampled_from(sorted(SAFE)))
@settings(max_examples=50, deadline=None)
def test_a_safe_value_taken_away_never_lowers_the_score(row: dict[str, Any], name: str) -> None:
    known = {**row, name: SAFE[name]}
    gone = {**row, name: None}
    for share, value in SHARES.items():
        if value == name:
            known[share], gone[share] = 1.0, None
    out = score(known, gone)
    assume(out["completeness"][1] > 0)
    assert out["score"][0] <= out["score"][1] + 1e-9
    assert out["completeness"][0] >= out["completeness"][1]


@given(schools(), st.sampled_from(["officers", "alarm", "open_hazards", "water_m", "road_class"]))
@settings(max_examples=25, deadline=None)
def test_a_value_taken_away_lowers_completeness(row: dict[str, Any], name: str) -> None:
    row = {**row, "students": 500, "road_known_share": None}
    row |= {"water_grade": None, "water_access": None, "water_gear_missing": None}
    out = score({**row, name: SAFE[name]}, {**row, name: None})
    if name == "water_m":
        # a water out of reach also settles its grade, access and gear
        assert out["completeness"][0] == pytest.approx(out["completeness"][1] + 4 / 23)
    else:
        assert out["completeness"][0] > out["completeness"][1]


@given(schools(), st.sampled_from(sorted(SHARES)), st.floats(0.01, 1.0), st.floats(0.01, 1.0))
@settings(max_examples=25, deadline=None)
def test_seeing_less_of_a_school_never_lowers_its_score(
    row: dict[str, Any], share: str, one: float, two: float
) -> None:
    value = SHARES[share]
    row = {**row, value: row[value] if row[value] is not None else SAFE[value]}
    less, more = sorted((one, two))
    out = score({**row, share: more}, {**row, share: less})
    assert out["score"][0] <= out["score"][1] + 1e-9
    assert out["completeness"][0] >= out["completeness"][1]


@given(st.lists(schools(), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None)
def test_little_known_is_never_called_low(rows: list[dict[str, Any]]) -> None:
    out = score(*rows)
    thin = out["completeness"] < RULES.min_completeness
    assert (out.loc[thin, "level"] == RiskLevel.UNKNOWN).all()
    assert (out.loc[~thin, "level"] != RiskLevel.UNKNOWN).all()
    assert out["completeness"].between(0.0, 1.0).all()
    assert out["score"].dropna().between(0.0, 100.0 + 1e-9).all()


@given(st.lists(schools(), min_size=2, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_order_and_company_of_schools_do_not_matter(
    rows: list[dict[str, Any]], random: Any
) -> None:
    together = score(*rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    shuffled = score(*[rows[i] for i in order])
    pd.testing.assert_frame_equal(
        together.iloc[order].reset_index(drop=True), shuffled, check_exact=True
    )
    alone = pd.concat([score(row) for row in rows], ignore_index=True)
    pd.testing.assert_frame_equal(together, alone, check_exact=True)


@given(st.lists(schools(), min_size=1, max_size=6), st.sampled_from([1, 7]))
@settings(max_examples=25, deadline=None)
def test_the_contributions_add_up_to_the_score(rows: list[dict[str, Any]], month: int) -> None:
    on = dt.date(2023, month, 5)
    frame = pd.DataFrame(rows, columns=list(INPUT_COLUMNS))
    out = score_risk(frame, RULES, on=on)
    total = contributions(frame, RULES, on=on).sum(axis=1)
    known = out["score"].notna()
    np.testing.assert_allclose(out.loc[known, "score"], total[known], atol=1e-9)
    parts = sum(
        RULES.part_weights[p] * out[f"{p}_score"]
        for p in ("water", "traffic", "patrol", "management")
    )
    whole = out[["water_score", "traffic_score", "patrol_score", "management_score"]].notna()
    np.testing.assert_allclose(
        out.loc[whole.all(axis=1), "score"], parts[whole.all(axis=1)], atol=1e-9
    )


@given(schools())
@settings(max_examples=25, deadline=None)
def test_the_drowning_season_never_lowers_a_score(row: dict[str, Any]) -> None:
    assume(score(row)["score"].notna().all())
    assert score(row, on=dt.date(2023, 1, 5))["score"][0] <= score(row)["score"][0] + 1e-9

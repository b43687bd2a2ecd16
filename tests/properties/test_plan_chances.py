from __future__ import annotations

from collections import Counter
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.draw.frame import Frame, build_frame
from domain.draw.simulate import simulation_seed
from domain.draw.year import DrawRule, YearPreparation, year_chances
from domain.plan_chances import expect_groups, join_groups


@st.composite
def plans(draw: st.DrawFn) -> tuple[Frame, DrawRule]:
    count = draw(st.integers(4, 24))
    cells = [
        (draw(st.sampled_from("东西南")), draw(st.sampled_from(["小学", "初中"])), draw(st.integers(1, 6)))
        for _ in range(count)
    ]  # fmt: skip
    frame = build_frame(
        ids=[f"S{k:02d}" for k in range(count)],
        strata=[f"{area}/{kind}" for area, kind, _ in cells],
        weights=[weight for _, _, weight in cells],
        x_m=[37.0 * k % 101 for k in range(count)],
        y_m=[53.0 * k % 97 for k in range(count)],
    )
    inspected = tuple(code for code in frame.ids if draw(st.booleans()))
    n = draw(st.integers(1, count))
    return frame, DrawRule(
        n=n, streams=2, rho_permille=draw(st.integers(0, 1000)), inspected=inspected
    )


@given(plans())
def test_the_groups_expectations_are_the_schools_chances_added_and_make_n(
    plan: tuple[Frame, DrawRule],
) -> None:
    frame, rule = plan
    groups = expect_groups(YearPreparation(frame, rule), frame.strata)
    chances = year_chances(frame, rule)
    assert sum(group.expected for group in groups) == rule.n == sum(chances)
    for group in groups:
        mine = [c for c, s in zip(chances, frame.strata, strict=True) if s == group.group]
        assert group.expected == sum(mine, Fraction(0))
        assert group.schools == len(mine)
        assert group.low <= group.expected <= group.high <= group.schools


@settings(max_examples=40)
@given(plans(), st.integers(0, 10**6))
def test_no_draw_leaves_the_bounds_of_stratum_district_or_kind(
    plan: tuple[Frame, DrawRule], seed: int
) -> None:
    frame, rule = plan
    prepared = YearPreparation(frame, rule)
    strata = expect_groups(prepared, frame.strata)
    areas = [stratum.partition("/")[0] for stratum in frame.strata]
    kinds = [stratum.partition("/")[2] for stratum in frame.strata]
    asked = (
        (frame.strata, strata),
        (areas, expect_groups(prepared, areas)),
        (kinds, join_groups(strata, lambda path: path.partition("/")[2], most=rule.n)),
    )
    drawn = prepared.draw_positions(simulation_seed("p", seed))
    for names, groups in asked:
        counts = Counter(names[p] for p in drawn)
        assert {group.group for group in groups} == set(names)
        assert all(group.low <= counts[group.group] <= group.high for group in groups)

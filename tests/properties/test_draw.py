"""Laws of the draw that hold for every frame."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from domain.draw import nearest
from domain.draw.frame import Frame, build_frame, parse_frame
from domain.draw.nearest import Plane, Remaining
from domain.draw.pivotal import draw, share_tickets
from domain.draw.year import DrawRule, draw_year, year_chances
from tests.unit.services.draw_record import packed

SMALL = st.integers(-6, 6)
LARGE = st.integers(-(10**17), 10**17)
POINTS = st.one_of(
    st.lists(st.tuples(SMALL, SMALL), min_size=2, max_size=60),
    st.lists(st.tuples(LARGE, LARGE), min_size=2, max_size=12),
)
DEPTH = st.integers(1, 3)


def one_by_one(points: list[tuple[int, int]], alive: list[int], u: int) -> int:
    return min(
        (v for v in alive if v != u),
        key=lambda v: (
            (points[v][0] - points[u][0]) ** 2 + (points[v][1] - points[u][1]) ** 2,
            v,
        ),
    )


@given(POINTS, st.randoms(use_true_random=False), st.sampled_from([3, 160]))
def test_the_nearest_is_that_of_measuring_one_by_one(points, rnd, matrix_most) -> None:
    """With a small bound for tables the trees are used, on grids full of ties."""
    kept = nearest.MATRIX_MOST, nearest.TREE_NEIGHBOURS
    nearest.MATRIX_MOST, nearest.TREE_NEIGHBOURS = matrix_most, min(3, len(points) - 1)
    try:
        plane = Plane([x for x, _ in points], [y for _, y in points])
        alive = sorted(rnd.sample(range(len(points)), rnd.randint(2, len(points))))
        remaining = Remaining(plane, alive)
        while len(alive) > 1:
            u = rnd.choice(alive)
            assert remaining.nearest(u) == one_by_one(points, alive, u)
            gone = rnd.choice(alive)
            alive.remove(gone)
            remaining.remove(gone)
    finally:
        nearest.MATRIX_MOST, nearest.TREE_NEIGHBOURS = kept


@st.composite
def frames(draw_, most: int = 40) -> Frame:
    count = draw_(st.integers(1, most))
    depth = draw_(DEPTH)
    level = st.sampled_from(["甲", "乙", "甲-东", "B"])
    strata = draw_(
        st.lists(
            st.lists(level, min_size=depth, max_size=depth).map("/".join),
            min_size=count,
            max_size=count,
        )
    )
    column = st.lists(SMALL, min_size=count, max_size=count)
    weight = st.one_of(st.integers(1, 5), st.integers(1, 10**12))
    return build_frame(
        ids=draw_(
            st.lists(
                st.text("ab7校\U0001f600-", min_size=1), min_size=count, max_size=count, unique=True
            )
        ),
        strata=strata,
        weights=draw_(st.lists(weight, min_size=count, max_size=count)),
        x_m=draw_(column),
        y_m=draw_(column),
    )


@given(frames(), st.data(), st.text(max_size=8))
def test_size_and_stratum_counts_are_never_off(frame: Frame, data, seed: str) -> None:
    n = data.draw(st.integers(0, len(frame)))
    drawn = draw(frame, n, seed=seed)
    chances = drawn.tickets.chances
    assert len(drawn.selected) == n == sum(chances)
    for level in range(frame.strata[0].count("/") + 2):
        rest: dict[str, Fraction] = defaultdict(Fraction)
        for p, stratum in enumerate(frame.strata):
            rest["/".join(stratum.split("/")[:level])] += chances[p] - (p in drawn.selected)
        assert all(abs(value) < 1 for value in rest.values())
    assert all(p in drawn.selected for p, chance in enumerate(chances) if chance == 1)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=50), st.data())
def test_chances_sum_to_n_and_grow_with_the_weight(weights: list[int], data) -> None:
    n = data.draw(st.integers(0, len(weights)))
    chances = share_tickets(weights, n).chances
    assert sum(chances) == n
    assert all(0 <= chance <= 1 for chance in chances)
    by_weight = sorted(zip(weights, chances, strict=True))
    assert all(a[1] <= b[1] for a, b in pairwise(by_weight))


@given(frames())
def test_a_frame_file_is_read_back_whole(frame: Frame) -> None:
    assert parse_frame(frame.content) == frame


@st.composite
def rules(draw_, frame: Frame) -> DrawRule:
    n = draw_(st.integers(0, len(frame)))
    inspected = draw_(st.sets(st.sampled_from(frame.ids)))
    return DrawRule(
        n=n,
        streams=draw_(st.sampled_from([1, 2])),
        label=draw_(st.sampled_from(["", "A", "甲"])),
        rho_permille=draw_(st.integers(0, 1000)),
        inspected=tuple(sorted(inspected)),
        reserve=draw_(st.integers(0, len(frame) - n)),
    )


@given(frames(), st.data(), st.text(max_size=8))
def test_two_streams_keep_n_and_their_chances_sum_to_it(frame: Frame, data, seed: str) -> None:
    rule = data.draw(rules(frame))
    drawn = draw_year(frame, rule, seed=seed)
    chances = year_chances(frame, rule)
    assert len(set(drawn.selected)) == rule.n == sum(chances)
    assert len(set(drawn.reserve)) == rule.reserve
    assert not set(drawn.reserve) & set(drawn.selected)
    assert all(chances[p] > 0 for p in drawn.selected)


@settings(max_examples=15, deadline=None, phases=[Phase.generate])
@given(frames(), st.data())
def test_the_stand_alone_script_prints_the_products_list(frame: Frame, data) -> None:
    rule = data.draw(rules(frame))
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(io.BytesIO(packed(frame, rule))) as archive:
            archive.extractall(folder)
        ran = subprocess.run(
            [sys.executable, "-I", "-S", str(Path(folder) / "replay.py")],
            capture_output=True,
            check=True,
            encoding="utf-8",
            env={"PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"},
        )
        said = json.loads((Path(folder) / "certificate.json").read_text(encoding="utf-8"))
    assert ran.stdout.split("\n")[:-1] == (said["selected"] or [""])

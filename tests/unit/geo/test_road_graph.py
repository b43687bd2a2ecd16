"""Roads become a graph whose ways are the quickest, in time, length and line."""

from __future__ import annotations

import itertools
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import floyd_warshall
from shapely import LineString, MultiLineString, Point

from geo.crs import project_geometries
from geo.road_graph import Access, RoadGraph, build_graph, draw_ways, find_ways, snap

PLAIN = Access(factor=1.0, speed_kmh=36.0, limit_m=500.0)
"""10 m/s beside the road and no factor, so that sums can be done in the head."""
KMH_OF_10_M_S = 36.0


def graph_of(
    *lines: list[tuple[float, float]], kmh: float | list[float] = KMH_OF_10_M_S
) -> RoadGraph:
    graph = build_graph([LineString(line) for line in lines], kmh)
    assert graph is not None
    return graph


def test_lines_that_cross_meet_in_a_junction_though_they_share_no_vertex() -> None:
    graph = graph_of([(0, 0), (1000, 0)], [(500, -500), (500, 500)])
    assert (graph.nodes, graph.edges, graph.components) == (5, 4, 1)
    ways = find_ways(graph, [(0, 0), (500, 500)], PLAIN)
    assert ways.seconds[0, 1] == pytest.approx(100.0)
    assert ways.metres[0, 1] == pytest.approx(1000.0)


def test_pieces_of_one_speed_become_one_piece_and_a_change_of_speed_stays_a_node() -> None:
    chain = [[(0, 0), (400, 0)], [(400, 0), (700, 100)], [(700, 100), (1500, 100)]]
    assert graph_of(*chain).edges == 1
    graph = graph_of(*chain, kmh=[36.0, 36.0, 72.0])
    assert (graph.edges, graph.nodes) == (2, 3)


def test_a_drawing_gap_of_a_hand_is_closed_and_one_of_metres_is_not() -> None:
    assert graph_of([(0, 0), (1000, 0)], [(1000.2, 0), (2000, 0)]).components == 1
    assert graph_of([(0, 0), (1000, 0)], [(1003, 0), (2000, 0)]).components == 2


def test_a_side_road_that_ends_beside_the_main_road_s_vertices_joins_it() -> None:
    graph = graph_of([(0, 0), (3000, 0)], [(1000, 0.1), (1000, 900)])
    assert graph.components == 1
    assert find_ways(graph, [(0, 0), (1000, 900)], PLAIN).metres[0, 1] == pytest.approx(1900, abs=1)


def test_of_two_roads_between_the_same_junctions_the_quicker_is_taken() -> None:
    slow, quick = [(0, 0), (2000, 0)], [(0, 0), (1000, 500), (2000, 0)]
    graph = graph_of(slow, quick, kmh=[18.0, 72.0])
    ways = find_ways(graph, [(0, 0), (2000, 0)], PLAIN)
    long_m = 2 * np.hypot(1000, 500)
    assert ways.metres[0, 1] == pytest.approx(long_m)
    assert ways.seconds[0, 1] == pytest.approx(long_m / 20.0)


def test_a_line_drawn_twice_has_the_faster_speed_once() -> None:
    graph = graph_of([(0, 0), (2000, 0)], [(0, 0), (2000, 0)], kmh=[18.0, 36.0])
    assert graph.edges == 1
    assert find_ways(graph, [(0, 0), (2000, 0)], PLAIN).seconds[0, 1] == pytest.approx(200.0)


def test_a_ring_stays_joined_where_the_road_meets_it() -> None:
    ring = [(1000, 0), (1500, 500), (2000, 0), (1500, -500), (1000, 0)]
    graph = graph_of([(0, 0), (1000, 0)], ring)
    assert graph.components == 1
    half = 2 * np.hypot(500, 500)
    assert find_ways(graph, [(0, 0), (2000, 0)], PLAIN).metres[0, 1] == pytest.approx(1000 + half)


def test_points_on_one_piece_travel_along_it_and_gaps_are_added() -> None:
    graph = graph_of([(0, 0), (3000, 0)])
    access = Access(factor=1.5, speed_kmh=18.0, limit_m=500.0)
    ways = find_ways(graph, [(500, 40), (2500, -60)], access)
    assert ways.metres[0, 1] == pytest.approx(2000 + 150)
    assert ways.seconds[0, 1] == pytest.approx(200 + 150 / 5.0)
    assert np.diag(ways.seconds) == pytest.approx([0, 0])


def test_there_is_no_way_to_an_island_nor_to_a_point_far_from_all_roads() -> None:
    graph = graph_of([(0, 0), (3000, 0)], [(0, 9000), (3000, 9000)])
    places = [(0, 0), (3000, 0), (1000, 9000), (1000, 4500)]
    ways = find_ways(graph, places, PLAIN)
    reached = np.isfinite(ways.seconds)
    assert reached.tolist() == [
        [True, True, False, False],
        [True, True, False, False],
        [False, False, True, False],
        [False, False, False, False],
    ]
    assert (np.isfinite(ways.metres) == reached).all()
    assert draw_ways(graph, places, [(0, 2), (3, 1), (0, 3)], PLAIN) == [None, None, None]


def test_nobody_starts_from_a_scrap_of_road_while_there_is_a_network() -> None:
    graph = graph_of([(0, 0), (3000, 0)], [(1000, 50), (1100, 50)])
    assert snap(graph, [(1050, 60)], PLAIN).gap_m.tolist() == [60.0]
    only = graph_of([(1000, 50), (1100, 50)])
    assert snap(only, [(1050, 60)], PLAIN).gap_m.tolist() == [10.0]


def test_nothing_to_drive_on_gives_no_graph_and_a_standing_speed_is_refused() -> None:
    assert build_graph([], []) is None
    assert build_graph([None, LineString()], 30) is None
    assert build_graph([Point(0, 0)], 30) is None
    with pytest.raises(ValueError, match="speed"):
        build_graph([LineString([(0, 0), (1, 0)])], 0)


def test_a_road_of_several_parts_counts_with_all_of_them() -> None:
    road = MultiLineString([[(0, 0), (1000, 0)], [(1000, 0), (1000, 1000)]])
    graph = build_graph([road], 36)
    assert graph is not None
    assert find_ways(graph, [(0, 0), (1000, 1000)], PLAIN).metres[0, 1] == pytest.approx(2000)


def town(seed: int, size: int = 6) -> tuple[np.ndarray, list[LineString], np.ndarray, np.ndarray]:
    """Return a crooked grid: nodes, its streets, which nodes they join, and their speeds."""
    rng = np.random.default_rng(seed)
    i, j = np.divmod(np.arange(size * size), size)
    nodes = np.rint(np.column_stack([i, j]) * 400.0 + rng.uniform(-90, 90, (size * size, 2)))
    pairs = [
        (a, b)
        for a, b in itertools.combinations(range(size * size), 2)
        if abs(i[a] - i[b]) + abs(j[a] - j[b]) == 1 and rng.random() < 0.85
    ]
    streets = [LineString(nodes[list(pair)]) for pair in pairs]
    return nodes, streets, np.array(pairs), rng.choice([18.0, 36.0, 54.0], len(pairs))


@pytest.mark.parametrize("seed", range(5))
def test_ways_equal_those_of_another_algorithm_on_the_plain_street_list(seed: int) -> None:
    nodes, streets, pairs, kmh = town(seed)
    graph = build_graph(streets, kmh)
    assert graph is not None
    cost = shapely.length(streets) / (kmh / 3.6)
    plain = csr_array((cost, (pairs[:, 0], pairs[:, 1])), shape=(len(nodes), len(nodes)))
    expected = floyd_warshall(plain, directed=False)
    ours = find_ways(graph, nodes, Access(factor=1.0, speed_kmh=0.1, limit_m=0.5)).seconds
    joined = np.isin(np.arange(len(nodes)), pairs)
    big = np.flatnonzero(joined & (np.isfinite(expected).sum(axis=1) > 5))
    assert len(big) > 25
    assert ours[np.ix_(big, big)] == pytest.approx(expected[np.ix_(big, big)], rel=1e-6, abs=1e-3)


def test_a_drawn_way_is_as_long_as_the_measured_one_and_runs_from_door_to_door() -> None:
    _, streets, _, kmh = town(11)
    graph = build_graph(streets, kmh)
    assert graph is not None
    places = np.random.default_rng(2).uniform(100, 1900, (12, 2))
    ways = find_ways(graph, places, PLAIN)
    pairs = [p for p in itertools.permutations(range(12), 2) if np.isfinite(ways.seconds[p])]
    assert len(pairs) > 100
    for (a, b), line in zip(pairs, draw_ways(graph, places, pairs, PLAIN), strict=True):
        assert line is not None
        assert line.length == pytest.approx(ways.metres[a, b], rel=1e-6)
        assert line.coords[0] == pytest.approx(tuple(places[a]))
        assert line.coords[-1] == pytest.approx(tuple(places[b]))


def test_going_there_takes_as_long_as_coming_back_and_no_detour_is_shorter() -> None:
    _, streets, _, kmh = town(3)
    graph = build_graph(streets, kmh)
    assert graph is not None
    places = np.random.default_rng(5).uniform(100, 1900, (15, 2))
    seconds = find_ways(graph, places, PLAIN).seconds
    assert seconds == pytest.approx(seconds.T)
    via = (seconds[:, :, None] + seconds[None, :, :]).min(axis=1)
    assert (seconds <= via + 1e-6).all()


def test_real_streets_of_two_quarters_give_sane_ways(test_data: Path) -> None:
    roads = gpd.read_file(test_data / "haidian" / "haidian_e2e.gpkg", layer="roads")
    driven = roads["highway"].str.contains("primary|secondary|tertiary|residential|service")
    lines = project_geometries(roads.geometry[driven].to_numpy(), 4548)
    graph = build_graph(lines, 30.0)
    assert graph is not None
    assert shapely.length(graph.edge_lines).sum() == pytest.approx(
        shapely.length(lines).sum(), rel=0.02
    )
    middle = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    places = shapely.get_coordinates(middle)[:: max(1, len(middle) // 40)]
    ways = find_ways(graph, places, PLAIN)
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    # The file holds two quarters far from each other, so about half of the pairs have no way.
    reached = np.isfinite(ways.seconds) & (apart > 300)
    assert 0.25 < np.isfinite(ways.seconds).mean() < 0.9
    assert (ways.metres[reached] >= apart[reached] - 2).all()
    assert 1.1 < np.median(ways.metres[reached] / apart[reached]) < 2.0

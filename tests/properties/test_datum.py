"""Laws of the datum conversion that hold for every point of China."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.words import Datum
from geo.datum import from_wgs84, to_wgs84

LON = st.floats(72.1, 137.7)
LAT = st.floats(0.9, 55.7)
SHIFTED = st.sampled_from([Datum.GCJ02, Datum.BD09])


@given(LON, LAT, SHIFTED)
def test_a_round_trip_ends_where_it_began(lon: float, lat: float, datum: Datum) -> None:
    back = to_wgs84(*from_wgs84(lon, lat, datum), datum)
    np.testing.assert_allclose([float(v) for v in back], (lon, lat), atol=1e-9, rtol=0)


@given(LON, LAT, SHIFTED)
def test_a_reverse_round_trip_ends_where_it_began(lon: float, lat: float, datum: Datum) -> None:
    back = from_wgs84(*to_wgs84(lon, lat, datum), datum)
    np.testing.assert_allclose([float(v) for v in back], (lon, lat), atol=1e-9, rtol=0)


@given(st.lists(st.tuples(LON, LAT), min_size=1, max_size=20), SHIFTED)
def test_each_point_is_converted_on_its_own(
    points: list[tuple[float, float]], datum: Datum
) -> None:
    lon, lat = np.array(points).T
    together = to_wgs84(lon, lat, datum)
    for i in range(len(points)):
        alone = to_wgs84(lon[i], lat[i], datum)
        np.testing.assert_allclose(
            [float(v) for v in alone], (together[0][i], together[1][i]), atol=1e-11, rtol=0
        )

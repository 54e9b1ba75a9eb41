"""Expected duration: requests side by side up to a limit, computing one after the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.rehearsal import RequestPace, WorkPart, expected_seconds

REQUEST = WorkPart("request")
WORKS = st.lists(
    st.lists(
        st.one_of(
            st.just(REQUEST), st.builds(WorkPart, st.sampled_from(("wait", "compute")), st.floats(0, 2))
        ),
        max_size=4,
    ),
    max_size=5,
)


@pytest.mark.parametrize(
    ("works", "pace", "seconds"),
    [
        ([], RequestPace(latency=1.0, workers=2, in_flight=2), 0.0),
        ([[REQUEST, WorkPart("wait", 3.0), REQUEST]], RequestPace(latency=1.0, workers=2, in_flight=2), 5.0),
        ([[REQUEST] * 2] * 4, RequestPace(latency=1.0, workers=2, in_flight=2), 4.0),
        ([[REQUEST] * 2] * 4, RequestPace(latency=1.0, workers=4, in_flight=2), 4.0),
        ([[REQUEST, WorkPart("wait", 1.0)]] * 2, RequestPace(latency=1.0, workers=2, in_flight=1), 3.0),
        ([[REQUEST]] * 4, RequestPace(latency=1.0, workers=4, in_flight=4, gap=0.5), 2.5),
        ([[WorkPart("compute", 1.0)]] * 3, RequestPace(latency=1.0, workers=3, in_flight=3), 3.0),
        (
            [[WorkPart("wait", 2.0)], [REQUEST], [REQUEST]],
            RequestPace(latency=1.0, workers=2, in_flight=2),
            2.0,
        ),
    ],
)
def test_some(works: list[list[WorkPart]], pace: RequestPace, seconds: float) -> None:
    """These take as long as a person would work out."""
    assert expected_seconds(works, pace) == pytest.approx(seconds)


@given(works=WORKS, workers=st.integers(1, 5), in_flight=st.integers(1, 5), latency=st.floats(0, 2))
def test_bounds(works: list[list[WorkPart]], workers: int, in_flight: int, latency: float) -> None:
    """Nothing is faster than its longest work, nor slower than one work after the other."""

    def alone(parts: list[WorkPart]) -> float:
        return sum(latency if part == REQUEST else part.seconds for part in parts)

    found = expected_seconds(works, RequestPace(latency=latency, workers=workers, in_flight=in_flight))
    each = [alone(parts) for parts in works]
    assert max(each, default=0.0) - 1e-9 <= found <= sum(each) + 1e-9
    one_by_one = expected_seconds(works, RequestPace(latency=latency, workers=1, in_flight=in_flight))
    assert one_by_one == pytest.approx(sum(each))

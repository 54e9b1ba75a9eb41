"""Text that fits a terminal: nothing is cut, and no line is too wide."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from strategies import LAWS

from reconciler.render import duration_text, time_text
from reconciler.render.layout import NARROWEST, hanging, table

_NOW = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
_WIDTHS = st.integers(NARROWEST, 130)
_CELLS = st.text(st.sampled_from("ab漢é- ."), min_size=1, max_size=50).map(str.strip).filter(bool)


def _letters(text: str) -> str:
    return "".join(text.split())


@LAWS
@given(
    _CELLS | st.text(st.sampled_from("ab 漢"), max_size=300),
    _WIDTHS,
    st.sampled_from(["", "  + ", "      note: "]),
)
def test_a_paragraph_fits(text: str, width: int, first: str) -> None:
    """Every character but white space is kept, and the lines that follow are indented like the first."""
    lines = hanging(text, width, first=first)
    assert _letters("".join(lines)) == _letters(first + text)
    assert all(cell_len(line) <= width for line in lines)
    assert lines[0].startswith(first)
    assert all(line.startswith(" " * len(first)) for line in lines[1:])
    assert hanging(text, None, first=first) == [first + text]


@LAWS
@given(st.lists(st.tuples(*[_CELLS] * 6), max_size=4), _WIDTHS)
def test_a_table_fits(rows: list[tuple[str, ...]], width: int) -> None:
    """Every cell is in the table, in one column, however narrow the terminal is."""
    heads = ("SYNC", "WORKFLOW", "ID", "STATUS", "LAST EXECUTION", "STARTED")
    lines = table(heads, rows, width=width)
    plain = [line.replace("\x1b[2m", "").replace("\x1b[0m", "") for line in lines]
    assert all(cell_len(line) <= width for line in plain)
    letters = _letters("".join(plain))
    assert all(
        letters.count(letter) >= sum(cell.count(letter) for row in rows for cell in row) for letter in "b漢é."
    )


@LAWS
@given(st.integers(10, 60), _WIDTHS)
def test_a_column_may_stay_whole(length: int, width: int) -> None:
    """A cell of such a column is on one line, unless it alone is wider than the terminal."""
    rows = [("a workflow with a name of many words, so that it is folded", "x" * length, "2 h ago")]
    lines = table(("WORKFLOW", "EXECUTION", "STARTED"), rows, width=width, whole=["EXECUTION"])
    plain = [line.replace("\x1b[2m", "").replace("\x1b[0m", "") for line in lines]
    assert all(cell_len(line) <= width for line in plain)
    assert "x" * min(length, width) in "".join(plain) or width < length + len("execution ")


def test_what_has_no_room_goes_below_its_row() -> None:
    """A cell goes on in the next line; a column without room is named below the row."""
    heads = ("SYNC", "WORKFLOW", "ID", "STATUS", "LAST EXECUTION", "STARTED")
    rows = [
        ("out of sync", "customer-churn-scoring-for-the-north", "1234567", "Available", "Success", "2 h ago")
    ]
    plain = [line.replace("\x1b[2m", "").replace("\x1b[0m", "") for line in table(heads, rows, width=60)]
    assert plain == [
        "SYNC         WORKFLOW                     ID       STATUS",
        "out of sync  customer-churn-scoring-for-  1234567  Available",
        "             the-north",
        "    last execution Success, started 2 h ago",
    ]


@pytest.mark.parametrize(
    ("stamp", "relative", "exact"),
    [
        ("2026-05-04T10:00:00.000Z", "2 h ago", "2026-05-04T10:00:00Z"),
        ("2026-05-04T11:59:59.900Z", "just now", "2026-05-04T11:59:59Z"),
        ("2026-05-04T13:30:00+02:00", "30 min ago", "2026-05-04T11:30:00Z"),
        ("2026-05-04T12:00:20Z", "in 20 s", "2026-05-04T12:00:20Z"),
        ("2026-05-02T13:00:00Z", "47 h ago", "2026-05-02T13:00:00Z"),
        ("2026-05-02T11:00:00Z", "2 d ago", "2026-05-02T11:00:00Z"),
        ("soon", "soon", "soon"),
        (None, None, None),
    ],
)
def test_times(stamp: str | None, relative: str | None, exact: str | None) -> None:
    """A time is given as people say it, or exactly; what is no time stays as it is."""
    assert time_text(stamp, _NOW) == relative
    assert time_text(stamp, None) == exact


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (150, "2 min 30 s"), (3900, "1 h 5 min"), (273_600, "3 d 4 h")],
)
def test_durations(seconds: float, text: str) -> None:
    """A duration has its two largest units."""
    assert duration_text(seconds) == text

"""Merge of the results of units: the report is their sum, in any order and in any parts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click import unstyle
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS

from reconciler.errors import InvalidInputError
from reconciler.fleet import merge, read_results
from reconciler.render import fleet_text

if TYPE_CHECKING:
    from pathlib import Path

_CODES = (1, 4, 3, 64, 2, 0)


def _unit(number: int, of: int, *, code: int = 0, done: int = 1, error: str | None = None) -> dict[str, Any]:
    report = {"summary": {"done": done, "failed": 0}, "traffic": {"requests": done * 3, "waited": 0.1}}
    return {
        "format_version": 1,
        "command": "apply",
        "environment": f"e{number // 2}",
        "shard": f"{number % 2 + 1}/2",
        "unit": number,
        "units": of,
        "exit_code": code,
        "skipped": False,
        "seconds": 1.0,
        "error": error,
        "hint": None,
        "messages": [],
        "report": None if error else report,
    }


@LAWS
@given(st.lists(st.tuples(st.sampled_from(_CODES), st.integers(0, 50)), min_size=1, max_size=9), st.data())
def test_the_report_is_the_sum(results: list[tuple[int, int]], data: st.DataObject) -> None:
    """Counts are added, the exit code is the worst, and the order of the results does not matter."""
    units = [_unit(n, len(results), code=code, done=done) for n, (code, done) in enumerate(results)]
    report = merge(data.draw(st.permutations(units)))
    assert report == merge(units)
    assert report["summary"] == {"done": sum(done for _, done in results), "failed": 0}
    assert report["exit_code"] == min((code for code, _ in results), key=_CODES.index)
    environments: Any = report["environments"]
    assert [unit for each in environments for unit in each["units"]] == units
    assert sum(each["summary"]["done"] for each in environments) == report["summary"]["done"]


def test_a_missing_unit_fails_the_report() -> None:
    """A job that left no result is counted, and the report says so."""
    report = merge([_unit(0, 3), _unit(2, 3)])
    assert (report["missing"], report["exit_code"]) == (1, 1)
    assert "1 result is missing." in fleet_text(report)


def test_a_merged_report_can_be_merged_again(tmp_path: Path) -> None:
    """A part that was merged counts as its units, and a log counts as the results in its lines."""
    (tmp_path / "part.json").write_text(json.dumps(merge([_unit(0, 3), _unit(1, 3, error="gone")]), indent=2))
    (tmp_path / "pod.log").write_text(f"unit 2 of 3: e1\n{{not json\n{json.dumps(_unit(2, 3))}\n")
    report = merge(read_results([tmp_path / "part.json", tmp_path / "pod.log"]))
    assert report == merge([_unit(0, 3), _unit(1, 3, error="gone"), _unit(2, 3)])


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ([], "no results"),
        ([_unit(0, 2), _unit(0, 2)], "e0 1/2"),
        ([_unit(0, 2), _unit(1, 3)], "different fleets"),
        ([{**_unit(0, 2), "unit": "0"}], "not a whole number"),
    ],
)
def test_results_that_do_not_go_together(units: list[dict[str, Any]], message: str) -> None:
    """Results of another fleet, or of one unit twice, are refused: the sums would be wrong."""
    with pytest.raises(InvalidInputError, match=message):
        merge(units)


@pytest.mark.parametrize("text", ["", "no json", '{"environments": [{"units": [1]}]}', "[" * 200, "{}"])
def test_files_without_a_result(tmp_path: Path, text: str) -> None:
    """A file that holds no result is an error that names it, never a smaller report."""
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(InvalidInputError, match=r"x\.json"):
        read_results([file])


def test_the_text_names_what_is_wrong() -> None:
    """Errors, hints, messages and failed workflows are below their environment; the total names those."""
    failed = _unit(1, 3, code=1)
    failed["report"]["results"] = [
        {"name": f"w{n}", "action": "update", "error": "422: no"} for n in range(7)
    ]
    broken = {**_unit(2, 3, code=3, error="invalid"), "hint": "Fix it.", "messages": ["a.yaml:1: wrong"]}
    text = fleet_text(merge([_unit(0, 3), failed, broken]))
    for line in (
        "  w4: 422: no",
        "  and 2 more, which --format json lists",
        "  Fix it.",
        "  a.yaml:1: wrong",
        "2 not in full: e0, e1.",
    ):
        assert line in text


def test_what_several_shards_say_is_said_once() -> None:
    """A tenant that is gone has one line, however many shards it has, and no counts."""
    gone = [
        {**_unit(n, 4, code=1, error=f"gone (request id {n})"), "hint": "Look.", "messages": ["a: b"]}
        for n in range(2)
    ]
    text = unstyle(fleet_text(merge([*gone, _unit(2, 4), {**_unit(3, 4), "skipped": True, "report": None}])))
    assert text.splitlines()[:5] == [
        "e0: error: gone (request id 0)",
        "  Look.",
        "  a: b",
        "e1: 1 done",
        "  e1 2/2: skipped",
    ]


def test_an_apply_without_changes() -> None:
    """Where there was nothing to apply, the text says so, and not that there are no workflows."""
    assert "Total of 1 environment: no changes." in fleet_text(merge([_unit(0, 1, done=0)]))

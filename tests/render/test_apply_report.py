"""The report of an apply as text: equal reasons once, with a count, and an interrupted run in one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import click
import pytest

from reconciler.apply import Report, Result, Status
from reconciler.client import Traffic
from reconciler.plan import Action, Plan
from reconciler.render import report_text
from reconciler.render.apply_report import _shared_reasons, apply_page
from reconciler.render.report_page import Fact
from reconciler.secrecy import Redactor


@dataclass(frozen=True)
class _Action:
    name: str


def _result(name: str, status: Status = Status.DONE, error: str = "", **more: Any) -> Result:
    return Result(action=cast("Action", _Action(name)), status=status, error=error, **more)


def _lines(*results: Result, interrupted: bool = False, width: int | None = None) -> list[str]:
    report = Report(results=results, interrupted=interrupted)
    return click.unstyle(report_text(report, Traffic(), Redactor(), width)).splitlines()


def test_equal_failures_share_a_line() -> None:
    """Two workflows with the same error are named together; of errors with other ids the first is shown."""
    refused = "the server answered 403. Check the token."
    assert _lines(
        _result("a", Status.FAILED, refused),
        _result("b"),
        _result("c", Status.FAILED, refused),
        _result("d", Status.FAILED, "id 7 is gone"),
        _result("e", Status.FAILED, "id 8 is gone"),
        _result("f", Status.BLOCKED, "it is protected"),
    )[:-1] == [
        f"  failed: 2 workflows (a, c): {refused}",
        "  failed: 2 workflows (d, e), the first one: id 7 is gone",
        "  blocked: f: it is protected",
        "Applied: 1 done, 4 failed, 0 skipped, 1 blocked.",
    ]


def test_many_equal_failures_are_counted() -> None:
    """Of 500 names 20 are shown, and the others are counted."""
    first, *_ = _lines(*(_result(f"w{number}", Status.FAILED, "no") for number in range(500)))
    assert first.startswith("  failed: 500 workflows (w0, w1, ")
    assert first.endswith(", w19 and 480 more): no")


@pytest.mark.parametrize(
    ("status", "in_doubt", "words"),
    [
        (Status.FAILED, True, "1 applied, 1 in doubt, 12 not started"),
        (Status.FAILED, False, "1 applied, 0 in doubt, 1 failed, 12 not started"),
        (Status.BLOCKED, False, "1 applied, 0 in doubt, 1 blocked, 12 not started"),
    ],
)
def test_an_interrupted_run(status: Status, words: str, *, in_doubt: bool) -> None:
    """What was not started is counted, not listed; what is in doubt keeps its line."""
    waiting = [_result(f"w{number}", Status.NOT_TRIED, "the run was stopped") for number in range(12)]
    lines = _lines(_result("a"), _result("b", status, "why", in_doubt=in_doubt), *waiting, interrupted=True)
    assert lines[:-1] == [
        f"  {status.value}: b: why",
        f"Interrupted: {words}.",
        "Apply again to go on: what is applied is not written a second time.",
    ]


def test_it_fits_the_terminal() -> None:
    """A long reason goes on in the next lines, further to the right."""
    lines = _lines(_result("a", Status.FAILED, "because " * 20), width=60)
    assert all(len(line) <= 60 for line in lines)
    assert lines[1].startswith("    because")


def test_equal_failures_lead_the_comment() -> None:
    """A page and a comment begin with the errors that many workflows share, and their number."""
    results = [_result(f"w{number}", Status.FAILED, f"id {number} answered 403") for number in range(7)]
    page = apply_page(Plan(actions=()), Report(results=()), Traffic(), Redactor())
    assert not [fact for fact in page.facts if "alike" in fact.label]
    facts = _shared_reasons(Report(results=(*results, _result("x", Status.FAILED, "other"))), Redactor())
    assert facts == [Fact("7 failed alike", "id 0 answered 403 (w0, w1, w2, w3, w4, …)", stands_out=True)]

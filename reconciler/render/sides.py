"""Comparisons of two sides as text, as JSON and as a report. Of each change, the left value comes first."""

from __future__ import annotations

from typing import Final

from reconciler.json_documents import document_text, versioned
from reconciler.plan import SideComparison, SideWorkflow, WorkflowDifference
from reconciler.render.action_lines import redacted
from reconciler.render.change_lines import lines_text
from reconciler.render.layout import hanging, titled
from reconciler.render.plan_as_json import change_value, changed_steps
from reconciler.render.report_page import Count, ReportEntry, ReportPage, StepChange
from reconciler.render.trees import step_lines
from reconciler.secrecy import Redactor
from reconciler.text import printable
from reconciler.values import JsonObject, JsonValue
from reconciler.workflow import StepGraph

FORMAT_VERSION: Final = 1
_INDENT: Final = "      "
_ALL: Final = "--format json"


def sides_text(comparison: SideComparison, redactor: Redactor, width: int | None = None) -> str:
    """Return what differs as text: workflows of one side first, then each difference, then the counts.

    Args:
        comparison: The comparison.
        redactor: Removes known secrets.
        width: The columns of the terminal; `None` for lines of any length.
    """
    left, right = printable(comparison.left), printable(comparison.right)
    lines = []
    for sign, side, items, colour in (
        ("-", left, comparison.only_left, "red"),
        ("+", right, comparison.only_right, "green"),
    ):
        for item in items:
            head = f"{sign} {printable(item.name)}"
            lines += titled(head, f"only in {side}  {_place(item)}", colour, width, _INDENT)
    lines += [""] if lines else []
    for pair in comparison.different:
        places = f"{_place(pair.left)} → {_place(pair.right)}"
        lines += titled(f"~ {printable(pair.left.name)}", places, "yellow", width, _INDENT)
        for change in pair.changes:
            lines += lines_text(step_lines(redacted(change, redactor), _ALL), _INDENT, width)
        lines += [""]
    return "\n".join([*lines, *hanging(sides_summary(comparison), width, rest="  ")])


def _place(item: SideWorkflow) -> str:
    return printable(str(item.source)) if item.source else f"id {item.id}"


def sides_summary(comparison: SideComparison) -> str:
    """Return the counts in one line."""
    left, right = printable(comparison.left), printable(comparison.right)
    unseen = _unseen(comparison.unseen)
    if comparison.same:
        workflows = "1 workflow is" if comparison.equal == 1 else f"{comparison.equal} workflows are"
        return f"No differences between {left} and {right}. {workflows} equal.{unseen}"
    counts = (
        (len(comparison.different), "different"),
        (len(comparison.only_left), f"only in {left}"),
        (len(comparison.only_right), f"only in {right}"),
        (comparison.equal, "equal"),
    )
    words = ", ".join(f"{number} {word}" for number, word in counts if number)
    return f"Differences from {left} to {right}: {words}.{unseen}"


def _unseen(number: int) -> str:
    if number == 1:
        return " 1 field that a tenant does not return was not compared."
    return f" {number} fields that a tenant does not return were not compared." if number else ""


def sides_json(comparison: SideComparison, redactor: Redactor) -> str:
    """Return what differs as one JSON object, without any secret."""
    fields: JsonObject = {
        "left": comparison.left,
        "right": comparison.right,
        "summary": {
            "different": len(comparison.different),
            "only_left": len(comparison.only_left),
            "only_right": len(comparison.only_right),
            "equal": comparison.equal,
            "unseen_fields": comparison.unseen,
        },
        "only_left": [_workflow(item) for item in comparison.only_left],
        "only_right": [_workflow(item) for item in comparison.only_right],
        "different": [_different(item, redactor) for item in comparison.different],
    }
    return document_text(versioned(FORMAT_VERSION, fields))


def _workflow(item: SideWorkflow) -> JsonObject:
    position = item.source.position(("name",)) if item.source else None
    return {
        "name": item.name,
        "id": item.id,
        "file": item.source.file if item.source else None,
        "line": position.line if position else None,
    }


def _different(item: WorkflowDifference, redactor: Redactor) -> JsonObject:
    fields: list[JsonValue] = [
        {
            "path": list(change.path),
            "left": change_value(change.before, redactor, change.path),
            "right": change_value(change.after, redactor, change.path),
            "sensitive": change.sensitive,
        }
        for change in item.changes
    ]
    return {
        "name": item.left.name,
        "left": _workflow(item.left),
        "right": _workflow(item.right),
        "fields": fields,
    }


def sides_page(comparison: SideComparison, redactor: Redactor) -> ReportPage:
    """Return what differs as a report: workflows of one side first, then each difference."""
    left, right = comparison.left, comparison.right
    counts = {
        "different": len(comparison.different),
        "left only": len(comparison.only_left),
        "right only": len(comparison.only_right),
    }
    return ReportPage(
        kind="diff",
        title="Differences",
        summary=sides_summary(comparison),
        quotes=True,
        counts=tuple(Count(*item) for item in counts.items()),
        entries=(
            *(_only_entry(item, "left only", left) for item in comparison.only_left),
            *(_only_entry(item, "right only", right) for item in comparison.only_right),
            *(_different_entry(item, redactor) for item in comparison.different),
        ),
        sides=(left, right),
        rest="The job's log has the whole diff.",
    )


def _only_entry(item: SideWorkflow, word: str, side: str) -> ReportEntry:
    return ReportEntry(
        name=item.name,
        word=word,
        id=item.id,
        place=str(item.source) if item.source else "",
        facts=(f"only in {side}",),
        steps=StepChange(after=StepGraph.of(item.body)),
        is_first=True,
    )


def _different_entry(item: WorkflowDifference, redactor: Redactor) -> ReportEntry:
    shown = (redacted(change, redactor) for change in item.changes)
    changed = changed_steps(item.changes)
    graphs = StepChange(
        before=StepGraph.of(item.left.body), after=StepGraph.of(item.right.body), changed=changed
    )
    return ReportEntry(
        name=item.left.name,
        word="different",
        facts=(f"{_place(item.left)} → {_place(item.right)}",),
        changes=tuple(tuple(step_lines(change, _ALL)) for change in shown),
        steps=graphs if changed else None,
    )

"""Comparisons of two sides as text, JSON and Markdown. Of each change, the left value comes first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.json_documents import document_text, versioned
from reconciler.plan import SideComparison, SideWorkflow, WorkflowDifference
from reconciler.render.action_lines import redacted
from reconciler.render.change_lines import lines_text
from reconciler.render.markup import code, diff_block, paint, size
from reconciler.render.plan_as_json import change_value
from reconciler.render.plan_as_markdown import LEAST, LIMIT
from reconciler.render.trees import step_lines
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable
from reconciler.values import JsonObject, JsonValue

FORMAT_VERSION: Final = 1
_MARKER: Final = "<!-- peak-reconciler:diff -->"
_INDENT: Final = "      "
_LONGEST_LINE: Final = 500
_FOR_THE_NOTE: Final = 200


def sides_text(comparison: SideComparison, redactor: Redactor, width: int | None = None) -> str:
    """Return what differs as text: workflows of one side first, then each difference, then the counts.

    Args:
        comparison: The comparison.
        redactor: Removes known secrets.
        width: The columns of the terminal; `None` for lines of any length.
    """
    left, right = printable(comparison.left), printable(comparison.right)
    lines = [
        *(_only(item, "-", left, "red") for item in comparison.only_left),
        *(_only(item, "+", right, "green") for item in comparison.only_right),
    ]
    lines += [""] if lines else []
    for item in comparison.different:
        places = f"{_place(item.left)} → {_place(item.right)}"
        lines += [paint(f"  ~ {printable(item.left.name)}", "yellow") + f"  {paint(places, 'dim')}"]
        for change in item.changes:
            lines += lines_text(step_lines(redacted(change, redactor)), _INDENT, width)
        lines += [""]
    return "\n".join([*lines, sides_summary(comparison)])


def _only(item: SideWorkflow, sign: str, side: str, colour: str) -> str:
    head = paint(f"  {sign} {printable(item.name)}", colour)
    return f"{head}  only in {side}  {paint(_place(item), 'dim')}"


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


def sides_markdown(comparison: SideComparison, redactor: Redactor, limit: int = LIMIT) -> str:
    """Return what differs as Markdown of at most `limit` bytes; a note counts what is left out.

    A smaller limit than `LEAST` counts as `LEAST`.
    """
    room = max(limit, LEAST) - _FOR_THE_NOTE
    shown = f"{_MARKER}\n### {code(sides_summary(comparison))}"
    parts = list(_parts(comparison, redactor))
    for number, (title, fields) in enumerate(parts):
        part = f"{title}\n\n{diff_block(fields)}" if fields else title
        part = part if size(shown) + size(part) + 2 <= room else f"{title}: too large to show"
        if size(shown) + size(part) + 2 > room:
            rest = "The job's log has the whole diff."
            return f"{shown}\n\n> **Cut to fit:** {len(parts) - number} workflows omitted. {rest}"
        shown += f"\n\n{part}"
    return shown


def _parts(comparison: SideComparison, redactor: Redactor) -> Iterator[tuple[str, list[str]]]:
    """Yield the title of each difference, and the lines of its fields."""
    for side, items in ((comparison.left, comparison.only_left), (comparison.right, comparison.only_right)):
        for item in items:
            yield f"**only in** {code(side, 100)}: {code(item.name, 200)} ({code(_place(item))})", []
    for difference in comparison.different:
        changes = (redacted(change, redactor) for change in difference.changes)
        lines = [line for change in changes for line in step_lines(change)]
        fields = [f"{line.sign} {clip(printable(line.text), _LONGEST_LINE)}" for line in lines]
        yield f"**different** {code(difference.left.name, 200)}", fields

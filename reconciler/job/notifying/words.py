"""The words that every format of a notification has: a title, the facts, and a line for each workflow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from reconciler.job.outcome import Outcome, OutcomeKind, Touched
from reconciler.text import clip

T = TypeVar("T")

MOST_WORKFLOWS: Final = 50
"""How many workflows a message names; the others are counted."""

_LONGEST_LINE: Final = 300
_HAPPENED: Final = {
    OutcomeKind.FAILURE: "failed",
    OutcomeKind.DRIFT: "found drift",
    OutcomeKind.CHANGE: "changed the tenant",
}
_FIRST: Final = ("failed", "blocked", "not_tried")
"""The statuses that are told first."""


def title(outcome: Outcome) -> str:
    """Return what happened, in one short line without anything from outside but the environment's name."""
    happened = " and ".join(_HAPPENED[kind] for kind in outcome.kinds) or "found nothing to do"
    where = f" ({outcome.environment})" if outcome.environment else ""
    return clip(f"Peak reconciler {happened}{where}", 120)


def facts(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Yield what is known of the run, by name."""
    if outcome.tenant:
        yield "tenant", outcome.tenant
    if outcome.stage:
        yield "stage", outcome.stage
    yield "run", outcome.run_id
    yield "exit code", str(outcome.exit_code)
    counts = {name: count for name, count in (outcome.planned or {}).items() if count}
    if counts:
        yield "plan", ", ".join(f"{count} {name}" for name, count in counts.items())
    got = {name: count for name, count in outcome.by_status().items() if count}
    if got:
        yield "result", ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in got.items())


def told(outcome: Outcome) -> tuple[tuple[Touched, ...], int]:
    """Return the workflows that a message names, those that went wrong first, and how many it leaves out."""
    ordered = sorted(outcome.touched, key=lambda item: item.status not in _FIRST)
    return tuple(ordered[:MOST_WORKFLOWS]), max(0, len(ordered) - MOST_WORKFLOWS)


def lines(outcome: Outcome) -> list[str]:
    """Return the error, if one ended the run, and one line for each finding and workflow; each bounded."""
    named, left = told(outcome)
    found = [*([outcome.error] if outcome.error else []), *outcome.findings]
    found += [_line(item) for item in named]
    return [clip(line, _LONGEST_LINE) for line in found] + ([f"… and {left} more"] if left else [])


def fitting(pieces: Sequence[T], size: Callable[[T], int], room: int) -> tuple[list[T], list[str]]:
    """Return as many whole pieces as `room` holds, and the line that counts the others, if there are any."""
    kept: list[T] = []
    for piece in pieces:
        room -= size(piece)
        if room < 0:
            return kept, [f"… and {len(pieces) - len(kept)} more lines"]
        kept.append(piece)
    return kept, []


def _line(item: Touched) -> str:
    status = item.status.replace("_", " ")
    return f"{item.action} {item.name}: {status}" + (f": {item.error}" if item.error else "")

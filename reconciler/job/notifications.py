"""Notifications about a run, in the format of each kind of webhook.

Pure. Every text from a manifest or the API stays text: it cannot mention, link or format anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from reconciler import __version__
from reconciler.job.outcome import Outcome, OutcomeKind, WorkflowOutcome
from reconciler.json_documents import versioned
from reconciler.render import status_word
from reconciler.text import clip
from reconciler.timestamps import rfc3339_milliseconds
from reconciler.values import JsonObject, JsonValue

T = TypeVar("T")

_FORMAT_VERSION: Final = 1
_MOST_WORKFLOWS: Final = 50
"""The workflows that a message names; it counts the others."""

_LONGEST_LINE: Final = 300
_EVENTS: Final = {
    OutcomeKind.FAILURE: "failed",
    OutcomeKind.PLATFORM: "found that the platform has changed",
    OutcomeKind.DRIFT: "found drift",
    OutcomeKind.CHANGE: "changed the tenant",
}
_SHOWN_FIRST: Final = ("failed", "blocked", "not_tried")

_SLACK_SECTION: Final = 2900
"""The characters of a section; Slack accepts 3000."""

_ZERO_WIDTH_SPACE: Final = "\u200b"

_TEAMS_SCHEMA: Final = "http://adaptivecards.io/schemas/adaptive-card.json"
_TEAMS_BYTES: Final = 18_000
"""The bytes of the lines; Teams accepts messages of 28 KB."""


def notification(outcome: Outcome, form: str) -> bytes:
    """Return the body of the message about a run, as ASCII JSON.

    Args:
        outcome: The outcome of the run.
        form: One of `FORMATS`.
    """
    return json.dumps(FORMATS[form](outcome), ensure_ascii=True).encode("ascii")


def _title(outcome: Outcome) -> str:
    """Return one short line in which only the environment's name comes from outside."""
    events = " and ".join(_EVENTS[kind] for kind in outcome.kinds) or "found no changes"
    where = f" ({outcome.environment})" if outcome.environment else ""
    return clip(f"Peak reconciler {events}{where}", 120)


def _facts(outcome: Outcome) -> Iterator[tuple[str, str]]:
    if outcome.tenant:
        yield "tenant", outcome.tenant
    if outcome.stage:
        yield "stage", outcome.stage
    yield "run", outcome.run_id
    yield "exit code", str(outcome.exit_code)
    planned = [f"{count} {name}" for name, count in (outcome.planned or {}).items() if count]
    if planned:
        yield "plan", ", ".join(planned)
    results = [f"{count} {status_word(name)}" for name, count in outcome.by_status().items() if count]
    if results:
        yield "result", ", ".join(results)


def _named(outcome: Outcome) -> tuple[tuple[WorkflowOutcome, ...], int]:
    """Return the workflows that a message names, those with problems first, and the number of others."""
    ordered = sorted(outcome.workflows, key=lambda item: item.status not in _SHOWN_FIRST)
    return tuple(ordered[:_MOST_WORKFLOWS]), max(0, len(ordered) - _MOST_WORKFLOWS)


def _lines(outcome: Outcome) -> list[str]:
    """Return the error that ended the run, and one line for each finding and workflow; each bounded."""
    named, left = _named(outcome)
    found = [*([outcome.error] if outcome.error else []), *outcome.findings, *outcome.platform_changes]
    found += [_line(item) for item in named]
    return [clip(line, _LONGEST_LINE) for line in found] + ([f"… and {left} more"] if left else [])


def _line(item: WorkflowOutcome) -> str:
    line = f"{item.action} {item.name}: {status_word(item.status)}"
    return f"{line}: {item.error}" if item.error else line


def _fitting(pieces: Sequence[T], size: Callable[[T], int], room: int) -> tuple[list[T], list[str]]:
    """Return as many whole pieces as `room` holds, and a line that counts the others, if there are any."""
    kept: list[T] = []
    for piece in pieces:
        room -= size(piece)
        if room < 0:
            return kept, [f"… and {len(pieces) - len(kept)} more lines"]
        kept.append(piece)
    return kept, []


def _generic_message(outcome: Outcome) -> JsonObject:
    """Return everything known of a run, in the documented format (`schemas/notification.json`)."""
    named, left = _named(outcome)
    fields: JsonObject = {
        "tool_version": __version__,
        "kinds": [kind.value for kind in outcome.kinds],
        "title": _title(outcome),
        "text": "\n".join(_lines(outcome)),
        "run_id": outcome.run_id,
        "started": rfc3339_milliseconds(outcome.started),
        "ended": rfc3339_milliseconds(outcome.ended),
        "duration_seconds": round(outcome.seconds, 3),
        "exit_code": outcome.exit_code,
        "dry_run": outcome.dry_run,
        "environment": outcome.environment or None,
        "tenant": outcome.tenant or None,
        "stage": outcome.stage or None,
        "planned": None if outcome.planned is None else dict[str, JsonValue](outcome.planned),
        "results": dict[str, JsonValue](outcome.by_status()),
        "error": outcome.error or None,
        "workflows": [_workflow(item) for item in named],
        "workflows_left_out": left,
    }
    return versioned(_FORMAT_VERSION, fields)


def _workflow(item: WorkflowOutcome) -> JsonObject:
    return {
        "name": item.name,
        "action": item.action,
        "status": item.status,
        "id": item.id,
        "error": item.error[:300] or None,
    }


def _slack_message(outcome: Outcome) -> JsonObject:
    """Return the message for a Slack incoming webhook: `text` for the banner, `blocks` for the message.

    Slack reads `&`, `<` and `>` as control characters; escaped, they make no link and no mention
    (`<!channel>`, `<@U…>`). Texts from outside are in code blocks, where nothing else is formatted.
    """
    title = _slack_escaped(_title(outcome))
    blocks: list[JsonValue] = [_slack_section(f"*{title}*")]
    for lines in ([f"{name}: {value}" for name, value in _facts(outcome)], _lines(outcome)):
        if lines:
            escaped = [_slack_escaped(line) for line in lines]
            kept, more = _fitting(escaped, lambda line: len(line) + 1, _SLACK_SECTION)
            blocks.append(_slack_section("```" + "\n".join([*kept, *more]) + "```"))
    return {"text": title, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _slack_section(text: str) -> JsonObject:
    # Verbatim: Slack does not turn links, channels or names in it into markup.
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _slack_escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("`", "'").replace("@", f"@{_ZERO_WIDTH_SPACE}")


def _teams_message(outcome: Outcome) -> JsonObject:
    """Return the message for a Microsoft Teams workflow webhook: an Adaptive Card.

    Teams reads Markdown in a `TextBlock` and in facts, but not in the runs of a `RichTextBlock`, so every
    text is there. A mention would need an entity next to the text, and there is none.
    """
    colour = "Attention" if OutcomeKind.FAILURE in outcome.kinds else "Warning" if outcome.dry_run else "Good"
    lines = [_teams_line(line) for line in _lines(outcome)]
    kept, more = _fitting(lines, lambda block: len(json.dumps(block)), _TEAMS_BYTES)
    body: list[JsonValue] = [
        _teams_block(_title(outcome), size="Medium", weight="Bolder", color=colour),
        *(_teams_block(f"{name}: {value}", isSubtle=True) for name, value in _facts(outcome)),
        *kept,
        *map(_teams_line, more),
    ]
    card: JsonObject = {"$schema": _TEAMS_SCHEMA, "type": "AdaptiveCard", "version": "1.4", "body": body}
    attachment: JsonObject = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "summary": _title(outcome), "attachments": [attachment]}


def _teams_line(text: str) -> JsonObject:
    return _teams_block(text, fontType="Monospace", size="Small")


def _teams_block(text: str, **style: JsonValue) -> JsonObject:
    run: JsonObject = {"type": "TextRun", "text": clip(text, _LONGEST_LINE), **style}
    return {"type": "RichTextBlock", "inlines": [run]}


FORMATS: Final[Mapping[str, Callable[[Outcome], JsonObject]]] = {
    "generic": _generic_message,
    "slack": _slack_message,
    "teams": _teams_message,
}
"""The formats of messages, by the values of `--notify-format`."""

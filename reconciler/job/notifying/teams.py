"""A notification as Microsoft Teams' workflow webhooks take it: a message with an Adaptive Card.

Teams reads Markdown in a `TextBlock` and in facts, and none in the runs of a `RichTextBlock`: everything
from outside stands there. A mention needs an entity beside the text, and there is none.
"""

from __future__ import annotations

import json
from typing import Final

from reconciler.job.notifying.words import facts, fitting, lines, title
from reconciler.job.outcome import Outcome, OutcomeKind
from reconciler.text import clip
from reconciler.values import JsonObject, JsonValue

_SCHEMA: Final = "http://adaptivecards.io/schemas/adaptive-card.json"
_MOST_BYTES: Final = 18_000
"""Of the lines: Teams takes messages of 28 KB, whole."""

_LONGEST_RUN: Final = 300


def teams_message(outcome: Outcome) -> JsonObject:
    """Return the message about a run."""
    colour = "Attention" if OutcomeKind.FAILURE in outcome.kinds else "Warning" if outcome.dry_run else "Good"
    body: list[JsonValue] = [
        _block(title(outcome), size="Medium", weight="Bolder", color=colour),
        *(_block(f"{name}: {value}", isSubtle=True) for name, value in facts(outcome)),
        *_fitting([_line(line) for line in lines(outcome)]),
    ]
    card: JsonObject = {"$schema": _SCHEMA, "type": "AdaptiveCard", "version": "1.4", "body": body}
    attachment: JsonObject = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "summary": title(outcome), "attachments": [attachment]}


def _line(text: str) -> JsonObject:
    return _block(text, fontType="Monospace", size="Small")


def _block(text: str, **style: JsonValue) -> JsonObject:
    run: JsonObject = {"type": "TextRun", "text": clip(text, _LONGEST_RUN), **style}
    return {"type": "RichTextBlock", "inlines": [run]}


def _fitting(blocks: list[JsonObject]) -> list[JsonObject]:
    """Return as many blocks as a message holds, and how many are left out."""
    kept, more = fitting(blocks, lambda block: len(json.dumps(block)), _MOST_BYTES)
    return [*kept, *map(_line, more)]

"""A notification as Slack's incoming webhooks take it: `text` for the banner, `blocks` for the message.

Slack reads `&`, `<` and `>` as control characters: with these escaped, no link and no mention (`<!channel>`,
`<@U…>`) can come about. Everything from outside stands in a code block, where nothing else is formatted.
"""

from __future__ import annotations

from typing import Final

from reconciler.job.notifying.words import facts, fitting, lines, title
from reconciler.job.outcome import Outcome
from reconciler.values import JsonObject, JsonValue

_LONGEST_SECTION: Final = 2900
"""Slack takes 3000 characters in the text of a section."""

_BREAK: Final = "\u200b"
"""A zero-width space: parts what would be read as one word."""


def slack_message(outcome: Outcome) -> JsonObject:
    """Return the message about a run."""
    blocks: list[JsonValue] = [_section(f"*{_escaped(title(outcome))}*")]
    blocks += [_code(_fitting([f"{name}: {value}" for name, value in facts(outcome)]))]
    told = _fitting(lines(outcome))
    if told:
        blocks.append(_code(told))
    return {"text": _escaped(title(outcome)), "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _code(text: str) -> JsonObject:
    return _section(f"```{text}```")


def _section(text: str) -> JsonObject:
    # Verbatim: Slack looks for no links, channels or names in it by itself.
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _fitting(found: list[str]) -> str:
    """Return as many whole lines, escaped, as a section holds, and how many are left out."""
    kept, more = fitting([*map(_escaped, found)], lambda line: len(line) + 1, _LONGEST_SECTION)
    return "\n".join([*kept, *more])


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("`", "'").replace("@", f"@{_BREAK}")

"""Expressions of templates in a file that is read as it is: `{{ name }}`, `{% if … %}`, `{# … #}`.

Inside quotes they are text, which a rule checks. Without quotes they are no YAML, so that the reader reports
an error of its syntax somewhere near; here that becomes the finding that says what the file is.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Final

from reconciler.findings import Finding, Position
from reconciler.text import clip, printable

UNRENDERED_TEMPLATE: Final = "unrendered-template"
"""The id of the rule for an expression that nothing renders, in quotes or without."""

_BRACKETS: Final = (("{{", "}}"), ("{%", "%}"))
_UNQUOTED: Final = (
    r"""(?:^\s*|[-:?,\[]\s+|["'\[]\s*[:,]?\s*)(?P<expression>\{\{.*?\}\}|\{%.*?%\}|\{\#.*?\#\})"""
)
"""An expression where a value, a key or a line begins."""

_MAYBE_TEMPLATES: Final = frozenset({"yaml-syntax", "yaml-key"})
_NEXT_LINE: Final = "could not find expected"
"""Part of a syntax error that is found only on the line after the one to blame."""

_LONGEST_LINE: Final = 2_000
_LONGEST_SHOWN: Final = 60


def may_hold_expression(text: str) -> bool:
    """Return whether `template_expression` may find one in `text` or in a part of it: cheap."""
    return "{{" in text or "{%" in text


def template_expression(text: str) -> str:
    """Return the first expression of a template in `text`, brackets included; empty if there is none."""
    for start, end in _BRACKETS:
        at = text.find(start)
        until = text.find(end, at + 2) if at >= 0 else -1
        if until >= 0:
            return text[at : until + 2]
    return ""


def template_message(expression: str) -> str:
    """Return what is wrong about an `expression` that nothing renders, and what to do."""
    return (
        f"{clip(expression, _LONGEST_SHOWN)!r} is the expression of a template, and nothing renders this "
        "file; name the file NAME.yaml.j2 to have it rendered, or write the value"
    )


def with_template_named(finding: Finding, lines: Sequence[str]) -> Finding:
    """Return `finding`, or the one about a template if an unquoted expression is what is no YAML.

    Args:
        finding: An error of a file that is read as it is.
        lines: The lines of the file.
    """
    position = finding.position
    if finding.rule not in _MAYBE_TEMPLATES or position is None:
        return finding
    found = _unquoted(lines, position, before=_NEXT_LINE in finding.message)
    if found is None:
        return finding
    expression, place = found
    message = f"{template_message(expression)}; if the platform fills it in, quote the value"
    message = printable(message)
    return dataclasses.replace(finding, rule=UNRENDERED_TEMPLATE, message=message, position=place)


def _unquoted(lines: Sequence[str], position: Position, *, before: bool) -> tuple[str, Position] | None:
    """Return the last unquoted expression at or before `position`, with its place.

    Args:
        lines: The lines of the file.
        position: The place of an error.
        before: Whether the expression may be on the last line with text before it.
    """
    candidates = [(position.line, position.column)]
    if before:
        earlier = range(min(position.line - 1, len(lines)), 0, -1)
        filled = next((line for line in earlier if lines[line - 1].strip()), position.line)
        candidates.append((filled, _LONGEST_LINE))
    for line, column in candidates:
        text = lines[line - 1][:_LONGEST_LINE] if line <= len(lines) else ""
        found = [match for match in re.finditer(_UNQUOTED, text) if match.start("expression") < column]
        if found:
            return found[-1]["expression"], Position(line, found[-1].start("expression") + 1)
    return None

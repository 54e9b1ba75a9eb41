"""Rule about templates that nothing rendered: their expressions would reach the platform as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.findings import Severity
from reconciler.rules.rule import Problem, Rule
from reconciler.text import clip
from reconciler.values import Path, nodes
from reconciler.workflow import Body

_BRACKETS: Final = (("{{", "}}"), ("{%", "%}"))

_FILLED_AT_RUN_TIME: Final = frozenset({"payload", "url", "headers"})
"""Fields of a step in which the platform replaces `{{…}}` itself."""


def _template(body: Body) -> Iterator[Problem]:
    for path, value in nodes(body.raw):
        if _is_filled(path):
            continue
        key = path[-1] if path else ""
        for text, at_key in ((key, True), (value, False)):
            found = _expression(text) if isinstance(text, str) else ""
            if found:
                yield Problem(
                    path=path,
                    at_key=at_key,
                    message=f"{clip(found, 60)!r} is the expression of a template, and nothing renders this "
                    "file; render it first, or write the value",
                    cause=("template", *map(str, path)),
                )


def _expression(text: str) -> str:
    """Return the first expression of a template in `text`, brackets included; empty if there is none."""
    for start, end in _BRACKETS:
        at = text.find(start)
        until = text.find(end, at + 2) if at >= 0 else -1
        if until >= 0:
            return text[at : until + 2]
    return ""


def _is_filled(path: Path) -> bool:
    """Whether the platform fills in the field at `path`, from the root of a body or of a patch."""
    match path[1:] if path[:1] == ("body",) else path:
        case ("steps", _, str(field), *_) | ("set", str(field), *_):
            return field in _FILLED_AT_RUN_TIME
        case ("watchers", int(), "webhook", "payload") | ("set", "watchers", int(), "webhook", "payload"):
            return True
    return False


RULES = (
    Rule(
        id="unrendered-template",
        severity=Severity.ERROR,
        reason="The platform would store the expression itself, in place of its value.",
        good="steps: {a: {type: http, method: get, url: 'https://example.com/{{run_id}}'}}",
        bad="steps: {a: {command: 'python {{ script }}'}}",
        check=_template,
    ),
)

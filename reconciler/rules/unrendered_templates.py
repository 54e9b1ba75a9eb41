"""Rule about templates that nothing rendered: their expressions would reach the platform as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.findings import Severity
from reconciler.manifests import (
    UNRENDERED_TEMPLATE,
    may_hold_expression,
    template_expression,
    template_message,
)
from reconciler.rules.rule import Problem, Rule
from reconciler.values import Path, nodes
from reconciler.workflow import Body

_FILLED_AT_RUN_TIME: Final = frozenset({"payload", "url", "headers"})
"""Fields of a step in which the platform replaces `{{…}}` itself."""


def _template(body: Body) -> Iterator[Problem]:
    if not may_hold_expression(body.joined_texts):
        return
    for path, value in nodes(body.raw):
        if _is_filled(path):
            continue
        key = path[-1] if path else ""
        for text, at_key in ((key, True), (value, False)):
            found = template_expression(text) if isinstance(text, str) else ""
            if found:
                yield Problem(
                    path=path,
                    at_key=at_key,
                    message=template_message(found),
                    cause=("template", *map(str, path)),
                )


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
        id=UNRENDERED_TEMPLATE,
        severity=Severity.ERROR,
        reason="The platform would store the expression itself, in place of its value.",
        good="steps: {a: {type: http, method: get, url: 'https://example.com/{{run_id}}'}}",
        bad="steps: {a: {command: 'python {{ script }}'}}",
        check=_template,
        of_patches=True,
    ),
)

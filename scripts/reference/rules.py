"""Page of all rules, from their registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.rules import ALL_RULES, BaseRule, OnlineRule
from reference.markdown import code, head, text_page

_INTRODUCTION: Final = """\
The checks of `validate` beyond the schema. An error fails the check; a warning fails it with `--strict`.

A comment `# reconciler: ignore[rule-id]` switches a rule off for its line; `validate.off` in
`reconciler.yaml` switches it off everywhere. `peak-reconciler validate --list-rules` prints this list.
"""


def page() -> str:
    """Return the page."""
    lines = head("Rules", _INTRODUCTION)
    return text_page([*lines, *(line for rule in ALL_RULES for line in _rule(rule))])


def _rule(rule: BaseRule) -> Iterator[str]:
    online = ", only with `--online`" if isinstance(rule, OnlineRule) else ""
    yield from (
        f"## {rule.id}",
        "",
        f"{rule.severity.value.capitalize()}{online}. {_sentence(rule.reason)}",
        "",
    )
    yield from (f"- good: {code(rule.good)}", f"- bad: {code(rule.bad)}", "")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")

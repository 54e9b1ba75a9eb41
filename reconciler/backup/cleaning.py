"""What a backup leaves out of a body: every secret, known or by its looks, with the reason. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from reconciler.secrecy.credentials import looks_like
from reconciler.secrecy.fields import Sensitive
from reconciler.text import Redactor
from reconciler.values import JsonObject, JsonValue, Path, as_object
from reconciler.workflow import is_masked_token, lists_back, lists_by_name

_TELLING: Final = re.compile(
    r"pass(?:word|wd|phrase)|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential"
    r"|^auth$|authorization|cookie|^x-key$",
    re.IGNORECASE,
)
_FREE_NAMES: Final = (("parameters", "env"), ("headers", "absolute"))
"""Where users name values themselves, so that a name can tell of a secret."""

_LENGTH: Final = 5
"""How long the path of such a value is: `steps`, the step, the two parts, the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A value that a backup does not have.

    Args:
        path: Where it stood, in the body's keyed form.
        why: Why it is not there.
    """

    path: Path
    why: str


def without_secrets(
    body: JsonObject, sensitive: Sensitive, redactor: Redactor
) -> tuple[JsonObject, tuple[LeftOut, ...]]:
    """Return `body` without its secrets, and what was left out.

    Args:
        body: A body as it can be sent.
        sensitive: The fields of it that are known to be secrets, beside those that the schema marks.
        redactor: Knows the secrets of the run.
    """
    left: list[LeftOut] = []
    cleaned = _Cleaner(sensitive, redactor, left).value(lists_by_name(body), ())
    return lists_back(as_object(cleaned)), tuple(left)


class _Cleaner:
    """Copies a value without what must not be kept; `None` stands for what was left out."""

    def __init__(self, sensitive: Sensitive, redactor: Redactor, left: list[LeftOut]) -> None:
        self._sensitive = sensitive
        self._redactor = redactor
        self._left = left

    def value(self, value: JsonValue, path: Path) -> JsonValue:
        why = self._why(value, path)
        if why:
            self._left.append(LeftOut(path=path, why=why))
            return None
        if isinstance(value, dict):
            kept = {key: self.value(item, (*path, key)) for key, item in value.items()}
            return {key: item for key, item in kept.items() if item is not None or value[key] is None}
        if isinstance(value, list):
            return [self.value(item, (*path, index)) for index, item in enumerate(value)]
        return value

    def _why(self, value: JsonValue, path: Path) -> str:
        if isinstance(value, list) and not any(isinstance(item, dict) for item in value):
            # A list of texts stays whole or goes whole: a gap in it would mean something else.
            return next(filter(None, (self._why(item, path) for item in value)), "")
        return why_secret(value, path, self._sensitive, self._redactor)


def why_secret(value: JsonValue, path: Path, sensitive: Sensitive, redactor: Redactor) -> str:
    """Return why a value of a body is to be taken for a secret; empty when it is not.

    Args:
        value: The value.
        path: Where it stands.
        sensitive: The fields that are known to be secrets, beside those that the schema marks.
        redactor: Knows the secrets of the run.
    """
    if value is None or value == "":
        return ""
    if sensitive.covers(path):
        return "it is the platform's mask of a secret" if is_masked_token(value) else "it is a secret"
    if not isinstance(value, str):
        return ""
    if len(path) == _LENGTH and path[2:4] in _FREE_NAMES and _TELLING.search(str(path[-1])):
        return "its name tells of a secret"
    if redactor.finds(value):
        return "it holds a known secret"
    kind = looks_like(value)
    return f"it looks like a credential ({kind})" if kind else ""

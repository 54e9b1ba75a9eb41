"""Masking of secrets in values, by their field and by their looks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from reconciler.schema import SENSITIVE
from reconciler.secrecy.credential_patterns import credential_kind, may_hold_credential
from reconciler.secrecy.deciding import why_secret
from reconciler.secrecy.fields import SecretFields
from reconciler.secrecy.redaction import Redactor
from reconciler.secrecy.walking import DROP, KEEP, Verdict, rewrite
from reconciler.values import JsonObject, JsonValue, Path, as_object

_HIDDEN: Final = "…"


def mask_credentials(text: str) -> str:
    """Return `text` with every word that looks like a credential replaced by `(sensitive)`."""
    if not may_hold_credential(text):
        return text
    masked = re.sub(
        r"[^\s'\"]+", lambda word: SENSITIVE if credential_kind(word.group()) else word.group(), text
    )
    return SENSITIVE if credential_kind(masked) else masked


def mask(value: JsonValue, fields: SecretFields, path: Path = ()) -> JsonValue:
    """Return the value at `path` with its secret fields, and what looks like a credential, masked."""

    def replace(item: JsonValue, _path: Path) -> JsonValue | Verdict:
        return mask_credentials(item) if isinstance(item, str) else KEEP

    return rewrite(fields.mask(value, path), replace)


def mask_body(body: JsonObject, fields: SecretFields) -> JsonObject:
    """Return the body of a workflow as it may be shown."""
    return as_object(mask(body, fields))


def hide_texts(value: JsonValue) -> JsonValue:
    """Return a JSON value with every text replaced by `…`, where nobody knows which ones are secrets."""

    def replace(item: JsonValue, _path: Path) -> JsonValue | Verdict:
        return _HIDDEN if isinstance(item, str) and item else KEEP

    return rewrite(value, replace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Omitted:
    """A secret that was left out of a body.

    Args:
        path: Where it was, in the body with its lists by name.
        why: Why it is taken for a secret.
    """

    path: Path
    why: str


def omit_secrets(
    value: JsonValue, fields: SecretFields, redactor: Redactor
) -> tuple[JsonValue, tuple[Omitted, ...]]:
    """Return a body without its secrets, and what was left out.

    A list of texts stays whole or goes whole: a gap in it would mean something else.

    Args:
        value: A body with its lists by name; it is not changed.
        fields: Its secret fields.
        redactor: Knows the secrets of the run.
    """
    omitted: list[Omitted] = []

    def replace(item: JsonValue, path: Path) -> JsonValue | Verdict:
        why = reason(path, item)
        if not why:
            return KEEP
        omitted.append(Omitted(path=path, why=why))
        return DROP

    def reason(path: Path, item: JsonValue) -> str:
        if isinstance(item, list) and not any(isinstance(part, dict) for part in item):
            return next(filter(None, (reason(path, part) for part in item)), "")
        return why_secret(path, item, fields, redactor)

    return rewrite(value, replace), tuple(omitted)

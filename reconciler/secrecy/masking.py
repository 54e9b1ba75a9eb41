"""Masking of secrets in values, by their field and by their form."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from reconciler.schema import SENSITIVE
from reconciler.secrecy.credential_patterns import credential_kind, may_hold_credential
from reconciler.secrecy.redaction import Redactor
from reconciler.secrecy.secret_detection import (
    SecretFields,
    is_known_secret,
    is_named_by_users,
    is_named_secret,
    is_webhook_url,
    may_look_secret,
    named_secrets,
    why_secret,
)
from reconciler.values import (
    DROP,
    KEEP,
    JsonValue,
    Path,
    Verdict,
    all_texts,
    copied,
    display_path,
    lookup,
    remove,
    rewrite,
)

_HIDDEN: Final = "…"
_URL: Final = re.compile(r"(https?://)(?:[^/?#@\s]*@)?([^/?#@\s]+)(.*)", re.IGNORECASE | re.DOTALL)


def mask_credentials(text: str) -> str:
    """Return `text` with every word that looks like a credential replaced by `(sensitive)`."""
    if not may_hold_credential(text):
        return text
    masked = re.sub(
        r"[^\s'\"]+", lambda word: SENSITIVE if credential_kind(word.group()) else word.group(), text
    )
    return SENSITIVE if credential_kind(masked) else masked


def mask(value: JsonValue, fields: SecretFields, path: Path = ()) -> JsonValue:
    """Return the value at `path` with every secret in it masked: by its field, its name or its looks.

    Of the URL that a watcher calls the host stays, which a reviewer must see.
    """

    def replace(item: JsonValue, where: Path) -> JsonValue | Verdict:
        if not isinstance(item, str) or not item:
            return KEEP
        if is_named_secret(where):
            return SENSITIVE
        return _mask_webhook_url(item) if is_webhook_url(where) else mask_credentials(item)

    return rewrite(fields.mask(value, path), replace, path)


def mask_removed(value: JsonValue, fields: SecretFields, path: Path = ()) -> JsonValue:
    """Return the value at `path` that Git no longer has, masked: also every variable and header by its value.

    Nothing says any more whether it came from a secret, such as a variable of the environment.
    """

    def replace(item: JsonValue, where: Path) -> JsonValue | Verdict:
        return SENSITIVE if item not in (None, "") and is_named_by_users(where) else KEEP

    return rewrite(mask(value, fields, path), replace, path)


def _mask_webhook_url(url: str) -> str:
    match = _URL.fullmatch(url)
    if match is None:
        return SENSITIVE
    scheme, host, rest = match.groups()
    return f"{scheme}{host}" if rest in {"", "/"} else f"{scheme}{host}/{SENSITIVE}"


def redact(value: JsonValue, redactor: Redactor, path: Path = ()) -> JsonValue:
    """Return the value at `path` of a body with the known secrets of the run masked; its keys stay."""

    def replace(item: JsonValue, where: Path) -> JsonValue | Verdict:
        if not isinstance(item, str):
            return KEEP
        whole = redactor.is_secret(item) and is_known_secret(where, item, redactor)
        return SENSITIVE if whole else redactor.prose(item)

    if not redactor.secrets or not isinstance(value, str | dict | list):
        return value
    return rewrite(value, replace, path)


def hide_texts(value: JsonValue) -> JsonValue:
    """Return a JSON value with every text replaced by `…`, where nobody knows which ones are secrets."""

    def replace(item: JsonValue, _path: Path) -> JsonValue | Verdict:
        return _HIDDEN if isinstance(item, str) and item else KEEP

    return rewrite(value, replace)


class Omitted(NamedTuple):
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
    """Return a body with its lists by name without its secrets, and what was left out.

    A list of texts stays whole or goes whole: a gap in it would mean something else.
    """
    texts = set(all_texts(value))
    places = {*fields.places_in(value), *named_secrets(value)}
    found = {path: lookup(value, path) for path in sorted(places, key=display_path)}
    if any(map(may_look_secret, texts)) or redactor.may_find_in(texts):
        return _without_any(value, fields, redactor)
    omitted: list[Omitted] = []
    result = copied(value)
    for path, item in found.items():  # all that there are, since no text is a secret by what it says
        if not isinstance(item, str) or any(isinstance(part, int) for part in path):
            return _without_any(value, fields, redactor)
        omitted.append(Omitted(path=path, why=why_secret(path, item, fields, redactor)))
        remove(result, path)
    return result, tuple(omitted)


def _without_any(
    value: JsonValue, fields: SecretFields, redactor: Redactor
) -> tuple[JsonValue, tuple[Omitted, ...]]:
    """Return what `omit_secrets` does, with a look at every value."""
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

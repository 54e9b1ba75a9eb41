"""Dummy values for secrets: texts of the same shape, equal where the secrets are equal.

A rehearsal must find the differences that the plan found. So one secret has one dummy value wherever it is,
and a mask of the platform stays a mask. Every value of a variable or header gets one: nobody knows which of
them are secrets.
"""

from __future__ import annotations

import dataclasses
import random
import re
import string
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from reconciler.manifests import Manifest, PatchManifest
from reconciler.plan import sensitive_fields
from reconciler.secrecy import (
    Redactor,
    SecretFields,
    is_mask,
    is_masked,
    is_named_by_users,
    is_webhook_url,
    states_mask,
    why_secret,
)
from reconciler.values import KEEP, JsonObject, JsonValue, Packed, Path, Verdict, as_object, rewrite
from reconciler.workflow import KEYWORDS, keyword_of

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_TRIES: Final = 100
"""The dummy values of a shape that are tried before one gets longer than its secret."""


class DummySecrets:
    """Dummy values of one rehearsal.

    Args:
        redactor: Knows the secrets of the run.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known: dict[str, str] = {}
        self._taken: set[str] = set()

    def text(self, secret: str) -> str:
        """Return the dummy value of a secret: its letters and digits are others, everything else stays."""
        found = self._known.get(secret)
        if found is None:
            found = self._known[secret] = self._new(secret)
            self._taken.add(found)
        return found

    def _new(self, secret: str) -> str:
        chance = random.Random(len(self._known))  # noqa: S311 - says nothing of the secret
        scheme = _SCHEME.match(secret)
        kept = scheme.group() if scheme else ""
        rest = secret[len(kept) :]
        for _ in range(_TRIES if any(map(str.isalnum, rest)) else 0):
            found = kept + "".join(_other(char, chance) for char in rest)
            if found != secret and found not in self._taken and not is_mask(found):
                return found
        number = len(self._known)
        while (found := f"dummy-{number}") in self._taken:
            number += 1
        return found

    def body(self, body: JsonObject, fields: SecretFields) -> JsonObject:
        """Return a body with dummy values.

        Args:
            body: The body of a manifest, or a described one.
            fields: Its secret fields, besides those that are found by their name, looks or value.
        """

        def replace(value: JsonValue, path: Path) -> JsonValue | Verdict:
            return self._replaced(value, path, fields)

        return as_object(rewrite(body, replace))

    def manifest(self, manifest: Manifest) -> Manifest:
        """Return a manifest with dummy values in its body and its keywords."""
        fields = sensitive_fields(manifest, manifest.body)
        packed = Packed.of(self.body(manifest.body, fields))
        if isinstance(manifest, PatchManifest):
            return dataclasses.replace(manifest, packed=packed, keywords=self._keywords(manifest))
        return dataclasses.replace(manifest, packed=packed)

    def _keywords(self, manifest: PatchManifest) -> Mapping[str, JsonValue]:
        fields = SecretFields(
            frozenset(_step_path(str(key)) for first, key, *_ in _pairs(manifest) if first == "set")
        )
        found: dict[str, JsonValue] = {}
        for key, value in manifest.keywords.items():
            replaced = self._replaced(value, _step_path(key), fields)
            found[key] = value if isinstance(replaced, Verdict) else replaced
        return MappingProxyType(found)

    def _replaced(self, value: JsonValue, path: Path, fields: SecretFields) -> JsonValue | Verdict:
        if isinstance(value, dict | list | bool) or value is None or value == "" or path == ("name",):
            return KEEP
        if is_masked(path, value) or states_mask(path, value):
            return KEEP
        by_place = is_named_by_users(path) or is_webhook_url(path)
        if not by_place and not why_secret(path, value, fields, self._redactor):
            return KEEP
        if isinstance(value, str):
            return self.text(value)
        number = self.text(f"{abs(int(value))}")
        return int(number) if number.isdecimal() else KEEP


def _pairs(manifest: PatchManifest) -> list[Path]:
    return [path for path in manifest.sensitive if len(path) > 1]


def _step_path(key: str) -> Path:
    """Return where a keyword of a patch goes, in any step."""
    inside = KEYWORDS.get(keyword_of(key), (key,))
    return inside if inside == ("name",) else ("steps", "", *inside)


def _other(char: str, chance: random.Random) -> str:
    if char.isdecimal():
        return chance.choice(string.digits)
    if char.isupper():
        return chance.choice(string.ascii_uppercase)
    return chance.choice(string.ascii_lowercase) if char.isalpha() else char

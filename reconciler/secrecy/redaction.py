"""Redaction of known secrets in text.

The second line of defence: fields are masked by their path before. This catches a secret that an error
message or another field quotes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.schema import SENSITIVE
from reconciler.secrecy.walking import KEEP, Verdict, rewrite
from reconciler.values import JsonValue, Path

_SHORTEST: Final = 4
"""The fewest characters of a secret that is searched for: a shorter one would blot out ordinary words."""

_SECRET_VARIABLES: Final = (
    "PEAK_AUTH_TOKEN",
    "API_KEY",
    "RECONCILER_NOTIFY_URL",
    "RECONCILER_REMEMBER_KEY",
)


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replacement of known secrets by `(sensitive)`; make one with `Redactor.of`."""

    secrets: tuple[str, ...] = ()

    @staticmethod
    def of(secrets: Iterable[str]) -> Redactor:
        """Return a redactor for secrets of at least four characters, as they are and as escaped in JSON."""
        known = {secret for secret in secrets if len(secret) >= _SHORTEST}
        return Redactor._sorted(known | {json.dumps(secret)[1:-1] for secret in known})

    @staticmethod
    def of_environment(env: Mapping[str, str]) -> Redactor:
        """Return a redactor for the environment variables that hold a secret of the tool itself."""
        return Redactor.of(env[name] for name in _SECRET_VARIABLES if env.get(name))

    @staticmethod
    def _sorted(secrets: set[str]) -> Redactor:
        # A secret that contains another one goes first.
        return Redactor(tuple(sorted(secrets, key=lambda secret: (-len(secret), secret))))

    def joined(self, other: Redactor) -> Redactor:
        """Return a redactor that removes what either of the two does."""
        return Redactor._sorted({*self.secrets, *other.secrets})

    def finds(self, text: str) -> bool:
        """Return whether `text` contains a known secret."""
        return any(secret in text for secret in self.secrets)

    def text(self, text: str) -> str:
        """Return `text` with every known secret replaced."""
        for secret in self.secrets:
            if secret in text:
                text = text.replace(secret, SENSITIVE)
        return text

    def value(self, value: JsonValue) -> JsonValue:
        """Return a JSON value with every known secret replaced in its texts and keys, at any depth."""
        return rewrite(value, self._replace, key=self.text) if self.secrets else value

    def _replace(self, value: JsonValue, _path: Path) -> JsonValue | Verdict:
        return self.text(value) if isinstance(value, str) else KEEP

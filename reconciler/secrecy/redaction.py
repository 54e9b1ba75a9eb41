"""Redaction of known secrets in text.

The second line of defence: fields are masked by their path before. This catches a secret that an error
message or another field quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from reconciler.schema import SENSITIVE
from reconciler.values import KEEP, JsonValue, Path, Verdict, rewrite

_SHORTEST: Final = 4
"""The fewest characters of a secret that is searched for: a shorter one would blot out ordinary words."""

_ORDINARY: Final = re.compile(r"[A-Za-z]{1,14}(?:[ _.:/-][A-Za-z]{1,14}){0,3}|[0-9]{1,9}")
"""A secret that is an ordinary word, a few of them, or a number: texts of our own contain it by chance."""

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
        """Return whether `text` contains a known secret that no text contains by chance."""
        return any(secret in text for secret in self._distinctive)

    def text(self, text: str) -> str:
        """Return a text from outside (a server's answer, a log) with every known secret replaced."""
        return _without(self.secrets, text)

    def prose(self, text: str) -> str:
        """Return a text of our own with the known secrets replaced that are no ordinary words.

        What it quotes is masked where it is put in. This is the second line of defence, and must not hide
        the words of the tool, whatever value somebody chooses for a variable.
        """
        return _without(self._distinctive, text)

    def value(self, value: JsonValue) -> JsonValue:
        """Return a JSON value with its texts as `prose` returns them, at any depth; its keys stay."""
        return rewrite(value, self._replace) if self.secrets else value

    def _replace(self, value: JsonValue, _path: Path) -> JsonValue | Verdict:
        return self.prose(value) if isinstance(value, str) else KEEP

    @property
    def _distinctive(self) -> tuple[str, ...]:
        return tuple(secret for secret in self.secrets if not is_ordinary(secret))


@cache
def is_ordinary(secret: str) -> bool:
    """Return whether a secret is a number, a word or a few words, as texts have them by chance."""
    return _ORDINARY.fullmatch(secret) is not None


def _without(secrets: Iterable[str], text: str) -> str:
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, SENSITIVE)
    return text

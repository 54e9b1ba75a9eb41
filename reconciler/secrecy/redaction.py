"""Redaction of known secrets in text.

The second line of defence: fields are masked by their path before. This catches a secret that an error
message or another field quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from typing import Final

from reconciler.schema import SENSITIVE
from reconciler.values import KEEP, JsonValue, Path, Verdict, rewrite

_SHORTEST: Final = 4
"""The fewest characters of a secret that is searched for: a shorter one would blot out ordinary words."""

_FEW: Final = 12
"""Secrets that are searched for one after the other, which takes less time for few."""

_ORDINARY: Final = re.compile(r"[A-Za-z]{1,14}(?:[ _.:/-][A-Za-z]{1,14}){0,3}|[0-9]{1,9}")
"""A secret that is an ordinary word, a few of them, or a number: texts of our own contain it by chance."""

_SECRET_VARIABLES: Final = (
    "PEAK_AUTH_TOKEN",
    "API_KEY",
    "RECONCILER_NOTIFY_URL",
    "RECONCILER_REMEMBER_KEY",
)


@dataclass(frozen=True, eq=False)
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
        return Redactor(tuple(sorted(secrets, key=_in_order)))

    def joined(self, other: Redactor) -> Redactor:
        """Return a redactor that removes what either of the two does."""
        return Redactor._sorted({*self.secrets, *other.secrets})

    def finds(self, text: str) -> bool:
        """Return whether `text` contains a known secret that no text contains by chance."""
        return self._distinctive.finds(text)

    def may_find_in(self, texts: Collection[str]) -> bool:
        """Return whether one of `texts` is a known secret or may contain one: one search for all of them."""
        return bool(self.secrets) and (not self._set.isdisjoint(texts) or self.finds("\n".join(texts)))

    def text(self, text: str) -> str:
        """Return a text from outside (a server's answer, a log) with every known secret replaced."""
        return self._all.removed_from(text)

    def prose(self, text: str) -> str:
        """Return a text of our own with the known secrets replaced that are no ordinary words.

        What it quotes is masked where it is put in. This is the second line of defence, and must not hide
        the words of the tool, whatever value somebody chooses for a variable.
        """
        return self._distinctive.removed_from(text)

    def value(self, value: JsonValue) -> JsonValue:
        """Return a JSON value with its texts as `prose` returns them, at any depth; its keys stay."""
        return rewrite(value, self._replace) if self.secrets else value

    def _replace(self, value: JsonValue, _path: Path) -> JsonValue | Verdict:
        return self.prose(value) if isinstance(value, str) else KEEP

    def is_secret(self, text: str) -> bool:
        """Return whether `text` is a known secret."""
        return text in self._set

    @cached_property
    def _set(self) -> frozenset[str]:
        return frozenset(self.secrets)

    @cached_property
    def _all(self) -> _Search:
        return _Search(self.secrets)

    @cached_property
    def _distinctive(self) -> _Search:
        return _Search(tuple(secret for secret in self.secrets if not is_ordinary(secret)))


@cache
def is_ordinary(secret: str) -> bool:
    """Return whether a secret is a number, a word or a few words, as texts have them by chance."""
    return _ORDINARY.fullmatch(secret) is not None


def _in_order(secret: str) -> tuple[int, str]:
    """Return the key by which a secret that contains another one goes first."""
    return -len(secret), secret


class _Search:
    """A search for many secrets in one text, by their first characters: a text has few of those.

    Args:
        secrets: The secrets, in the order in which they are removed.
    """

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = secrets
        self._by_start: dict[str, list[str]] = {}
        for secret in secrets if len(secrets) > _FEW else ():
            self._by_start.setdefault(secret[:_SHORTEST], []).append(secret)
        self._may_meet_mark = [secret for secret in secrets if _may_meet_mark(secret)]

    def finds(self, text: str) -> bool:
        """Return whether `text` contains one of the secrets."""
        return any(secret in text for secret in self._candidates(text))

    def removed_from(self, text: str) -> str:
        """Return `text` with every secret replaced, one after the other."""
        found = [secret for secret in self._candidates(text) if secret in text]
        # What takes the place of one may complete another.
        for secret in sorted({*found, *self._may_meet_mark}, key=_in_order) if found else ():
            text = text.replace(secret, SENSITIVE)
        return text

    def _candidates(self, text: str) -> Iterable[str]:
        """Return the secrets that begin with what `text` has somewhere."""
        if not self._by_start:
            return self._secrets
        starts = {text[at : at + _SHORTEST] for at in range(len(text) - _SHORTEST + 1)}
        return chain.from_iterable(map(self._by_start.__getitem__, starts & self._by_start.keys()))


def _may_meet_mark(secret: str) -> bool:
    """Return whether `SENSITIVE` and other characters, side by side, may contain `secret`."""
    return (
        secret in SENSITIVE
        or SENSITIVE in secret
        or any(
            secret.startswith(SENSITIVE[at:]) or secret.endswith(SENSITIVE[: at + 1])
            for at in range(len(SENSITIVE))
        )
    )

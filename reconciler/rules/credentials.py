"""The rules about credentials written out where a name, or `!env`, belongs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from reconciler.findings import Severity
from reconciler.rules.model import Problem, Rule, steps_of
from reconciler.secrecy import credential_kind, is_secret_name, may_hold_credential, texts
from reconciler.values import JsonObject, Path, as_object

_SHORTEST: Final = 12
"""No credential that a pattern knows is shorter."""

_MOST_CHARACTERS: Final = 5_000_000
_MOST_SUSPICIOUS: Final = 300
"""Of one workflow no more text than this is searched, and no more suspicious texts are looked at closely."""


def _literal(body: JsonObject) -> Iterator[Problem]:
    for path, text in islice(_suspicious(body), _MOST_SUSPICIOUS):
        kind = credential_kind(text)
        if kind:
            yield Problem(
                path=path,
                message=f"this looks like a literal credential ({kind}); keep it in a "
                f"secret of the platform and "
                "give its name, or take it from the environment with !env",
                cause=_cause(path),
                secret=True,
            )


def _suspicious(body: JsonObject) -> Iterator[tuple[Path, str]]:
    left = _MOST_CHARACTERS
    for path, text in texts(body):
        if len(text) >= _SHORTEST:
            left -= len(text)
            if left < 0:
                return
            if may_hold_credential(text):
                yield path, text


def _cause(path: Path) -> tuple[str, ...]:
    return ("credential", *map(str, path))


def _header(body: JsonObject) -> Iterator[Problem]:
    for step, value in steps_of(body):
        for name, text in as_object(as_object(value.get("headers")).get("absolute")).items():
            if is_secret_name(name) and "{{" not in str(text):
                path: Path = ("steps", step, "headers", "absolute", name)
                yield Problem(
                    path=path,
                    message=f"the header {name!r} carries a credential; name its secret "
                    f"under headers.secrets",
                    cause=_cause(path),
                    secret=True,
                )


RULES = (
    Rule(
        id="literal-credential",
        severity=Severity.WARNING,
        reason="What stands in Git is known to everyone who reads it.",
        good="steps: {a: {repository: {url: 'https://github.com/org/x', branch: main, "
        "token: name-of-a-credential}}}",
        bad="steps: {a: {repository: {url: 'https://me:pass-word-1@github.com/org/x', branch: main}}}",
        check=_literal,
    ),
    Rule(
        id="literal-header",
        severity=Severity.WARNING,
        reason="A credential in a header belongs into a secret.",
        good="steps: {a: {type: http, method: get, url: 'https://x.org', headers: "
        "{secrets: {Authorization: NAME}}}}",
        bad="steps: {a: {type: http, method: get, url: 'https://x.org', headers: "
        "{absolute: {Authorization: Basic abc}}}}",
        check=_header,
    ),
)

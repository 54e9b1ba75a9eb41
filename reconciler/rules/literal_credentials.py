"""Rules about credentials that are written out instead of named, or masked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from reconciler.findings import Severity
from reconciler.rules.rule import Problem, Rule
from reconciler.secrecy import (
    credential_kind,
    is_secret_name,
    may_hold_credential,
    may_state_mask,
    states_mask,
)
from reconciler.values import Path, texts
from reconciler.workflow import Body

_SHORTEST: Final = 12
"""The length of the shortest credential that a pattern matches."""

_MOST_CHARACTERS: Final = 5_000_000
_MOST_SUSPICIOUS: Final = 300
"""The limits of the search in one workflow: characters, and suspicious texts that are examined."""


def _literal(body: Body) -> Iterator[Problem]:
    if not any(may_hold_credential(text) for text in body.all_texts if len(text) >= _SHORTEST):
        return
    for path, text in islice(_suspicious(body), _MOST_SUSPICIOUS):
        kind = credential_kind(text)
        if kind:
            yield Problem(
                path=path,
                message=f"this looks like a credential ({kind}); store it as a secret on the platform and "
                "use its name, or read it from the environment with !env",
                cause=_cause(path),
                secret=True,
            )


def _suspicious(body: Body) -> Iterator[tuple[Path, str]]:
    left = _MOST_CHARACTERS
    for path, text in texts(body.raw):
        if len(text) >= _SHORTEST:
            left -= len(text)
            if left < 0:
                return
            if may_hold_credential(text):
                yield path, text


def _cause(path: Path) -> tuple[str, ...]:
    return ("credential", *map(str, path))


def _header(body: Body) -> Iterator[Problem]:
    for step, value in body.steps.items():
        for name, text in value.literal_headers.items():
            if is_secret_name(name) and "{{" not in str(text):
                path: Path = ("steps", step, "headers", "absolute", name)
                yield Problem(
                    path=path,
                    message=f"the header {name!r} contains a credential; store it as a secret and "
                    "write the name of the secret under headers.secrets",
                    cause=_cause(path),
                    secret=True,
                )


def _mask(body: Body) -> Iterator[Problem]:
    if not may_state_mask(body.joined_texts):
        return
    for path, text in texts(body.raw):
        if states_mask(_in_body(path), text):
            yield Problem(
                path=path,
                message="this is a mask, not the secret itself, and would be stored in place of it; "
                "read the value from the environment with !env, or use the name of a secret of the platform",
                cause=_cause(path),
                secret=True,
            )


def _in_body(path: Path) -> Path:
    """Return the path in a body of the value at `path` of a body or of a patch."""
    match path:
        case ("body", *rest):
            return tuple(rest)
        case ("set", "token"):
            return ("steps", "", "repository", "token")
    return path


RULES = (
    Rule(
        id="masked-value",
        severity=Severity.ERROR,
        reason="Whoever copies what the platform shows has its mask, which would replace the secret.",
        good="steps: {a: {repository: {url: 'https://github.com/org/x', branch: main, "
        "token: name-of-a-credential}}}",
        bad="steps: {a: {repository: {url: 'https://github.com/org/x', branch: main, token: '********'}}}",
        check=_mask,
        of_patches=True,
    ),
    Rule(
        id="literal-credential",
        severity=Severity.WARNING,
        reason="Everyone who can read the repository can read the credential.",
        good="steps: {a: {repository: {url: 'https://github.com/org/x', branch: main, "
        "token: name-of-a-credential}}}",
        bad="steps: {a: {repository: {url: 'https://me:pass-word-1@github.com/org/x', branch: main}}}",
        check=_literal,
    ),
    Rule(
        id="literal-header",
        severity=Severity.WARNING,
        reason="A credential in a header belongs in a secret.",
        good="steps: {a: {type: http, method: get, url: 'https://x.org', headers: "
        "{secrets: {Authorization: NAME}}}}",
        bad="steps: {a: {type: http, method: get, url: 'https://x.org', headers: "
        "{absolute: {Authorization: Basic abc}}}}",
        check=_header,
    ),
)

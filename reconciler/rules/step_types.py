"""Rules about the fields of a single step: those that every step has, and those of its type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from reconciler.findings import Severity
from reconciler.rules.rule import Problem, Rule
from reconciler.workflow import Body

_AUTH_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "oauth": ("clientId", "clientSecret", "authUrl"),
    "basic": ("username", "password"),
    "api-key": ("apiKey",),
    "bearer-token": ("bearerToken",),
    "no-auth": (),
}
_PLACEHOLDER: Final = re.compile(r"\{\{[^{}]{0,200}\}\}")
_QUOTED: Final = re.compile(r'"[^"\\]*(?:\\.?[^"\\]*)*(?:"|\Z)', re.DOTALL)
"""A quoted text; without a closing quote it extends to the end, so that no quote is visited twice."""


def _auth(body: Body) -> Iterator[Problem]:
    for name, step in body.steps_of_type("http").items():
        kind = str(step.auth.get("type", "no-auth"))
        for key in _AUTH_NEEDS.get(kind, ()):
            if not step.auth.get(key):
                needs = ", ".join(_AUTH_NEEDS[kind])
                yield Problem(
                    path=("steps", name, "auth"),
                    message=f"auth type {kind!r} needs {needs}; {key!r} is missing",
                )


def _foreign_auth(body: Body) -> Iterator[Problem]:
    known = {key for keys in _AUTH_NEEDS.values() for key in keys}
    for name, step in body.steps_of_type("http").items():
        kind = str(step.auth.get("type", "no-auth"))
        for key in step.auth:
            if kind in _AUTH_NEEDS and key in known and key not in _AUTH_NEEDS[kind]:
                yield Problem(
                    path=("steps", name, "auth", key),
                    at_key=True,
                    message=f"auth type {kind!r} does not use {key!r}; remove it, or change the type",
                )


def _method(body: Body) -> Iterator[Problem]:
    for name, step in body.steps_of_type("http").items():
        for key in ("method", "url"):
            if not step.raw.get(key):
                yield Problem(path=("steps", name), at_key=True, message=f"an http step needs {key!r}")


def _payload(body: Body) -> Iterator[Problem]:
    for name, step in body.steps_of_type("http").items():
        method = step.raw.get("method")
        if method in {"post", "put", "patch"} and not step.raw.get("payload"):
            yield Problem(
                path=("steps", name),
                at_key=True,
                message=f"an http step with the method {method} needs a 'payload'",
            )
        payload = step.raw.get("payload")
        if isinstance(payload, str) and payload.strip() and not _is_json(payload):
            yield Problem(
                path=("steps", name, "payload"),
                message="the payload is not valid JSON, even with a value in place of each {{placeholder}}",
            )


def _is_json(payload: str) -> bool:
    inside = _QUOTED.sub(lambda match: _PLACEHOLDER.sub("", match.group()), payload)
    for value in ("0", '"x":0', ""):
        try:
            json.loads(_PLACEHOLDER.sub(value, inside), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            continue
        return True
    return False


def _no_constant(name: str) -> None:
    """Refuse `NaN` and the infinities, which are Python's, not JSON's."""
    raise ValueError(name)


def _query(body: Body) -> Iterator[Problem]:
    for name, step in body.steps_of_type("sql").items():
        both = [key for key in ("sqlQueryPath", "repository") if step.raw.get(key)]
        if len(both) != 1:
            found = "found both" if both else "found neither"
            yield Problem(
                path=("steps", name),
                at_key=True,
                message=f"a sql step needs either 'sqlQueryPath' or 'repository', {found}",
            )


RULES = (
    Rule(
        id="http-auth",
        severity=Severity.WARNING,
        reason="Each auth type needs its own fields.",
        good="steps: {a: {type: http, method: get, url: 'https://x.org', auth: {type: "
        "bearer-token, bearerToken: NAME}}}",
        bad="steps: {a: {type: http, method: get, url: 'https://x.org', auth: {type: bearer-token}}}",
        check=_auth,
    ),
    Rule(
        id="http-auth-unused",
        severity=Severity.WARNING,
        reason="A credential for another auth type has no effect.",
        good="steps: {a: {type: http, method: get, url: 'https://x.org', auth: {type: "
        "api-key, apiKey: NAME}}}",
        bad="steps: {a: {type: http, method: get, url: 'https://x.org', auth: {type: "
        "no-auth, apiKey: NAME}}}",
        check=_foreign_auth,
    ),
    Rule(
        id="http-request",
        severity=Severity.WARNING,
        reason="A request needs a method and a URL.",
        good="steps: {a: {type: http, method: get, url: 'https://x.org'}}",
        bad="steps: {a: {type: http, url: 'https://x.org'}}",
        check=_method,
    ),
    Rule(
        id="http-payload",
        severity=Severity.WARNING,
        reason="post, put and patch requests need a payload, which must be JSON.",
        good="steps: {a: {type: http, method: post, url: 'https://x.org', payload: '{\"n\": {{count}}}'}}",
        bad="steps: {a: {type: http, method: post, url: 'https://x.org', payload: '{n: 1'}}",
        check=_payload,
    ),
    Rule(
        id="sql-query",
        severity=Severity.ERROR,
        reason="The query of a sql step comes from exactly one source.",
        good="steps: {a: {type: sql, sqlQueryPath: query.sql}}",
        bad="steps: {a: {type: sql}}",
        check=_query,
    ),
)

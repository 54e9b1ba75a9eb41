"""Secrecy: every place that a secret can be in, against every output that must hide it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.secrecy import (
    SENSITIVE,
    Redactor,
    SecretFields,
    hide_texts,
    is_masked,
    is_secret_name,
    mask,
    mask_credentials,
    mentions_secret,
    omit_secrets,
    why_secret,
)
from reconciler.values import KEEP, dump_compact, put, rewrite, texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.values import JsonObject, JsonValue, Path

_CANARY: Final = "canary-7f9a"
_KNOWN: Final = "known-canary-7f9a"
_LOOKS: Final = "ghp_" + "Canary7f9a" * 3 + "Canary"
_STEP: Final = ("steps", "one")
_ENV: Final = (*_STEP, "parameters", "env")
_HEADERS: Final = (*_STEP, "headers", "absolute")

_FIELDS: Final = SecretFields(frozenset({(*_STEP, "command"), (*_ENV, "FROM_ENV"), ("tags", 0, "name")}))
"""What came through `!env` in the manifest."""

_REDACTOR: Final = Redactor.of({_KNOWN})

_MARKED: Final[dict[str, Path]] = {
    "the token of a repository": (*_STEP, "repository", "token"),
    "a client secret": (*_STEP, "auth", "clientSecret"),
    "a password": (*_STEP, "auth", "password"),
    "an API key": (*_STEP, "auth", "apiKey"),
    "a bearer token": (*_STEP, "auth", "bearerToken"),
}
_PLACES: Final[dict[str, tuple[Path, JsonValue, str]]] = {
    **{name: (path, _CANARY, "a secret field") for name, path in _MARKED.items()},
    "a field from !env": ((*_STEP, "command"), _CANARY, "a secret field"),
    "a variable from !env": ((*_ENV, "FROM_ENV"), _CANARY, "a secret field"),
    "a number from !env": ((*_ENV, "FROM_ENV"), 7_777_777, "a secret field"),
    "part of a field from !env": ((*_ENV, "FROM_ENV", "inner"), _CANARY, "a secret field"),
    "a variable with a secret name": ((*_ENV, "DB_PASSWORD"), _CANARY, "a secret by its name"),
    "a header with a secret name": ((*_HEADERS, "X-Api-Key"), _CANARY, "a secret by its name"),
    "a known secret in a text": ((*_STEP, "type"), f"a {_KNOWN} b", "contains a known secret"),
    "a credential in a variable": ((*_ENV, "X"), f"x {_LOOKS}", "looks like a credential (GitHub Token)"),
    "a credential in a name": (("name",), _LOOKS, "looks like a credential (GitHub Token)"),
    "a URL with a password": (
        (*_STEP, "url"),
        f"https://me:{_CANARY}@example.com/x",
        "looks like a credential (URL with a password)",
    ),
}


def _plan_file(body: JsonObject) -> JsonValue:
    def replace(value: JsonValue, path: Path) -> Any:
        secret = why_secret(path, value, _FIELDS, _REDACTOR)
        return {"$secret": {"line": 1}} if secret else KEEP

    return rewrite(body, replace)


def _export(body: JsonObject) -> JsonValue:
    return [text for path, text in texts(body) if not why_secret(path, text, _FIELDS, _REDACTOR)]


_OUTPUTS: Final[dict[str, Callable[[JsonObject], JsonValue]]] = {
    "plan": lambda body: _REDACTOR.value(mask(body, _FIELDS)),
    "plan file": _plan_file,
    "backup": lambda body: omit_secrets(body, _FIELDS, _REDACTOR)[0],
    "export": _export,
    "request": hide_texts,
}


def _body(path: Path, value: JsonValue) -> JsonObject:
    body: JsonObject = {}
    put(body, path, value)
    return body


@pytest.mark.parametrize("place", _PLACES)
def test_is_it_a_secret(place: str) -> None:
    """Each secret is found, with the reason; the reason never quotes it."""
    path, value, why = _PLACES[place]
    assert why_secret(path, value, _FIELDS, _REDACTOR) == why


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*_STEP, "repository", "token"), None),
        ((*_STEP, "repository", "token"), ""),
        ((*_STEP, "repository", "url"), "https://github.com/a/b"),
        ((*_STEP, "parameters", "secrets"), ["DB_PASSWORD"]),
        ((*_STEP, "headers", "secrets", "X-Key"), "partner"),
        ((*_ENV, "DAYS"), "30"),
        ((*_ENV, "DB_PASSWORD"), 30),
        ((*_ENV, "TOKEN_TYPE"), "Bearer"),
        (("name",), "token-refresh"),
    ],
)
def test_what_is_no_secret(path: Path, value: JsonValue) -> None:
    """Empty values, names of secrets and ordinary texts stay as they are."""
    assert why_secret(path, value, SecretFields(), Redactor()) == ""
    body = _body(path, value)
    assert mask(body, SecretFields()) == body
    assert omit_secrets(body, SecretFields(), Redactor()) == (body, ())


@pytest.mark.parametrize("output", _OUTPUTS)
@pytest.mark.parametrize("place", _PLACES)
def test_no_output_shows_it(place: str, output: str) -> None:
    """Every secret against every output."""
    path, value, _ = _PLACES[place]
    shown = dump_compact(_OUTPUTS[output](_body(path, value)))
    if output == "request" and isinstance(value, int):
        pytest.skip("a request line shows numbers")
    assert not [part for part in (_CANARY, "Canary", "7777777", _KNOWN) if part in shown]


def test_a_message_that_quotes_a_body() -> None:
    """A server or a parser may quote known secrets, plain or escaped in JSON, and credentials."""
    odd = 'odd"canary\\7f9a'
    redactor = Redactor.of({_KNOWN, odd}).joined(Redactor.of({"other-canary"}))
    quoted = f"{_KNOWN} {odd} {dump_compact(odd)} other-canary {_LOOKS}"
    said = mask_credentials(redactor.text(quoted))
    assert said == f'{SENSITIVE} {SENSITIVE} "{SENSITIVE}" {SENSITIVE} {SENSITIVE}'
    assert redactor.value({odd: [odd, 1, None]}) == {odd: [SENSITIVE, 1, None]}
    assert Redactor.of({"abc"}).text("abc") == "abc"


def test_a_longer_secret_goes_first() -> None:
    """A secret that contains another one leaves no rest."""
    redactor = Redactor.of({"canary", "canary-and-more"})
    assert redactor.text("canary-and-more canary") == f"{SENSITIVE} {SENSITIVE}"


_SECRET_NAMES: Final = (
    *("DB_PASSWORD", "db-pass", "MY_PWD", "passphrase", "apiKey", "API_KEY", "access-key", "PRIVATE_KEY"),
    *("TOKEN", "Authorization", "Proxy-Authorization", "cookie", "Set-Cookie", "auth", "X-Key", "Bearer"),
)


@pytest.mark.parametrize("name", _SECRET_NAMES)
def test_secret_names(name: str) -> None:
    """One list of names, for variables, headers and lines of a file."""
    assert is_secret_name(name)
    assert mentions_secret(f"{name}: x") or name in {"auth", "X-Key"}


@pytest.mark.parametrize(
    "name", ["MODE", "PWD", "COMPASS", "bypass", "AUTHOR", "KEY", "X-Authorization-Kind"]
)
def test_ordinary_names(name: str) -> None:
    """Names of ordinary settings."""
    assert not is_secret_name(name)


def test_a_list_of_texts_is_omitted_whole() -> None:
    """A gap in a list of texts would mean something else; a list of mappings loses only the secret."""
    body: JsonObject = {
        "steps": {"one": {"command": ["a", _LOOKS], "x": [{"y": _LOOKS, "z": "a"}, {"y": "b"}]}}
    }
    left, omitted = omit_secrets(body, SecretFields(), Redactor())
    assert left == {"steps": {"one": {"x": [{"z": "a"}, {"y": "b"}]}}}
    assert [item.path for item in omitted] == [(*_STEP, "command"), (*_STEP, "x", 0, "y")]


_ENV = ("steps", "one", "parameters", "env")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*_ENV, "CITY"), "*****"),
        ((*_ENV, "CITY"), " **** "),
        ((*_ENV, "CITY"), "***a1b2"),
        ((*_ENV, "CITY"), "ab12••••"),
        ((*_ENV, "CITY"), "[redacted]"),
        ((*_ENV, "CITY"), "xxxxxxxx"),
        ((*_ENV, "DB_PASSWORD"), "-"),
        ((*_ENV, "DSN"), "postgres://user:****@host/db"),
        (("steps", "one", "headers", "absolute", "X-Key"), "Bearer ***"),
        (("steps", "one", "headers", "secrets", "Authorization"), "********"),
        (("steps", "one", "auth", "password"), "xxx"),
        (("steps", "one", "auth", "apiKey"), 0),
        (("steps", "one", "command"), "python x.py --password=**** --dry-run"),
        (("steps", "one", "payload"), '{"token": "********"}'),
        (("watchers", 0, "webhook", "url"), "********"),
        (("watchers", "webhook:a", "webhook", "url"), "https://example.com/***"),
        (("watchers", 0, "user"), "j***@example.com"),
        (("vault",), "******"),
    ],
)
def test_masks_are_recognised_everywhere(path: Any, value: Any) -> None:
    """A mask is known by the field, its name, or its looks; a backup leaves it out as what it is."""
    assert is_masked(path, value)
    assert why_secret(path, value, SecretFields(), Redactor()) == "the platform's mask of a secret"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*_ENV, "SEPARATOR"), "---"),
        ((*_ENV, "SEPARATOR"), "**"),
        ((*_ENV, "EMPTY"), ""),
        ((*_ENV, "DB_PASSWORD"), ""),
        ((*_ENV, "MODE"), "masked"),
        ((*_ENV, "MODE"), "xxx"),
        ((*_ENV, "PATTERN"), "data/**/*.csv"),
        (("steps", "one", "command"), "echo '*** done ***'"),
        (("steps", "one", "command"), "# *** note: *** begin"),
        (("steps", "one", "payload"), "**bold**: ***both*** words"),
        (("steps", "one", "stepTimeout"), 3600),
        (("steps", "one", "auth", "password"), "vault-entry"),
        (("steps", "one", "auth", "password"), None),
        (("triggers", "cron"), "* * * * *"),
        (("watchers", 0, "webhook", "url"), "https://example.com/x"),
    ],
)
def test_values_that_are_no_masks(path: Any, value: Any) -> None:
    """What somebody may have written is sent back."""
    assert not is_masked(path, value)

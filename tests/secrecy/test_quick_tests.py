"""The quick tests find something in every text that the full tests find something in."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS

from reconciler.secrecy import (
    SENSITIVE,
    Redactor,
    SecretFields,
    credential_kind,
    is_mask,
    is_masked,
    is_secret_field,
    may_be_masked,
    may_hold_credential,
    may_state_mask,
    omit_secrets,
    states_mask,
    why_secret,
)
from reconciler.values import KEEP, JsonObject, JsonValue, Path, nodes, rewrite

_TOKEN = ("steps", "a", "repository", "token")
_CHARACTERS = [*"*•●⬤xX#·∙[(<{] @"]
_WORDS = [
    "redacted",
    "MASKED",
    "ma\u017fked",
    "hidden",
    "https://",
    "user:pass@",
    "github_pat_",
    "AKIA",
    "A" * 36,
]
_PLACES: list[Path] = [
    _TOKEN,
    ("steps", "a", "command"),
    ("steps", "a", "parameters", "env", "PASSWORD"),
    ("steps", "a", "parameters", "env", "MODE"),
    ("metadata", "a"),
]
_MASKS = st.sampled_from(
    ["", " ", "-", "...", "\u00a0", "xxx", "XXXXX", "a=***", "***", None, 1, [], ["", "***"], {}]
)
_PIECES = st.sampled_from([*_CHARACTERS, *_WORDS, "0" * 16])
_TEXTS = st.lists(_PIECES, max_size=8).map("".join)


@LAWS
@given(_TEXTS, _TEXTS)
def test_a_stated_mask_is_found_wherever_it_is(mask: str, other: str) -> None:
    """A text that is a mask passes the quick test, also among other texts."""
    if states_mask(_TOKEN, mask):
        assert may_state_mask(f"{other}\n{mask}\n{other}")


@LAWS
@given(_TEXTS)
def test_a_credential_is_found(text: str) -> None:
    """A text with a credential passes the quick test."""
    if credential_kind(text):
        assert may_hold_credential(text)


@LAWS
@given(_MASKS | _TEXTS, st.sampled_from(_PLACES), _TEXTS)
def test_a_mask_is_found_wherever_the_platform_returns_it(mask: Any, path: Path, other: str) -> None:
    """A body in which any value is a mask passes the quick test."""
    body: JsonObject = {"description": other, "watchers": [], "steps": {"b": {"command": other}}}
    place: Any = body
    for part in path[:-1]:
        place = place.setdefault(part, {})
    place[path[-1]] = mask
    if any(is_masked(where, value) for where, value in nodes(body)) or (
        is_secret_field(path) and is_mask(mask)
    ):
        assert may_be_masked(body)


def test_most_bodies_hold_no_mask() -> None:
    """The quick test is worth its time: a usual body does not pass it."""
    step: JsonObject = {"command": "python a.py", "repository": {"token": "credential-name"}}
    assert not may_be_masked({"name": "a", "triggers": [{"cron": "0 6 * * *"}], "steps": {"a": step}})


_VALUES = st.sampled_from(["plain", "main", "hunter2", "known-secret", "", None, 3, "***", {"a": "b"}])
_KEYS = st.sampled_from(["a", "MODE", "DB_PASSWORD", "X-Api-Key", "token"])
_MAPS = st.dictionaries(_KEYS, _VALUES, max_size=3)
_HOLDERS = _MAPS | st.lists(_MAPS, max_size=2)
_STEPS = st.fixed_dictionaries(
    {},
    optional={
        "repository": st.fixed_dictionaries({"token": _VALUES, "branch": _VALUES}),
        "parameters": st.fixed_dictionaries({"env": _HOLDERS}) | _HOLDERS,
        "headers": st.fixed_dictionaries({"absolute": _HOLDERS}),
        "command": _VALUES,
    },
)
_BODIES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {
        "steps": st.dictionaries(_KEYS, _STEPS, max_size=2) | st.lists(_STEPS, max_size=2),
        "metadata": _MAPS,
    }
)


@LAWS
@given(_BODIES, st.sets(st.sampled_from([("steps", "a", "command"), ("metadata", "a"), ("metadata",)])))
def test_what_is_omitted_is_what_is_a_secret(body: JsonObject, paths: set[Path]) -> None:
    """The secrets that are left out are those that a look at every value finds, the outermost of each."""
    fields, redactor = SecretFields(frozenset(paths)), Redactor.of(["known-secret"])
    found = [path for path, value in nodes(body) if why_secret(path, value, fields, redactor)]
    outermost = {
        path for path in found if not any(path[: len(other)] == other for other in found if other != path)
    }
    left, omitted = omit_secrets(body, fields, redactor)
    assert {item.path for item in omitted} == outermost
    gone = {path for path, _ in nodes(body)} - {path for path, _ in nodes(left)}
    assert gone == {path for path, _ in nodes(body) if any(path[: len(one)] == one for one in outermost)}


@LAWS
@given(_BODIES, st.sets(st.sampled_from([("steps", "a", "command"), ("metadata", "a"), ("metadata",)])))
def test_what_is_masked_is_what_is_covered(body: JsonObject, paths: set[Path]) -> None:
    """Every value in a secret field is masked, empty ones are not, and all else stays, at any path."""
    fields = SecretFields(frozenset(paths))

    def replace(value: JsonValue, path: Path) -> Any:
        return SENSITIVE if value not in (None, "") and fields.covers(path) else KEEP

    for path, value in nodes(body):
        assert fields.mask(value, path) == rewrite(value, replace, path)

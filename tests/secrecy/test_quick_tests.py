"""The quick tests, which most texts fail, pass every text that the full tests find something in."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS

from reconciler.secrecy import (
    credential_kind,
    is_mask,
    is_masked,
    is_secret_field,
    may_be_masked,
    may_hold_credential,
    may_state_mask,
    states_mask,
)
from reconciler.values import JsonObject, Path, nodes

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

"""The quick tests, which most texts fail, pass every text that the full tests find something in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS

from reconciler.secrecy import credential_kind, may_hold_credential, may_state_mask, states_mask

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

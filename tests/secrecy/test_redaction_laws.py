"""Laws of redaction: whatever value a secret has, the structure of a document and our own words stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS

from reconciler.secrecy import SENSITIVE, Redactor, SecretFields, mask, redact

if TYPE_CHECKING:
    from reconciler.values import JsonValue

_WORDS = st.sampled_from(
    ["update", "name", "body", "patch", "action", "changes", "format_version", "steps", "delete", "command"]
)
_SECRETS = _WORDS | st.from_regex(r"[0-9]{4,9}", fullmatch=True) | st.text(min_size=4, max_size=30)
_KEYS = _WORDS | st.text(max_size=8)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _SECRETS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shape(item) for item in value]
    return str if isinstance(value, str) else value


@LAWS
@given(_JSON, st.sets(_SECRETS, max_size=4))
def test_keys_stay(value: JsonValue, secrets: set[str]) -> None:
    """Redaction changes texts only: never a key, a number, or the length of a list."""
    redactor = Redactor.of(secrets)
    assert _shape(redactor.value(value)) == _shape(value)
    assert _shape(redact(value, redactor)) == _shape(value)
    assert _shape(mask(value, SecretFields())) == _shape(value)


@LAWS
@given(_WORDS | st.from_regex(r"[0-9]{4,9}", fullmatch=True))
def test_ordinary_words_stay_in_our_sentences(secret: str) -> None:
    """A word is masked where users name the values, and nowhere else."""
    redactor = Redactor.of([secret])
    assert redactor.prose(f"the {secret} is here") == f"the {secret} is here"
    assert redactor.text(f"the server said {secret}") == f"the server said {SENSITIVE}"
    for place in (("parameters", "env"), ("headers", "absolute")):
        assert redact(secret, redactor, ("steps", "one", *place, "X")) == SENSITIVE
    assert redact(secret, redactor, ("steps", "one", "command")) == secret


_NEAR_THE_MARK = st.text(alphabet="()sentive xy", min_size=4, max_size=14)


@LAWS
@given(
    st.lists(st.text(alphabet="abcd()", min_size=4, max_size=7) | _NEAR_THE_MARK, min_size=1, max_size=40),
    st.lists(st.text(alphabet="abcd()xy", max_size=12), max_size=6),
    st.data(),
)
def test_many_secrets_are_removed_like_one_after_the_other(
    secrets: list[str], texts: list[str], data: st.DataObject
) -> None:
    """The search for many secrets at once finds what a search for each finds, longer ones first."""
    redactor = Redactor.of(secrets)
    text = "".join([*texts, data.draw(st.sampled_from(secrets)), *texts])
    expected = text
    for secret in sorted(redactor.secrets, key=lambda secret: (-len(secret), secret)):
        expected = expected.replace(secret, SENSITIVE)
    assert redactor.text(text) == expected

"""Names of workflows: their plain spelling, and when two are the same except for their spelling."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS

from reconciler.workflow import name_key, name_problem, plain_name

_NAMES = st.text(
    st.one_of(st.sampled_from(" \t\n\u00a0\u200b\u0301\u0308\ufb01\u0130\u1e9eaEk\u0308"), st.characters())
)


@LAWS
@given(_NAMES)
def test_a_plain_name_has_no_problem(name: str) -> None:
    """A plain name is one that every platform keeps, is found in one step, and has the same key."""
    plain = plain_name(name)
    assert name_problem(plain) == ""
    assert plain_name(plain) == plain
    assert (plain, unicodedata.normalize("NFC", plain)) == (plain.strip(), plain)
    assert name_key(plain) == name_key(name)
    assert bool(name_problem(name)) == (plain != name)


@LAWS
@given(_NAMES)
def test_what_a_platform_may_make_of_a_name_has_its_key(name: str) -> None:
    """However a platform spells a plain name, it is known by its key."""
    plain = plain_name(name)
    key = name_key(plain)
    assert name_key(unicodedata.normalize("NFD", plain)) == key
    assert name_key(f" {plain.replace(' ', '  ')}\n") == key
    assert name_key(plain.casefold()) == key


@pytest.mark.parametrize(
    "name",
    [
        "daily",
        "Pr\u00e9vision\u00a0: ventes",
        "\u65e5\u6b21\u3000\u30ec\u30dd\u30fc\u30c8",
        "a\u200db",
        "\U0001f3f4",
    ],
)
def test_names_in_any_script_are_plain(name: str) -> None:
    """Single white space of any kind and joiners belong to a name."""
    assert name_problem(name) == ""

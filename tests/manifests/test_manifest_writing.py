"""The writing of manifests: the text reads back as the same values, in this reader and in others."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS

from reconciler.manifests.documents import read_documents
from reconciler.manifests.writing import manifest_text
from reconciler.manifests.yaml_values import Included, Tags
from reconciler.values import nodes

_TAGS = Tags(
    env=lambda tag: Included(value=f"<{tag.name}>"),
    file=lambda _: Included(problem="no file"),
    param=lambda _: Included(problem="no parameter"),
)

MISLEADING = [
    "yes",
    "1e3",
    "010",
    "0x1F",
    "1_000",
    "12:30",
    "2020-01-01",
    "true",
    "null",
    "~",
    "",
    "<<",
    "=",
    " padded ",
    "a: b",
    "a #b",
    "- a",
    "!env HOME",
    "&a",
    "*a",
    "%TAG",
    "{{name}}",
    "---\n...\n",
    "# reconciler: ignore[x]",
]


def _read(text: str) -> Any:
    documents, findings = read_documents("m.yaml", text, _TAGS)
    assert findings == []
    (document,) = documents
    return document.value


@pytest.mark.parametrize("text", MISLEADING)
def test_misleading_text(text: str) -> None:
    """Text that YAML, or another YAML, would take for something else is quoted, as a value and as a key."""
    written = manifest_text({"value": text, "keys": {text: "x"}}, {})
    assert _read(written) == {"value": text, "keys": {text: "x"}}
    assert yaml.safe_load(written) == {"value": text, "keys": {text: "x"}}


def test_looks() -> None:
    """Lists are below their key, several lines are a block, a variable is plain, and comments come first."""
    document: Any = {"a": ["x", {"b": 1, "c": True}], "run": "one\ntwo\n", "token": "s", "e": {}, "f": 0.5}
    written = manifest_text(document, {("token",): "NAME"}, ["Hello:", "", "  a\nb\x1b"])
    assert written == (
        "# Hello:\n#\n#   a\\nb\\x1b\n"
        "a:\n  - x\n  - b: 1\n    c: true\nrun: |\n  one\n  two\ntoken: !env NAME\ne: {}\nf: 0.5\n"
    )
    assert _read(written)["token"] == "<NAME>"


@pytest.mark.parametrize("text", ["a\x1b[31mb", "a\u202eb", "a\u2028b", "a\x85b\nc", "tab\there\nx", "a \nb"])
def test_deceptive_text(text: str) -> None:
    """What could steer a terminal or deceive a reader is written as an escape, and reads back as it was."""
    written = manifest_text({"value": text, text: "key"}, {})
    assert written.isascii()
    assert all(line.isprintable() for line in written.splitlines())
    assert _read(written) == {"value": text, text: "key"}


_leaves = (
    st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 9))
    | st.text(st.characters(codec="utf-8"), max_size=12)
    | st.sampled_from(MISLEADING)
    | st.lists(st.sampled_from(["a", " ", "\n", "\t", "#", ":", "'", '"', "\\", "|", "\ufeff"])).map("".join)
)
_values = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)


@LAWS
@given(value=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=200), _values, max_size=3))
def test_reads_back(value: dict[str, Any]) -> None:
    """Whatever JSON holds reads back as the same, to this reader, and to one of YAML 1.1."""
    written = manifest_text({"body": value}, {})
    assert _read(written) == {"body": value}
    assert yaml.safe_load(written) == {"body": value}


@LAWS
@given(value=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=20), _values, max_size=3))
def test_comments_at_the_ends_of_lines_change_no_value(value: dict[str, Any]) -> None:
    """Whatever a comment says, the values read back as they were."""
    comments = {path: "a: b, #1 '\n\"" for path, _ in nodes({"body": value}) if path}
    written = manifest_text({"body": value}, {}, line_comments=comments)
    assert _read(written) == {"body": value}
    assert "# a: b, #1" in written

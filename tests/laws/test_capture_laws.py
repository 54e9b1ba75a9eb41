"""What is captured plans clean, and a capture keeps every byte that no difference concerns."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from forms import live_of
from hypothesis import given
from hypothesis import strategies as st
from law_helpers import OPTIONS
from strategies import DEFAULT_RESOURCE, LAWS, as_returned, workflow_bodies

from reconciler.capture import Capture, TenantView, capture_workflow
from reconciler.findings import Finding
from reconciler.manifests import (
    Document,
    Manifest,
    ManifestFile,
    NotEditableError,
    ReadOptions,
    edited_text,
    manifest_text,
    read_file,
)
from reconciler.manifests.documents import read_documents
from reconciler.manifests.yaml_nodes import json_as_yaml
from reconciler.manifests.yaml_values import Included, Tags
from reconciler.plan import DefaultResource, PlatformFacts
from reconciler.secrecy import Redactor

FACTS = PlatformFacts(default_resource=DefaultResource(answer=DEFAULT_RESOURCE))
VIEW = TenantView(
    options=OPTIONS, facts=FACTS, redactor=Redactor(), env={}, reading=ReadOptions(), plain_text=True
)
TAGS = Tags(env=lambda _: Included(), file=lambda _: Included(), param=lambda _: Included())
REASONS = (
    "is a secret",
    "looks like a credential",
    "the platform masks",
    "the platform's mask",
    "a question mark",
    "its line has other values",
)
"""Why a live value may be refused: it must not be in a file, or nothing else may be lost where it is."""


def _read(text: str, name: str) -> Manifest | None:
    content = read_file(ManifestFile(Path(name), Path(), text), {}, VIEW.reading)
    return content.manifests[0] if content.manifests else None


def _documents(name: str, text: str) -> tuple[list[Document], list[Finding]]:
    """Return the documents of a text without tags, and its findings."""
    return read_documents(name, json_as_yaml(text) if name.endswith(".json") else text, TAGS)


def _document(text: str, name: str = "x.yaml") -> Document:
    (document,), findings = _documents(name, text)
    assert not findings
    return document


@st.composite
def commented(draw: st.DrawFn, value: Any) -> tuple[str, str]:
    """Return a value as the text of a file, with comments wherever they change nothing, and its name."""
    style = draw(st.sampled_from(["block", "flow", "pretty"]))
    if style != "block":
        text = json.dumps(value, indent=2 if style == "pretty" else None) + "\n"
        return text, draw(st.sampled_from(["x.json", "x.yaml"]))
    text = manifest_text(value, {})
    lines = text.splitlines()
    for number in draw(st.lists(st.integers(0, len(lines)), max_size=6)):
        own_line = draw(st.booleans())
        tried = list(lines)
        if own_line or number >= len(lines):
            tried.insert(number, " " * draw(st.integers(0, 4)) + f"# note {number}")
        else:
            tried[number] += f"   # note {number}"
        joined = "\n".join(tried) + "\n"
        documents, findings = _documents("x.yaml", joined)
        if not findings and documents and documents[0].value == _document(text).value:
            lines = tried
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    joined = newline.join(lines) + draw(st.sampled_from([newline, ""]))
    documents, findings = _documents("x.yaml", joined)
    same = not findings and bool(documents) and documents[0].value == _document(text).value
    return (joined if same else text), "x.yaml"


@st.composite
def edits(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the body of a manifest, and of the same workflow after somebody edited it."""
    body, other = draw(workflow_bodies()), draw(workflow_bodies())
    live = copy.deepcopy(body)
    for key in draw(st.sets(st.sampled_from(["tags", "triggers", "watchers", "metadata", "retryOptions"]))):
        if key in other:
            live[key] = other[key]
        else:
            live.pop(key, None)
    for name, step in other["steps"].items():
        mine = live["steps"].get(name)
        if mine is None or mine.get("type", "standard") != step.get("type", "standard"):
            continue
        keys = sorted({*mine, *step} - {"parents", "executionParameters"})
        if not keys:
            continue
        for key in draw(st.sets(st.sampled_from(keys))):
            if key in step:
                mine[key] = step[key]
            else:
                mine.pop(key)
    return {**body, "name": "flow"}, {**live, "name": "flow"}


def _captured(text: str, name: str, live: Any) -> Capture | None:
    manifest = _read(text, name)
    if manifest is None:
        return None
    return capture_workflow(manifest, live, ManifestFile(Path(name), Path(), text), VIEW)


@LAWS
@given(data=st.data(), bodies=edits())
def test_what_is_captured_plans_clean(data: st.DataObject, bodies: tuple[dict[str, Any], Any]) -> None:
    """A capture of any edit leaves nothing to capture, unless a live value is refused."""
    body, edited = bodies
    text, name = data.draw(commented({"body": body}))
    live = live_of({**data.draw(as_returned(edited)), "name": "flow"}, 7, "flow")
    captured = _captured(text, name, live)
    if captured is None:
        return
    for reason in filter(None, [captured.refusal, *captured.differences.left.values()]):
        assert any(word in reason for word in REASONS) or "not valid" in reason, reason
    if captured.refusal:
        return
    again = _captured(captured.text, name, live)
    assert again is not None
    assert (again.differences.captured, again.text) == ((), captured.text)
    assert again.differences.left == captured.differences.left


@LAWS
@given(data=st.data(), body=workflow_bodies())
def test_without_a_difference_no_byte_changes(data: st.DataObject, body: dict[str, Any]) -> None:
    """A capture of a workflow that nobody edited returns the text as it was, however it is returned."""
    body = {**body, "name": "flow"}
    text, name = data.draw(commented({"body": body}))
    live = live_of({**data.draw(as_returned(body)), "name": "flow"}, 7, "flow")
    captured = _captured(text, name, live)
    if captured is not None:
        assert (captured.text, captured.differs) == (text, False)


_scalars = st.one_of(
    st.booleans(),
    st.integers(-999, 999),
    st.sampled_from(["a", "yes", "#", "a: b", "- x", "", " x ", "é\n\nb", "a\n\n"]),
)
_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
    ),
    max_leaves=8,
)
_sections = st.dictionaries(st.sampled_from(["one", "two", "three", "four"]), _values, min_size=1)


@LAWS
@given(data=st.data(), before=_sections, after=_sections)
def test_what_does_not_differ_keeps_its_bytes(
    data: st.DataObject, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """The edited text reads as the new value, and an entry that both sides share stays as it is written."""
    shared = data.draw(st.sets(st.sampled_from(sorted(before))))
    after = {**{key: value for key, value in after.items() if key not in shared}}
    wanted = {**{key: before[key] for key in before if key in shared}, **after}
    text, name = data.draw(commented(before))
    document = _document(text, name)
    if not wanted:
        return
    edited = edited_text(document, text, wanted)
    found, findings = _documents(name, edited)
    assert not findings
    assert found[0].value == wanted
    if text.startswith("{"):
        return
    for key in shared:
        assert _section(text, key) in edited


@pytest.mark.parametrize("value", ["x\n\n", ["x\n\n", "y"], {"k": "x\n\n"}])
@pytest.mark.parametrize("text", ["a: 1\nb: 2\n", "b: 2\na: 1\n", "a: [1]\nb: 2\n"])
def test_a_text_that_ends_with_open_lines(text: str, value: Any) -> None:
    """It is written at any place of a document, also before other entries."""
    wanted = {"a": value, "b": 2, "c": value}
    assert _document(edited_text(_document(text), text, wanted)).value == wanted


def test_a_key_with_a_question_mark() -> None:
    """A mapping with such a key, as an empty one, is refused with its place, and another is edited."""
    text = "env:\n  ? ''\n  : a\n  b: 1\nc: 1\n"
    document = _document(text)
    with pytest.raises(NotEditableError, match="2:3: env cannot be edited: a key in it is written with a qu"):
        edited_text(document, text, {"env": {"": "a"}, "c": 1})
    assert edited_text(document, text, {"env": {"": "a", "b": 1}, "c": 2}) == text.replace("c: 1", "c: 2")


def _section(text: str, key: str) -> str:
    """Return the lines of a top-level entry of a block mapping, without what follows its last value."""
    lines = text.splitlines(keepends=True)
    start = next(index for index, line in enumerate(lines) if line.startswith(f"{key}:"))
    end = next((number for number in range(start + 1, len(lines)) if lines[number][:1].strip()), len(lines))
    return "".join(lines[start:end]).rstrip()

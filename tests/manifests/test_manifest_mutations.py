"""Broken manifests of every kind: whatever the bytes of a file, there are findings and never an exception."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from case_files import BAD, GOOD
from hypothesis import given, settings
from hypothesis import strategies as st
from manifest_helpers import CANARY, load
from strategies import DEPTH, LAWS

from reconciler.findings import Severity
from reconciler.manifests.file_findings import MAX_FINDINGS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.manifests import LoadResult

_TEXTS = [case.read_bytes() for case in (*GOOD, *BAD) if case.stat().st_size < 5000]
# One step further than chance would go: what means something to YAML, or to us.
_SNIPPETS = [
    *(b"\n", b"\r", b"\t", b"  ", b"- ", b"? ", b": ", b"---\n", b"...\n", b"#", b"|\n", b">-\n", b"%"),
    *(b"[", b"]", b"{", b"}", b",", b"'", b'"', b"\\", b"&a ", b"*a", b"<<: *a\n", b"<<: ", b"!", b"!!"),
    *(
        b"!env S",
        b"!env {name: S}",
        b"!env {[a]: S}",
        b"!file x",
        b"!file ..",
        b"!!int ",
        b"!!null x",
        b"!x ",
    ),
    *(b"null", b"~", b"true", b"yes", b"010", b"1e3", b".inf", b"-0", b"9" * 25, b"1.5", b"2024-01-01"),
    *(b"\x00", b"\x1b[31m", b"\x7f", b"\xff", b"\xed\xa0\x80", b"\xc2\x85", b"\xe2\x80\xa8", b"\xef\xbb\xbf"),
    *(b"\\ud83d\\ude00", b"body:\n", b"patch: {}\n", b"reconcile: {}\n", b"name: ", b"steps: "),
]


@dataclass(frozen=True)
class _Draw:
    """Draws what a mutation needs."""

    data: st.DataObject

    def index(self, size: int) -> int:
        return self.data.draw(st.integers(0, max(size, 0)))

    def bytes(self) -> bytes:
        return self.data.draw(st.sampled_from(_SNIPPETS) | st.binary(max_size=4))


def _cut(text: bytes, draw: _Draw) -> bytes:
    return text[: draw.index(len(text))]


def _drop_beginning(text: bytes, draw: _Draw) -> bytes:
    return text[draw.index(len(text)) :]


def _insert(text: bytes, draw: _Draw) -> bytes:
    at = draw.index(len(text))
    return text[:at] + draw.bytes() + text[at:]


def _overwrite(text: bytes, draw: _Draw) -> bytes:
    at = draw.index(len(text))
    new = draw.bytes()
    return text[:at] + new + text[at + len(new) :]


def _drop_line(text: bytes, draw: _Draw) -> bytes:
    lines = text.splitlines(keepends=True)
    at = draw.index(len(lines) - 1)
    return b"".join(lines[:at] + lines[at + 1 :])


def _repeat_line(text: bytes, draw: _Draw) -> bytes:
    lines = text.splitlines(keepends=True)
    at = draw.index(len(lines) - 1)
    return b"".join(lines[: at + 1] + lines[at:])


def _move_line(text: bytes, draw: _Draw) -> bytes:
    lines = text.splitlines(keepends=True)
    if lines:
        line = lines.pop(draw.index(len(lines) - 1))
        lines.insert(draw.index(len(lines)), line)
    return b"".join(lines)


def _retype(text: bytes, draw: _Draw) -> bytes:
    """Give one key another value."""
    lines = text.splitlines(keepends=True)
    lists_by_name = [index for index, line in enumerate(lines) if b": " in line]
    if lists_by_name:
        index = lists_by_name[draw.index(len(lists_by_name) - 1)]
        lines[index] = lines[index].partition(b": ")[0] + b": " + draw.bytes() + b"\n"
    return b"".join(lines)


def _indent(text: bytes, draw: _Draw) -> bytes:
    lines = text.splitlines(keepends=True)
    at = draw.index(len(lines) - 1)
    return b"".join([*lines[:at], b" ", *lines[at:]])


_MUTATIONS: list[Callable[[bytes, _Draw], bytes]] = [
    _cut,
    _drop_beginning,
    _insert,
    _overwrite,
    _drop_line,
    _repeat_line,
    _move_line,
    _retype,
    _indent,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory for the broken files."""
    return tmp_path_factory.mktemp("broken")


def _check(result: LoadResult, text: bytes) -> None:
    """Check what must hold of whatever was loaded."""
    # Counted the way that gives the most lines: YAML knows more line breaks than one.
    lines = len(text.decode("utf-8", errors="replace").splitlines()) + 1
    assert len(result.findings) <= 2 * MAX_FINDINGS
    for finding in result.findings:
        assert finding.message
        assert finding.message.isprintable()
        assert len(finding.message) < 2000
        assert CANARY not in finding.message
        if finding.position is not None:
            assert 1 <= finding.position.line <= lines
            assert finding.position.column >= 1
    assert result.valid is not any(finding.severity is Severity.ERROR for finding in result.findings)
    assert result.manifests or result.findings
    for manifest in result.manifests:
        json.dumps(manifest.body, allow_nan=False).encode()
        assert manifest.source.position(("name",)) is not None
        assert not {path for path in manifest.sensitive if not path}


@given(data=st.data())
@settings(LAWS, max_examples=80 * DEPTH)
def test_mutated_manifests_give_findings(folder: Path, data: st.DataObject) -> None:
    """A manifest cut, shuffled, retyped or filled with random bytes is loaded or reported, never raised."""
    text = data.draw(st.sampled_from(_TEXTS))
    for mutate in data.draw(st.lists(st.sampled_from(_MUTATIONS), min_size=1, max_size=4)):
        text = mutate(text, _Draw(data))
    file = folder / data.draw(st.sampled_from(["a.yaml", "a.json"]))
    file.write_bytes(text)
    _check(load(file, env={"S": CANARY}, require_env=data.draw(st.booleans())), text)


@given(text=st.lists(st.sampled_from(_SNIPPETS) | st.binary(max_size=6), max_size=30).map(b"".join))
@settings(LAWS, max_examples=80 * DEPTH)
def test_any_bytes_give_findings(folder: Path, text: bytes) -> None:
    """A file of any bytes is reported; nothing is raised."""
    file = folder / "b.yaml"
    file.write_bytes(text)
    _check(load(file, env={"S": CANARY}), text)


@pytest.mark.parametrize("case", GOOD[:12], ids=lambda case: case.stem)
def test_every_beginning_of_a_manifest(folder: Path, case: Path) -> None:
    """A manifest cut off after any of its bytes, as by a full disk, is loaded or reported."""
    text = case.read_bytes()[:400]
    file = folder / f"{case.stem}.yaml"
    for end in range(0, len(text), 3):
        file.write_bytes(text[:end])
        _check(load(file), text[:end])

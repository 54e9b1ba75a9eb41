"""Good manifests broken in every way, through what `validate` does: findings, and never an exception."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from case_files import GOOD
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import DEPTH, LAWS

from reconciler.findings import Severity
from reconciler.render import (
    findings_github,
    findings_gitlab,
    findings_json,
    findings_junit,
    findings_sarif,
    findings_text,
)
from reconciler.rules import check_paths

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.findings import CheckResult

_TEXTS = [case.read_text(encoding="utf-8") for case in GOOD if case.stat().st_size < 4000]
_CANARY = "canary-5f3a91"
_VALUES = [
    *("null", "true", "1", "-1", "1.5", "''", "text", "[]", "{}", "[a]", "{a: b}", "[[], {}]", "2024-01-01"),
    *("!env V", "!env UNSET", "!file x", "&a x", "*a", "'0 99 * * *'", "'{{x}}'", "https://a:b-secret-c@d.e"),
    *(
        "http",
        "sql",
        "post",
        "equals",
        "[!env V, !env UNSET, a]",
        "'\\ud800'",
        '"\\x1b[31m\\ud83d"',
        "\u202e",
    ),
]
_WORDS = re.compile(r"[A-Za-z][A-Za-z-]*")


def _drop(lines: list[str], at: int, _draw: st.DataObject) -> None:
    del lines[at]


def _duplicate(lines: list[str], at: int, _draw: st.DataObject) -> None:
    lines.insert(at, lines[at])


def _rename(lines: list[str], at: int, draw: st.DataObject) -> None:
    """Put another word of the manifest in the place of one, so that references break and names collide."""
    words = sorted(set(_WORDS.findall("".join(lines)))) or ["a"]
    new = draw.draw(st.sampled_from(words))
    lines[at] = _WORDS.sub(new, lines[at], count=1)


def _retype(lines: list[str], at: int, draw: st.DataObject) -> None:
    key, colon, _ = lines[at].partition(": ")
    lines[at] = f"{key}{colon}{draw.draw(st.sampled_from(_VALUES))}\n"


def _move(lines: list[str], at: int, draw: st.DataObject) -> None:
    lines.insert(draw.draw(st.integers(0, len(lines) - 1)), lines.pop(at))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory for the broken files."""
    return tmp_path_factory.mktemp("mutated")


def _check(result: CheckResult) -> None:
    """Check what must hold of whatever was found, in every format."""
    assert result.manifests or result.count(Severity.ERROR)
    for finding in result.findings:
        assert finding.message.isprintable()
        assert _CANARY not in finding.message + finding.excerpt
        assert "b-secret-c" not in finding.excerpt
    numbers = {
        len(json.loads(findings_json(result))["findings"]),
        len(json.loads(findings_gitlab(result))),
        len(json.loads(findings_sarif(result))["runs"][0]["results"]),
        len(findings_github(result).splitlines()),
    }
    assert numbers == {len(result.findings)}
    assert findings_text(result)
    assert findings_junit(result).isascii()


@given(data=st.data())
@settings(LAWS, max_examples=80 * DEPTH)
def test_mutated_manifests(folder: Path, data: st.DataObject) -> None:
    """Lines dropped, repeated, moved, renamed and retyped are reported in every format."""
    lines = data.draw(st.sampled_from(_TEXTS)).splitlines(keepends=True)
    for change in data.draw(
        st.lists(st.sampled_from([_drop, _duplicate, _rename, _retype, _move]), min_size=1, max_size=4)
    ):
        if lines:
            change(lines, data.draw(st.integers(0, len(lines) - 1)), data)
    file = folder / data.draw(st.sampled_from(["a.yaml", "a.json"]))
    file.write_bytes("".join(lines).encode("utf-8", "surrogatepass"))
    _check(check_paths((str(file),), {"V": _CANARY}))


@given(data=st.data())
@settings(LAWS, max_examples=35 * DEPTH)
def test_cut_manifests(folder: Path, data: st.DataObject) -> None:
    """A manifest cut at any byte, as by a full disk."""
    text = data.draw(st.sampled_from(_TEXTS)).encode()
    file = folder / "cut.yaml"
    file.write_bytes(text[: data.draw(st.integers(0, len(text)))])
    result = check_paths((str(file),), {"V": _CANARY})
    _check(result)


@given(data=st.data())
@settings(LAWS, max_examples=50 * DEPTH)
def test_any_body_that_the_schema_allows(folder: Path, data: st.DataObject) -> None:
    """Steps that name one another at random: rules look at graphs of every form."""
    names = data.draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True))
    some = st.lists(st.sampled_from([*names, "zz"]), max_size=4)
    step = st.fixed_dictionaries(
        {"parents": some},
        optional={
            "outputParameters": st.dictionaries(st.sampled_from("xy"), st.just("f"), max_size=2),
            "parameters": st.fixed_dictionaries(
                {"inherit": st.dictionaries(st.sampled_from("AB"), st.sampled_from("xy"), max_size=2)}
            ),
            "executionParameters": st.fixed_dictionaries(
                {
                    "conditional": st.lists(
                        st.fixed_dictionaries(
                            {
                                "condition": st.just("equals"),
                                "stepName": st.sampled_from([*names, "zz"]),
                                "paramName": st.sampled_from("xy"),
                                "value": st.just("1"),
                            }
                        ),
                        max_size=2,
                    )
                }
            ),
            "runConfiguration": st.fixed_dictionaries(
                {
                    "skipConfiguration": st.fixed_dictionaries(
                        {"skip": st.booleans(), "skipDAG": st.booleans()}
                    )
                }
            ),
        },
    )
    steps = {name: data.draw(step) for name in names}
    file = folder / "graph.json"
    file.write_text(json.dumps({"name": "x", "steps": steps}), encoding="utf-8")
    result = check_paths((str(file),), {})
    _check(result)
    found = {finding.rule for finding in result.findings}
    assert ("unknown-parent" in found) is any("zz" in step["parents"] for step in steps.values())
    assert ("self-parent" in found) is any(name in step["parents"] for name, step in steps.items())
    assert ("dependency-cycle" in found) is _has_cycle(
        {name: {parent for parent in step["parents"] if parent != name} for name, step in steps.items()}
    )


def _has_cycle(parents: dict[str, set[str]]) -> bool:
    """Return whether there is a cycle, by repeatedly removing steps without remaining parents."""
    left = dict(parents)
    while ready := [name for name, waits in left.items() if not waits & set(left)]:
        for name in ready:
            del left[name]
    return bool(left)

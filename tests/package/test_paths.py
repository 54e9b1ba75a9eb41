"""Paths of tests in the scripts of the project: each exists, so that none is left out without a word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("script", [".ci/run", "scripts/test-lowest"])
def test_paths_of_tests_exist(script: str) -> None:
    """A test that moved is moved in the scripts as well."""
    paths = set(re.findall(r"tests/[\w/.]+", (_ROOT / script).read_text(encoding="utf-8")))
    assert len(paths) > 3
    assert [path for path in sorted(paths) if not (_ROOT / path).exists()] == []

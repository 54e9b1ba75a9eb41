"""File names made of names: none is one that a system reserves."""

from __future__ import annotations

import pytest

from reconciler.text import slug


@pytest.mark.parametrize("name", ["Con", "NUL", "aux ", "prn.", "COM1", "lpt9", " com0"])
def test_device_names_are_avoided(name: str) -> None:
    """A checkout on Windows cannot hold a file such as con.yaml."""
    assert slug(name) == f"workflow-{name.strip(' .').lower()}"


@pytest.mark.parametrize("name", ["console", "com10", "auxiliary", "con-2"])
def test_names_that_only_begin_so_stay(name: str) -> None:
    """Only the reserved names themselves are changed."""
    assert slug(name) == name

"""A code host for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from code_host import CodeHost, code_host

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def host() -> Iterator[CodeHost]:
    """Return a running stand-in for the code host's API."""
    with code_host() as running:
        yield running

"""Two tenants and a repository for both."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from fleet_helpers import Fleet, tenants

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Return a repository with two live environments, one whose host is gone, and one with a bad token."""
    with ExitStack() as stack:
        yield Fleet(tmp_path, tenants(stack, 2), broken=True)

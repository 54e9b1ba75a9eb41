"""A tenant and a repository for each test, and a line of output for each passed test."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from container_helpers import IMAGE, TOKEN, Repository

from reconciler.emulator.server import EmulatorServer

_SHOWS = "container shows"


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    """Yield an empty repository, with an empty tenant on the host's loopback."""
    with EmulatorServer(token=TOKEN) as server:
        yield Repository(server, tmp_path / "repository")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the docstring of each test here to its report."""
    for item in items:
        if IMAGE and isinstance(item, pytest.Function) and item.path.parent == Path(__file__).parent:
            item.user_properties.append((_SHOWS, inspect.getdoc(item.function) or item.name))


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Print the docstring of a passed test instead of a dot."""
    shows = dict(report.user_properties).get(_SHOWS) if report.when == "call" and report.passed else None
    return None if shows is None else ("passed", f"  shown: {shows}\n", "PASSED")

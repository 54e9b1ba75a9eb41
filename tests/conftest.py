"""Fixtures of every test: commands that only read send only GET, and no signal stays ignored.

Also puts this directory on the path, so that every test can import shared modules such as `strategies`, and
takes the deadline from all examples: a busy machine would miss it.
"""

from __future__ import annotations

import gc
import importlib
import pkgutil
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import reconciler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from read_only import RequestWatch

_HERE = str(Path(__file__).parent)
if _HERE not in sys.path:
    sys.path.insert(0, _HERE)

settings.register_profile("tests", deadline=None, derandomize=True)
settings.load_profile("tests")  # also of a test that states no settings: no deadline, the same examples


def pytest_collection_finish() -> None:
    """Load the whole package, and leave what is there out of garbage collection, which would go through it.

    Hypothesis takes examples from the constants of the modules that are loaded: they must not depend on the
    tests that ran before.
    """
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        with suppress(ModuleNotFoundError):  # an extra that is not installed
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def watch() -> Iterator[RequestWatch]:
    """Yield the watch over the test's emulators; at its end, check that reading commands wrote nothing."""
    from read_only import watch_requests  # noqa: PLC0415 - this directory is not on the path earlier

    with pytest.MonkeyPatch.context() as patch:
        watch = watch_requests(patch)
        yield watch
    assert watch.writes == []


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """Reset the signal handlers: a background process ignores Ctrl-C, and its children inherit that."""
    _reset_signals()
    yield
    _reset_signals()


def _reset_signals() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

"""Puts this directory on the path, so that every test can import what is shared, such as `strategies`.

Every test is watched: no command that only reads may send anything but GET, whatever the test is about. And a
command that ran in a test's own process leaves no signal ignored, which child processes would inherit.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from read_only import Watch

_HERE = str(Path(__file__).parent)
if _HERE not in sys.path:
    sys.path.insert(0, _HERE)


@pytest.fixture(autouse=True)
def watch() -> Iterator[Watch]:
    """Return what watches the emulators of the test; at its end, see that nothing wrote that only reads."""
    from read_only import watching  # noqa: PLC0415 - this directory is on the path only from here on

    with pytest.MonkeyPatch.context() as patch:
        watch = watching(patch)
        yield watch
    assert watch.writes == []


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """Let signals be heard: what is started in the background ignores Ctrl-C, and so does what it starts."""
    _hear_signals()
    yield
    _hear_signals()


def _hear_signals() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

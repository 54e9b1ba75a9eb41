"""The representation of a value that holds what users sent: it shows none of it, whoever prints it."""

from __future__ import annotations

import pytest

from reconciler.client.calls import RequestRecord
from reconciler.plan.comparing import Comparison

_SECRET = "canary-0123456789"
_HOLDERS = (
    RequestRecord(
        method="PUT",
        path="/workflows/1",
        outcome="ok",
        status=200,
        attempt=1,
        started=0.0,
        seconds=0.0,
        waited=0.0,
        body={"token": _SECRET},
    ),
    Comparison(changes=(), write_only=((("steps", "a", "repository", "token"), _SECRET),)),
)


@pytest.mark.parametrize("holder", _HOLDERS, ids=lambda holder: type(holder).__name__)
def test_a_representation_shows_nothing_that_was_sent(holder: object) -> None:
    """A traceback or a debugger prints the name of the class, and no secret."""
    assert type(holder).__name__ in repr(holder)
    assert _SECRET not in repr(holder)

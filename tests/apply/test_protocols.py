"""The laws of the write protocols hold in every interleaving; each guard that is switched off breaks one."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import pytest
from protocols import PROTOCOLS, Protocol
from strategies import DEPTH

from reconciler.apply import creating, one_workflow, refused_fields, writing
from reconciler.apply import verifier as verifier_module
from reconciler.apply.marks import SentTags, WrittenBy
from reconciler.apply.verifier import Verifier
from reconciler.client import AnswerLostError
from reconciler.job import lease as lease_module
from reconciler.job.lease import Lease
from reconciler.workflow import Live

_BY_NAME = {protocol.name: protocol for protocol in PROTOCOLS}
_WORLDS = [
    (protocol, world)
    for protocol in PROTOCOLS
    for world in ({**protocol.small, **protocol.deep} if DEPTH > 1 else protocol.small)
]


slow = pytest.mark.skipif(DEPTH == 1, reason="slow: it is part of the long explorations")


def _violation(protocol: str, world: str, **changes: Any) -> str:
    found: Protocol[Any] = _BY_NAME[protocol]
    explored = found.explore(_changed(found.worlds[world], changes))
    return explored.violation


def _changed(world: Any, changes: dict[str, Any]) -> Any:
    return type(world)(**{**vars(world), **changes})


@pytest.mark.parametrize(
    ("protocol", "world"), _WORLDS, ids=[f"{protocol.name}: {world}" for protocol, world in _WORLDS]
)
def test_every_interleaving(protocol: Protocol[Any], world: str) -> None:
    """No law is broken, whatever comes between two calls of a run."""
    explored = protocol.explore(protocol.worlds[world])
    sys.stdout.write(f"{explored}; {explored.in_windows:,} in a window; ends: {sorted(explored.ends)}\n")
    assert not explored.violation, str(explored)


def test_the_windows_are_the_ones_that_are_documented() -> None:
    """Without lags a change is undone only between the last read and the write; without edits, never."""
    world = _BY_NAME["update"].small["somebody edits"]
    explored = _BY_NAME["update"].explore(_changed(world, {"edits": world.edits[:1]}))
    assert explored.windows == {"a change of 1 by somebody is overwritten in the window"}
    assert _BY_NAME["update"].explore(_changed(world, {"edits": ()})).in_windows == 0


def test_the_read_before_a_write_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the plan's read is believed, a change since then is overwritten, or deleted."""
    monkeypatch.setattr(one_workflow, "wait_until_ready", lambda _api, planned, *_: planned)
    assert _violation("update", "somebody edits") == "a change of 1 by somebody is overwritten, stale"
    assert _violation("delete", "one run", losses=0).endswith("deleted, stale")


def test_comparing_before_a_write_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is read and not compared, a change is overwritten, or deleted."""
    monkeypatch.setattr(Live, "unchanged_since", lambda *_: True)
    assert _violation("update", "somebody edits").endswith("overwritten, fresh")
    assert _violation("delete", "one run", losses=0).endswith("deleted, fresh")


def test_the_read_before_a_repeated_delete_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a delete whose answer was lost is just sent again, it deletes what changed meanwhile."""
    monkeypatch.setattr(writing, "_is_described", lambda *_: True)
    assert "undid a change that it had read" in _violation("delete", "one run")


def test_the_read_before_a_body_that_is_not_refused_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the next body is sent without another look, it overwrites what changed meanwhile."""
    monkeypatch.setattr(refused_fields, "read_unchanged", lambda _api, live: live)
    assert _violation("update", "somebody edits", refusals=1).endswith("overwritten, stale")


def test_reporting_what_a_second_write_undid_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a value under the mark of our write counts as the platform's form, an edit is lost unreported."""
    monkeypatch.setattr(verifier_module, "_doubtful", lambda *_: [])
    violation = _violation("update", "somebody edits")
    assert violation == "run 1 undid a change that it had read, and does not report it"


def test_preserving_the_webhook_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the policy is left to the platform, an update gives the webhook another URL."""
    original = one_workflow.update_without_refused

    def without_policy(api: Any, live: Any, body: Any, *others: Any) -> Any:
        triggers = [{"webhook": True} for _ in body["triggers"]]
        return original(api, live, {**body, "triggers": triggers}, *others)

    monkeypatch.setattr(one_workflow, "update_without_refused", without_policy)
    assert _violation("update", "one run") == "the webhook of 1 got another URL"


def test_the_search_after_a_rename_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a rename does not look for its new name, or looks too early, there are twins unreported."""
    world = "beside a create of the name, the list lags"
    monkeypatch.setattr(one_workflow, "listed_with", lambda api, name, *_: creating.ids_of(api, name))
    assert _violation("rename", world) == "twins that no run reports: ['next']"


def test_the_verification_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a lost answer counts as done, the verification finds it; without that, nothing does."""
    monkeypatch.setattr(refused_fields, "update_once", _believed)
    assert not _violation("update", "one run", crashes=0, refusals=0)
    monkeypatch.setattr(Verifier, "verify", lambda *_, **__: ())
    assert (
        _violation("update", "one run", crashes=0, refusals=0)
        == "run 1 says that Update 1 is done, and it is not"
    )


def _believed(api: Any, live: Live, body: Any, _: Any) -> None:
    with suppress(AnswerLostError):
        api.update_workflow(live.id, body)


@pytest.mark.parametrize("world", ["two runs, marked before", "somebody edits"])
def test_the_mark_is_needed(monkeypatch: pytest.MonkeyPatch, world: str) -> None:
    """Where a read-back is judged only by its likeness, a run ends done with another one's value live."""
    monkeypatch.setattr(SentTags, "origin", lambda *_: WrittenBy.UNKNOWN)
    assert _violation("write and verify", world)


def test_the_lock_of_the_file_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file is read and written without the system's lock, two runs take one lease."""
    monkeypatch.setattr(lease_module, "_wait_for", lambda _: None)
    assert _violation("lease", "two runs").endswith("replaces the lease of run-1, which has not ended")


@slow
def test_the_name_of_the_locked_file_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a run writes its lease into a file that was removed meanwhile, it protects nobody."""
    monkeypatch.setattr(lease_module, "_is_at", lambda *_: True)
    assert _violation("lease", "two runs that may be suspended").endswith("that nobody else finds")


@slow
def test_the_key_of_a_holder_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every lease counts as the run's own, a suspended run renews or removes that of another one."""
    monkeypatch.setattr(Lease, "_is_ours", lambda *_: True)
    violation = _violation("lease", "two runs that may be suspended")
    assert violation.endswith("which has not ended")


def test_reading_one_line_of_the_lock_file_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the whole file is read, a run killed between writing and cutting blocks the lock for ever."""
    original = lease_module._holder
    monkeypatch.setattr(Lease, "_read", _read_whole(original))
    assert _violation("lease", "two runs and two kills").startswith("the lock is blocked for ever")


def _read_whole(holder: Any) -> Any:
    def read(_: Lease, file: int) -> Any:
        data = lease_module.os.pread(file, 4096, 0)
        try:
            return holder(lease_module.json.loads(data)) if data else None
        except ValueError:
            raise lease_module.ReconcilerError("it cannot be read") from None

    return read


def test_clocks_that_differ_by_two_thirds_of_a_lease_break_it() -> None:
    """The bound that is documented is the least one: a lease is renewed each third of it."""
    assert _violation("lease", "two runs", skews=(0.0, 2.0, 0.0)) == "runs 1 and 2 work at once"

"""Emulated copy of a tenant: its workflows on an emulator, with dummy values for secrets, and their end."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

from reconciler.emulator import Record, emulator_server_class
from reconciler.errors import UnexpectedAnswerError
from reconciler.plan import Found, Snapshot, sensitive_fields
from reconciler.rehearsal.dummy_secrets import DummySecrets
from reconciler.rehearsal.faulty_runs import FaultyRun
from reconciler.rehearsal.prediction import EndState
from reconciler.secrecy import SecretFields
from reconciler.values import JsonObject, JsonValue, as_list, dump_compact
from reconciler.workflow import Body, Listed, Live, is_digest_tag, tag_name

_MODIFIED_BY: Final = "somebody@example.com"
_LAG: Final = "list-lag=1500"
"""The lag of the list in a rehearsal with one, where the profile has none: less than a run waits for."""


def copied_workflows(snapshot: Snapshot, dummies: DummySecrets) -> tuple[Record, ...]:
    """Return copies of the live workflows, with their ids, names and schedules, as an emulator stores them.

    Of a workflow that the plan did not read, only what the list shows is there.
    """
    manifests = {match.id: manifest for manifest, match in snapshot.matches if isinstance(match, Found)}
    found = []
    for listed in snapshot.listing.by_id.values():
        body, webhooks = _listed_body(listed), 0
        live = snapshot.live.get(listed.id)
        if live is not None:
            try:
                body, webhooks = live.body.described, len(live.webhooks)
            except UnexpectedAnswerError:
                live = None  # a plan that would change it says so
        manifest = manifests.get(listed.id)
        fields = SecretFields() if manifest is None else sensitive_fields(manifest, manifest.body)
        found.append(
            Record(
                id=listed.id,
                name=listed.name,
                body={**dummies.body(body, fields), "name": listed.name},
                webhooks=tuple(_uuid(listed.id, number) for number in range(webhooks)),
                created_at=listed.updated or 0.0,
                updated_at=listed.updated or 0.0,
                modified_by=_MODIFIED_BY,
                paused=_is_paused(listed, live),
            )
        )
    return tuple(found)


def _listed_body(listed: Listed) -> JsonObject:
    own = listed.ownership.tag_names if listed.ownership else []
    tags: list[JsonValue] = [{"name": name} for name in own]
    return {
        "name": listed.name,
        "tags": tags,
        "triggers": [{"cron": cron} for cron in sorted(listed.schedules)],
    }


def _is_paused(listed: Listed, live: Live | None) -> bool:
    return listed.health.get("status") == "Paused" if live is None else live.paused


def _uuid(identity: int, number: int) -> str:
    return f"{identity:08x}-0000-4000-8000-{number:012x}"


@dataclass(slots=True)
class _Stopper:
    """Kills the process of a run when it comes to one of its writes."""

    run: FaultyRun
    pid: int = 0
    known: threading.Event = field(default_factory=threading.Event)
    stopped: bool = False
    _writes: int = 0

    def breaks_off(self, method: str, handled: bool) -> bool:
        """Count a write, and kill the process at the one to stop at; return whether it was that."""
        if self.run.stops_at is None or self.stopped or method == "GET":
            return False
        self._writes += not handled
        if self._writes < self.run.stops_at or handled is not self.run.handled:
            return False
        self.known.wait()
        self.stopped = True
        os.kill(self.pid, signal.SIGKILL)
        return True


class CanonicalForms:
    """The canonical forms of workflows, computed once for those that no rehearsal changes."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[JsonObject, str]] = {}

    def of(self, record: Record) -> str:
        """Return the form of a workflow with its tags, but those of marks and digests, as JSON."""
        body, form = self._known.get(record.id, (None, ""))
        if body is not record.body:
            form = _form(record.body)
            if record.id not in self._known:
                self._known[record.id] = (record.body, form)
        return form


class EmulatedCopy:
    """An emulated tenant for one rehearsal, which serves while the `with` block lasts.

    Args:
        workflows: The workflows at the beginning.
        switches: The behaviours of the tenant, as the emulator names them.
        default_resource: The resources of a step that has none; empty for the emulator's.
        run: What goes wrong.
        now: Returns the time, in seconds since the epoch.
        forms: The canonical forms that are known already.
    """

    def __init__(  # noqa: PLR0913 - two by name
        self,
        workflows: Iterable[Record],
        switches: frozenset[str],
        default_resource: JsonObject,
        run: FaultyRun,
        *,
        now: Callable[[], float],
        forms: CanonicalForms,
    ) -> None:
        self._stopper = _Stopper(run)
        self._forms = forms
        lag = {_LAG} if run.lags and not any(word.startswith("list-lag") for word in switches) else set()
        self._server = emulator_server_class()(
            profile=switches | lag,
            faults=run.wire,
            seed=run.seed,
            clock=now,
            default_resource=default_resource or None,
            breaks_off=self._stopper.breaks_off,
        )
        self._server.store.restore(workflows)

    def __enter__(self) -> EmulatedCopy:  # noqa: PYI034 - `Self` is younger than Python 3.10
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopper.known.set()
        self._server.stop()

    @property
    def url(self) -> str:
        """The address of the API."""
        return self._server.url

    @property
    def was_stopped(self) -> bool:
        """Whether the run was killed at its write."""
        return self._stopper.stopped

    def stops(self, pid: int) -> None:
        """Take the process to kill."""
        self._stopper.pid = pid
        self._stopper.known.set()

    def calm_down(self) -> None:
        """Let nothing go wrong from now on: the list still lags."""
        self._server.faults = ()

    def state(self) -> EndState:
        """Return its workflows as they are now."""
        records = self._server.store.records()
        return EndState(
            workflows=tuple(
                sorted(
                    (record.name, self._forms.of(record), record.paused, len(record.webhooks))
                    for record in records
                )
            ),
            webhooks=frozenset(uuid for record in records for uuid in record.webhooks),
            names=Counter(record.name for record in records),
        )


def _form(body: JsonObject) -> str:
    """Return the canonical form of a body with its tags, without those that hold marks and digests."""
    tags = [tag for tag in as_list(body.get("tags")) if not is_digest_tag(tag)]
    return dump_compact([Body(body).form, [*sorted(map(tag_name, tags))]])

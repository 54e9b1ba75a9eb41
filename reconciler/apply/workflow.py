"""Carries out the action for one workflow: guard, write, read back, remember."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable
from typing import Final

from reconciler.api import TenantWriter
from reconciler.apply.report import Result, Status, StoppedError, words
from reconciler.apply.verifying import ReadBack, Settled, UnsettledError, Wanted
from reconciler.apply.writing import Timing, create_once, update_once
from reconciler.canonical import lifted_form
from reconciler.client.exceptions import may_have_taken_effect
from reconciler.errors import BlockedError, ReconcilerError
from reconciler.manifests.manifest import WhenRunning
from reconciler.memory import Digester, Memory, Untold, untold_kind
from reconciler.plan import (
    Action,
    Create,
    DefaultResource,
    LiveWorkflow,
    Method,
    SetPaused,
    Subject,
    Tenancy,
    Update,
)
from reconciler.plan.bodies import has_webhook, sent_body
from reconciler.plan.building import predicted_memory
from reconciler.plan.ignoring import read_patterns
from reconciler.plan.tenant import describe

_MEMORY_WRITES: Final = 3
"""How often a workflow is written until its tags keep what they must: once more than reading back needs."""

_NOT_KEPT: Final = (
    "the platform does not keep the tags that remember untold fields; the next plan shows these again"
)


class Applier:
    """Makes live workflows what Git wants, through a tenant's writer; usable from many threads at once.

    Args:
        api: The tenant.
        tenancy: What is known of it; what it turns out not to tell is learned while applying.
        default_resource: Asked only where a step's resources differ.
        timing: How often and how long things are tried.
    """

    def __init__(
        self,
        api: TenantWriter,
        tenancy: Tenancy,
        default_resource: DefaultResource,
        timing: Timing | None = None,
    ) -> None:
        self._api = api
        self._tenancy = tenancy
        self._timing = timing or Timing()
        self._read_back = ReadBack(api, default_resource, self._timing)
        self._lock = threading.Lock()

    def learn(self, untold: Iterable[Untold]) -> None:
        """Know from now on that the platform does not tell these kinds of fields."""
        with self._lock:
            self._tenancy = dataclasses.replace(self._tenancy, untold=self._tenancy.untold | set(untold))

    def apply(self, action: Action, stopped: Callable[[], bool] = lambda: False) -> Result:
        """Carry out `action` and return the result once it has been read back.

        Args:
            action: What is to be done.
            stopped: Whether the run was stopped meanwhile: then a workflow is no longer waited for.

        Raises:
            StoppedError: The run was stopped while a run of the workflow was waited for.
            BlockedError: A guard refused: nothing was written.
            ReconcilerError: It failed; what was written did not settle, or was not accepted.
        """
        match action:
            case Create():
                return self._create(action)
            case Update():
                return self._update(action, stopped)
            case SetPaused():
                live = self._guarded(action, action.live, stopped)
                self._set_paused(live, paused=action.paused)
                return Result(action=action, status=Status.DONE, id=live.id)
            case _:
                raise ValueError(action)

    def _create(self, action: Create) -> Result:
        tenancy = self._known()
        form = lifted_form(action.desired)
        memory = predicted_memory(form, action.manifest.wanted_name, tenancy)
        body = sent_body(Method.CREATE_OR_UPDATE, action.desired, None, memory)
        identity = create_once(self._api, action.name, body, self._timing)
        try:
            live, notes = self._settled(action, identity, Method.CREATE_OR_UPDATE)
            if action.pause:
                self._set_paused(live, paused=True)
        except ReconcilerError as error:
            told = f"it was created (id {identity}), and is not as it should be: {words(error)}"
            return Result(action=action, status=Status.FAILED, id=identity, error=told)
        return Result(action=action, status=Status.DONE, id=identity, notes=notes)

    def _update(self, action: Update, stopped: Callable[[], bool]) -> Result:
        live = self._guarded(action, action.live, stopped)
        update_once(self._api, live, action.body, self._timing)
        keep = live.webhooks if has_webhook(action.desired) and not action.rotates_webhook else frozenset()
        written, notes = self._settled(action, live.id, action.method, webhooks=keep)
        self._set_paused(written, paused=live.paused if action.paused is None else action.paused)
        return Result(action=action, status=Status.DONE, id=live.id, notes=notes)

    def _guarded(self, action: Subject, planned: LiveWorkflow, stopped: Callable[[], bool]) -> LiveWorkflow:
        """Return the workflow as it is now, which must be as it was when the plan was made.

        Raises:
            StoppedError: The run was stopped while a run of the workflow was waited for.
            BlockedError: It has changed, or runs although it must not.
        """
        live = describe(self._api, planned.id)
        if live.fingerprint() != planned.fingerprint():
            raise BlockedError("the live workflow changed after the plan was made", hint="Plan again.")
        when = action.manifest.settings.when_running
        if live.running and when is WhenRunning.SKIP:
            raise BlockedError("it is running, and reconcile.whenRunning is skip")
        if live.running and when is WhenRunning.WAIT:
            self._wait_until_idle(live, stopped)
            return self._guarded(action, planned, stopped)
        return live

    def _wait_until_idle(self, live: LiveWorkflow, stopped: Callable[[], bool]) -> None:
        end = self._timing.monotonic() + self._timing.wait_running
        while describe(self._api, live.id).running:
            if stopped():
                raise StoppedError("the run was stopped while this workflow was waited for")
            if self._timing.monotonic() >= end:
                raise BlockedError(f"it is still running after {self._timing.wait_running:.0f} s of waiting")
            self._timing.sleep(self._timing.poll)

    def _settled(
        self,
        action: Create | Update,
        workflow_id: int,
        method: Method,
        webhooks: frozenset[str] = frozenset(),
    ) -> tuple[LiveWorkflow, tuple[str, ...]]:
        """Return the workflow once it reads back as sent, what it does not tell remembered, and notes.

        Raises:
            UnsettledError: It does not read back as it was sent.
        """
        wanted = Wanted(
            name=action.manifest.wanted_name,
            desired=action.desired,
            ignored=read_patterns(action.manifest.settings.ignore, action.desired),
            webhooks=webhooks,
            sensitive=action.sensitive,
        )
        for _ in range(_MEMORY_WRITES):
            settled = self._read_back.settled(workflow_id, wanted, self._known())
            memory = self._learned(settled, wanted.name)
            if memory.digests == Memory.of(settled.live.body).digests or not self._tenancy.remember:
                return settled.live, ()
            body = sent_body(method, wanted.desired, settled.live.body, memory)
            update_once(self._api, settled.live, body, self._timing)
        settled = self._read_back.settled(workflow_id, wanted, self._known())
        return settled.live, (_NOT_KEPT,) if self._learned(settled, wanted.name).digests else ()

    def _learned(self, settled: Settled, name: str) -> Memory:
        """Return what must be remembered, and know from now on what the platform does not tell."""
        self.learn(kind for path, _ in settled.untold if (kind := untold_kind(path)) is not None)
        return Digester(self._tenancy.key, name).memory(settled.untold)

    def _known(self) -> Tenancy:
        with self._lock:
            return self._tenancy

    def _set_paused(self, live: LiveWorkflow, *, paused: bool) -> None:
        """Pause or resume a workflow, and see that it is.

        Raises:
            UnsettledError: It does not read back so.
            ReconcilerError: As the client.
        """
        pauses = iter(self._timing.settle)
        said = ""
        while live.paused != paused:
            try:
                (self._api.pause_workflow if paused else self._api.resume_workflow)(live.id)
            except ReconcilerError as error:
                if not may_have_taken_effect(error):
                    raise
                said = f": {error.message}"
            live = describe(self._api, live.id)
            if live.paused == paused:
                return
            pause = next(pauses, None)
            if pause is None:
                word = "paused" if paused else "resumed"
                active = "; its triggers go on starting it" if paused else ""
                raise UnsettledError(f"it could not be {word}{active}{said}", hint="Apply again.")
            self._timing.sleep(pause)

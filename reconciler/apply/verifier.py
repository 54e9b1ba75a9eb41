"""After a write: read back, remember what is not told, pause or resume, and see that no plan finds more."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Final

from reconciler.api import TenantWriter
from reconciler.apply.read_back import ReadBack, Settled, Wanted
from reconciler.apply.report import UnsettledError
from reconciler.apply.shared_facts import SharedFacts
from reconciler.apply.writing import update_once
from reconciler.errors import ReconcilerError
from reconciler.plan import Create, DefaultResource, LiveWorkflow, Method, Unchanged, Update
from reconciler.plan.bodies import sent_body
from reconciler.plan.comparing import needs_default_resource
from reconciler.plan.deciding import Difference
from reconciler.plan.ignoring import read_patterns
from reconciler.plan.tenant import describe
from reconciler.retrying import Timing, WriteRetry
from reconciler.workflow.sent_digests import Digester, SentDigests, write_only_field

_MEMORY_WRITES: Final = 3
"""How often a workflow is written until its tags keep what they must: once more than reading back needs."""

_NOT_KEPT: Final = (
    "the platform does not keep the tags that remember untold fields; the next plan shows these again"
)


class Verifier:
    """Sees to it that a workflow that was written becomes, and stays, what Git wants.

    Args:
        api: The tenant.
        known: What is known of it.
        default_resource: Asked only where a step's resources differ.
        timing: How often and how long things are tried.
    """

    def __init__(
        self, api: TenantWriter, known: SharedFacts, default_resource: DefaultResource, timing: Timing
    ) -> None:
        self._api = api
        self._known = known
        self._default_resource = default_resource
        self._timing = timing
        self._read_back = ReadBack(api, default_resource, timing)

    def settle(
        self,
        action: Create | Update,
        workflow_id: int,
        *,
        paused: bool,
        webhooks: frozenset[str] = frozenset(),
    ) -> tuple[str, ...]:
        """See that the workflow reads back as sent, with what it does not tell remembered; return notes.

        Args:
            action: What was written.
            workflow_id: The workflow.
            paused: Whether it is to be paused.
            webhooks: The UUIDs of webhook URLs that must still be there.

        Raises:
            UnsettledError: It does not read back as it was sent.
            ReconcilerError: As the client.
        """
        live, notes = self._remembered(action, workflow_id, webhooks)
        live = self.set_paused(live, paused=paused)
        if not notes:
            self._see_converged(action, live)
        return notes

    def is_as_sent(self, action: Create | Update, live: LiveWorkflow) -> bool:
        """Return whether a workflow is what `action` makes.

        Raises:
            ReconcilerError: As the client.
        """
        return self._read_back.is_as_sent(live, _wanted(action, frozenset()), self._known.tenancy())

    def set_paused(self, live: LiveWorkflow, *, paused: bool) -> LiveWorkflow:
        """Pause or resume a workflow, see that it is, and return it.

        Raises:
            UnsettledError: It does not read back so.
            ReconcilerError: As the client.
        """
        pauses = iter(self._timing.settle)
        tries = WriteRetry(self._timing)
        while live.paused != paused:
            said, again = "", True
            tries.begin()
            try:
                (self._api.pause_workflow if paused else self._api.resume_workflow)(live.id)
            except ReconcilerError as error:
                again = tries.again(error)
                said = f": {error.message}"
            live = describe(self._api, live.id)
            if live.paused != paused and not (again if said else self._waited(pauses)):
                word = "paused" if paused else "resumed"
                active = "; its triggers go on starting it" if paused else ""
                raise UnsettledError(f"it could not be {word}{active}{said}", hint="Apply again.")
        return live

    def _waited(self, pauses: Iterator[float]) -> bool:
        """Wait until a write shows; return whether it is still to be waited for."""
        pause = next(pauses, None)
        if pause is not None:
            self._timing.sleep(pause)
        return pause is not None

    def _remembered(
        self, action: Create | Update, workflow_id: int, webhooks: frozenset[str]
    ) -> tuple[LiveWorkflow, tuple[str, ...]]:
        wanted = _wanted(action, webhooks)
        method = action.method if isinstance(action, Update) else Method.CREATE_OR_UPDATE
        for _ in range(_MEMORY_WRITES):
            settled = self._read_back.settled(workflow_id, wanted, self._known.tenancy())
            memory = self._learned(settled, wanted.name)
            kept = SentDigests.of(settled.live.body).digests
            if memory.digests == kept or not self._known.tenancy().remember:
                return settled.live, ()
            body = sent_body(method, wanted.desired, settled.live.body, memory, wanted.marks)
            update_once(self._api, settled.live, body, self._timing)
        settled = self._read_back.settled(workflow_id, wanted, self._known.tenancy())
        return settled.live, (_NOT_KEPT,) if self._learned(settled, wanted.name).digests else ()

    def _learned(self, settled: Settled, name: str) -> SentDigests:
        """Return what must be remembered, and know from now on what the platform does not tell."""
        self._known.learn(kind for path, _ in settled.untold if (kind := write_only_field(path)) is not None)
        return Digester(self._known.tenancy().key, name).memory(settled.untold)

    def _see_converged(self, action: Create | Update, live: LiveWorkflow) -> None:
        """See that another plan would find nothing: that it does would be our mistake, not the user's.

        Raises:
            UnsettledError: It would.
        """
        needed = needs_default_resource(live.body, action.desired)
        tenancy = dataclasses.replace(self._known.tenancy(), resend=False)
        default = self._default_resource() if needed else {}
        again = Difference(action.manifest, live, default, tenancy).action()
        if not isinstance(again, Unchanged):
            raise UnsettledError(
                "it was written and reads back as sent, and yet another plan would not find it unchanged",
                hint="That is a mistake of peak-reconciler; please report it with what plan shows.",
            )


def _wanted(action: Create | Update, webhooks: frozenset[str]) -> Wanted:
    return Wanted(
        name=action.manifest.wanted_name,
        desired=action.desired,
        marks=action.marks,
        ignored=read_patterns(action.manifest.settings.ignore, action.desired),
        webhooks=webhooks,
        sensitive=action.sensitive,
    )

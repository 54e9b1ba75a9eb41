"""Carries out the action for one workflow: guard, write, read back, remember."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reconciler.api import TenantWriter
from reconciler.apply.guarding import GoneError, ids_of, ready
from reconciler.apply.report import Result, Status, StoppedError, UnsettledError, words
from reconciler.apply.verifier import SharedFacts, Verifier
from reconciler.apply.waiting import ExecutionWaiter
from reconciler.apply.writing import create_once, delete_once, keep_first, see_name_is_free, update_once
from reconciler.backup import BackupWriter
from reconciler.client import ConflictException, RetryPolicy
from reconciler.errors import BlockedError, ReconcilerError
from reconciler.manifests import WhenRunning
from reconciler.plan import (
    CompareOptions,
    Create,
    Delete,
    PlatformFacts,
    SetPaused,
    Update,
    Write,
    created_body,
    describe,
)
from reconciler.secrecy import SecretFields
from reconciler.workflow import Live


class Applier:
    """Makes live workflows what Git wants, through a tenant's writer; usable from many threads at once.

    Args:
        api: The tenant.
        options: The choices of the run.
        policy: The limits of tries and waits.
        backups: Where what is overwritten or deleted is kept; `None` keeps nothing.
    """

    def __init__(
        self,
        api: TenantWriter,
        options: CompareOptions,
        policy: RetryPolicy | None = None,
        backups: BackupWriter | None = None,
    ) -> None:
        self._api = api
        self._backups = backups
        self._policy = policy or RetryPolicy()
        self._options = options
        self._facts = SharedFacts()
        self._verifier = Verifier(api, options, self._facts, self._policy)

    def learn(self, facts: PlatformFacts) -> None:
        """Start from what a plan found out about the platform."""
        self._facts.start_from(facts)

    def apply(
        self,
        action: Write,
        stopped: Callable[[], bool] = lambda: False,
        tell: Callable[[str], None] = lambda _: None,
    ) -> Result:
        """Carry out `action` and return the result once it has been read back.

        Args:
            action: What is to be done.
            stopped: Whether the run was stopped meanwhile: then a workflow is no longer waited for.
            tell: Called now and then with what is waited for.

        Raises:
            StoppedError: The run was stopped while a run of the workflow was waited for.
            BlockedError: A guard refused: nothing was written.
            ReconcilerError: It failed; what was written did not settle, or was not accepted.
        """
        patience = ExecutionWaiter(self._policy, stopped, tell)
        match action:
            case Create():
                return self._create(action)
            case Update():
                return self._update(action, patience)
            case SetPaused():
                live = ready(self._api, action.live, action.manifest.settings.when_running, patience)
                self._verifier.set_paused(live, paused=action.paused)
                return Result(action=action, status=Status.DONE, id=live.id)
            case Delete():
                return self._delete(action, patience)

    def _create(self, action: Create) -> Result:
        body = created_body(action.desired, action.ownership, self._options, self._facts.now())
        created = create_once(self._api, action.name, body, self._policy)
        identity = created.id

        def is_ours(live: Live) -> bool:
            return self._verifier.is_as_sent(action, live)

        try:
            identity = keep_first(self._api, action.name, created, is_ours, self._policy)
            notes = self._verifier.verify(action, identity, paused=action.pause)
        except BlockedError:
            raise
        except ReconcilerError as error:
            told = f"it was created (id {identity}), and is not as it should be: {words(error)}"
            return Result(action=action, status=Status.FAILED, id=identity, error=told)
        return Result(action=action, status=Status.DONE, id=identity, notes=notes)

    def _update(self, action: Update, patience: ExecutionWaiter) -> Result:
        with self._kept(action.live, "update", action.sensitive):
            live = self._replaced(action, patience)
        keep = (
            live.webhooks if action.desired.body.has_webhook and not action.rotates_webhook else frozenset()
        )
        paused = live.paused if action.paused is None else action.paused
        notes = self._verifier.verify(action, live.id, paused=paused, webhooks=keep)
        if action.renames:
            self._see_alone(action.desired.name, live.id)
        return Result(action=action, status=Status.DONE, id=live.id, notes=notes)

    def _see_alone(self, name: str, identity: int) -> None:
        """See that no other workflow got the name at the same moment: a rename cannot be taken back."""
        others = [other for other in ids_of(self._api, name) if other != identity]
        if others:
            raise UnsettledError(
                f"it was renamed, and at the same moment another live workflow (id {others[0]}) got the name",
                hint="Rename or delete the one that is not meant.",
            )

    def _replaced(self, action: Update, patience: ExecutionWaiter) -> Live:
        """Write an update and return the workflow as it was before."""
        when = action.manifest.settings.when_running
        while True:
            live = ready(self._api, action.live, when, patience)
            if action.renames:
                see_name_is_free(self._api, action.desired.name, live.id)
            try:
                update_once(self._api, live, action.body, self._policy)
            except ConflictException as error:
                running = describe(self._api, live.id, live).running
                if when is WhenRunning.WAIT:
                    patience.wait_after(error, running=running)
                elif running:
                    raise BlockedError(
                        f"the platform refuses to change it while it runs ({error.message})",
                        hint="reconcile: {whenRunning: wait} waits until its run has ended.",
                    ) from error
                else:
                    raise
            else:
                return live

    @contextmanager
    def _kept(self, live: Live, reason: str, sensitive: SecretFields) -> Iterator[None]:
        """Keep a backup of a workflow, unless a guard then keeps it from being overwritten.

        It is of the workflow as it was planned for, which the guard sees to be the one that is overwritten:
        so nothing but the write comes after the guard's look.
        """
        if self._backups is None:
            yield
            return
        path = self._backups.save(live, reason, sensitive)
        try:
            yield
        except (BlockedError, StoppedError):
            self._backups.discard(path)
            raise

    def _delete(self, action: Delete, patience: ExecutionWaiter) -> Result:
        with self._kept(action.live, "delete", SecretFields()):
            return self._deleted(action, patience)

    def _deleted(self, action: Delete, patience: ExecutionWaiter) -> Result:
        while True:
            try:
                live = ready(self._api, action.live, WhenRunning.WAIT, patience)
            except GoneError:
                note = "somebody else had deleted it already"
                return Result(action=action, status=Status.DONE, id=action.live.id, notes=(note,))
            try:
                delete_once(self._api, live, self._policy)
            except ConflictException as error:
                patience.wait_after(error, running=describe(self._api, live.id, live).running)
            else:
                return Result(action=action, status=Status.DONE, id=live.id)

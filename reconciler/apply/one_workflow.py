"""Steps to apply one action of a plan: guard, back up, write exactly once, verify."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from reconciler.api import TenantWriter
from reconciler.apply.creating import keep_first, listed_with
from reconciler.apply.marks import SentTags, marked, new_mark
from reconciler.apply.not_as_sent import fields_to_empty
from reconciler.apply.preconditions import ExecutionWaiter, GoneError, wait_until_ready
from reconciler.apply.refused_fields import (
    Accepted,
    create_without_refused,
    refused_notes,
    update_with_explicit_empties,
    update_without_refused,
)
from reconciler.apply.report import (
    Result,
    Status,
    StoppedError,
    UnverifiedError,
    error_text,
    unverified_after,
)
from reconciler.apply.verifier import SharedFacts, Verifier
from reconciler.apply.writing import check_name_is_free, delete_once
from reconciler.backup import BackupWriter
from reconciler.client import ConflictException, RetryPolicy, ServerUnreachableError
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
    may_remove_note,
    sent_manifest,
)
from reconciler.secrecy import SecretFields
from reconciler.values import JsonObject
from reconciler.workflow import Live

_UNLISTED: Final = (
    "the list does not show the new name yet; another workflow may have got it at the same moment"
)


class Applier:
    """The writer of a plan's actions to a tenant; usable from many threads at once.

    Args:
        api: The tenant.
        options: The choices of the run.
        policy: The limits of tries and waits.
        backups: Where backups are written before anything but a create; `None` writes none.
        marks: Returns a mark for each write.
    """

    def __init__(
        self,
        api: TenantWriter,
        options: CompareOptions,
        policy: RetryPolicy | None = None,
        backups: BackupWriter | None = None,
        marks: Callable[[], str] = new_mark,
    ) -> None:
        self._api = api
        self._backups = backups
        self._policy = policy or RetryPolicy()
        self._options = options
        self._marks = marks
        self._facts = SharedFacts()
        self._verifier = Verifier(api, options, self._facts, self._policy, marks)

    def learn(self, facts: PlatformFacts) -> None:
        """Take over what a plan found out about the platform."""
        self._facts.start_from(facts)

    def apply(
        self,
        action: Write,
        stopped: Callable[[], bool] = lambda: False,
        report_wait: Callable[[str], None] = lambda _: None,
    ) -> Result:
        """Apply `action`, and return the result once it is verified.

        Args:
            action: The action.
            stopped: Returns whether the run was stopped: then no execution is waited for any longer.
            report_wait: Called now and then with what is waited for.

        Raises:
            StoppedError: The run was stopped while an execution was waited for.
            BlockedError: A guard refused the write; nothing was written.
            ReconcilerError: The write failed, or could not be verified.
        """
        waiter = ExecutionWaiter(self._policy, stopped, report_wait)
        match action:
            case Create():
                fresh = dataclasses.replace(action, desired=action.desired.unpacked())
                return dataclasses.replace(self._create(fresh), action=action)
            case Update():
                return self._update(action, waiter)
            case SetPaused():
                return self._set_paused(action, waiter)
            case Delete():
                return self._delete(action, waiter)

    def _create(self, action: Create) -> Result:
        body = created_body(action.desired, action.ownership, self._options, self._facts.now())
        accepted = create_without_refused(self._api, action.name, self._marked(body, action), self._policy)
        created, identity = accepted.result, accepted.result.id
        ours = {identity}

        def is_as_sent(live: Live) -> bool:
            if accepted.tags.are_marked_in(live) and live.ownership == action.ownership:
                ours.add(live.id)
            return live.id in ours or self._verifier.is_as_sent(action, live)

        try:
            identity, notes = keep_first(self._api, action.name, created, is_as_sent, self._policy)
            tags = accepted.tags if identity in ours else SentTags()
            notes += self._verifier.verify(action, identity, tags, paused=action.pause)
        except BlockedError:
            raise
        except ReconcilerError as error:
            gone = isinstance(error, ServerUnreachableError)
            why = "the server was unreachable then" if gone else error_text(error)
            made = "it may have been created" if identity is None else f"it was created (id {identity})"
            reason = f"{made}, but could not be verified: {why}"
            return Result(action=action, status=Status.FAILED, id=identity, error=reason)
        return Result(action=action, status=Status.DONE, id=identity, notes=notes)

    def _update(self, action: Update, waiter: ExecutionWaiter) -> Result:
        with self._backed_up(action.live, "update", action.sensitive):
            live, accepted = self._updated(action, waiter)
        keep = (
            live.webhooks if action.desired.body.has_webhook and not action.rotates_webhook else frozenset()
        )
        paused = live.paused if action.paused is None else action.paused
        with unverified_after("it was updated"):
            kept = tuple(path for path in action.kept if path not in accepted.left_out)
            notes = self._verifier.verify(
                action, live.id, accepted.tags, paused=paused, webhooks=keep, kept=kept
            )
            if action.renames:
                notes += self._check_alone(action.desired.name, live.id)
        may_remove = (may_remove_note(action.may_remove),) if action.may_remove else ()
        notes = (*may_remove, *refused_notes(accepted.left_out), *notes)
        return Result(action=action, status=Status.DONE, id=live.id, notes=notes)

    def _check_alone(self, name: str, identity: int) -> tuple[str, ...]:
        """Check that no other workflow got the name at the same moment: a rename cannot be undone.

        Returns:
            A note for the user where the list does not show the rename yet, and so perhaps not the other.

        Raises:
            UnverifiedError: Another one got it.
            ReconcilerError: As the client.
        """
        ids = listed_with(self._api, name, identity, self._policy)
        others = [other for other in ids if other != identity]
        if others:
            raise UnverifiedError(
                f"it was renamed, and at the same moment another live workflow (id {others[0]}) got the name",
                hint="Rename or delete one of the two.",
            )
        return () if identity in ids else (_UNLISTED,)

    def _marked(self, body: JsonObject, action: Create | Update) -> JsonObject:
        """Return the body of a write with a mark of its own.

        Without digests, whatever reads back otherwise is an error, and nothing needs a mark.
        """
        if not self._options.remember:
            return body
        mark = self._marks() + sent_manifest(action.desired, self._options.key)
        return marked(body, mark, self._options.owner)

    def _updated(self, action: Update, waiter: ExecutionWaiter) -> tuple[Live, Accepted[None]]:
        """Write an update; return the workflow as it was before, and what the API accepted."""
        when = action.manifest.settings.when_running
        while True:
            live = wait_until_ready(self._api, action.live, when, waiter)
            if action.renames:
                check_name_is_free(self._api, action.desired.name, live.id)
            try:
                accepted = self._write(live, action)
            except ConflictException as error:
                running = describe(self._api, live.id, live).running
                if when is WhenRunning.WAIT:
                    waiter.wait_after(error, running=running)
                elif running:
                    raise BlockedError(
                        f"the platform does not change a running workflow ({error.message})",
                        hint="Set reconcile: {whenRunning: wait} to wait for the execution to end.",
                    ) from error
                else:
                    raise
            else:
                return live, accepted

    def _write(self, live: Live, action: Update) -> Accepted[None]:
        """Replace a workflow; where its profile says that PUT keeps what is not sent, empty what goes."""
        body = self._marked(action.body, action)
        gone = fields_to_empty(action, self._facts.now().expected)
        if gone:
            return update_with_explicit_empties(self._api, live, body, gone, action.kept, self._policy)
        return update_without_refused(self._api, live, body, action.kept, self._policy)

    def _set_paused(self, action: SetPaused, waiter: ExecutionWaiter) -> Result:
        with self._backed_up(action.live, "pause" if action.paused else "resume", action.sensitive):
            live = wait_until_ready(self._api, action.live, action.manifest.settings.when_running, waiter)
            self._verifier.set_paused(live, paused=action.paused)
        return Result(action=action, status=Status.DONE, id=live.id)

    @contextmanager
    def _backed_up(self, live: Live, reason: str, sensitive: SecretFields) -> Iterator[None]:
        """Keep a backup of a workflow, unless a guard then blocks the write.

        The backup is made from the workflow that was planned for, which the guard checks to be the one that
        is overwritten: so nothing but the write comes after the guard's read.
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

    def _delete(self, action: Delete, waiter: ExecutionWaiter) -> Result:
        with self._backed_up(action.live, "delete", SecretFields()):
            return self._deleted(action, waiter)

    def _deleted(self, action: Delete, waiter: ExecutionWaiter) -> Result:
        while True:
            try:
                live = wait_until_ready(self._api, action.live, WhenRunning.WAIT, waiter)
            except GoneError:
                note = "it was already deleted"
                return Result(action=action, status=Status.DONE, id=action.live.id, notes=(note,))
            try:
                delete_once(self._api, live, self._policy)
            except ConflictException as error:
                waiter.wait_after(error, running=describe(self._api, live.id, live).running)
            else:
                return Result(action=action, status=Status.DONE, id=live.id)

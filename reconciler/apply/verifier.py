"""Verifier of a written workflow: waits until it reads back as sent, and updates the digests in its tags."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from reconciler.api import TenantWriter
from reconciler.apply.marks import SentTags, WrittenBy, marked
from reconciler.apply.not_as_sent import (
    are_somebody_elses,
    drops_tags,
    form_before,
    judged,
    kept_by_the_platform,
    of_former_types,
    reads_back_without_tags,
    values_never_there,
    without_unstable,
)
from reconciler.apply.read_back import ReadBack, Verified, Wanted, overwrote, replaced, unsettled
from reconciler.apply.refused_fields import (
    dropped_notes,
    update_with_explicit_empties,
    update_without_refused,
)
from reconciler.apply.report import UnverifiedError, unverified_after
from reconciler.client import RetryPolicy, WriteRetry
from reconciler.errors import BlockedError, ReconcilerError
from reconciler.plan import (
    CompareOptions,
    Create,
    Desired,
    Method,
    PlatformFacts,
    Unchanged,
    Update,
    contradiction_note,
    decide,
    describe,
    hidden_fields,
    not_converging,
    reads_back,
    sent_body,
    sent_manifest,
)
from reconciler.values import JsonObject, Path, display_paths
from reconciler.workflow import (
    Digester,
    FieldChange,
    Live,
    Rewrite,
    SentDigests,
    WriteOnlyField,
    kept_fields,
    write_only_field,
)

_DIGEST_WRITES: Final = 2
"""How often a workflow is written until its tags keep the right digests: once, and once more for a value that
reads back as another one each time."""

_NOT_KEPT: Final = (
    "the platform does not keep the tags that say what was sent; the next plan shows these fields again"
)
_UNMARKED: Final = (
    "the platform does not keep the mark of this write, so another write at the same moment "
    "is only recognized by how far its values differ"
)
_OF_FORMER_TYPE: Final = (
    "the platform keeps fields of a step's former type, which mean nothing in its new one"
)
_IN_SYNC: Final = "this counts as in sync until it changes, in Git or live"


class SharedFacts:
    """The facts about the platform while a plan is applied; usable from many threads at once.

    They grow with every workflow that is read back.
    """

    def __init__(self) -> None:
        self._facts = PlatformFacts()
        self._tags_kept = 0
        self._tags_hidden = False
        self._unmarked = False
        self._contradicted: set[str] = set()
        self._lock = threading.Lock()

    def now(self) -> PlatformFacts:
        """Return what is known by now."""
        with self._lock:
            return self._facts

    def start_from(self, facts: PlatformFacts) -> None:
        """Take over what a plan found out."""
        with self._lock:
            self._facts = facts.with_write_only(self._facts.write_only)
            self._contradicted = set(self._facts.contradictions)  # the plan has said so

    def learn(self, kinds: Iterable[WriteOnlyField]) -> None:
        """Add kinds of fields that the platform does not return."""
        with self._lock:
            self._facts = self._facts.with_write_only(kinds)

    def contradicted_by(self, live: Live, *, keeps: bool) -> tuple[str, ...]:
        """Return what of the profile a workflow shows to be otherwise, where this is the first that does.

        It is not expected any longer.

        Args:
            live: A workflow that was written, as it reads back.
            keeps: Whether its PUT kept what was not sent.
        """
        with self._lock:
            expected = self._facts.expected
            known = expected.write_only
            shown = live.write_only_kinds[0] & known.keys() if known else frozenset[WriteOnlyField]()
            found = {known[kind] for kind in shown - self._facts.write_only}
            found |= self._facts.contradictions
            found |= {"PUT replaces"} if keeps and expected.replaces else set()
            self._facts = self._facts._replace(expected=expected.without(shown))
            new = found - self._contradicted
            self._contradicted |= new
        return tuple(sorted(new))

    def learn_tags(self, live: Live) -> None:
        """Add how many tags the platform keeps, if `live` has a mark."""
        if live.body.own_tags.marks:
            with self._lock:
                self._tags_kept = max(self._tags_kept, len(live.body.all_tags))

    def lose_digests(self, changes: Iterable[FieldChange]) -> bool:
        """Return whether digests in the tags of a workflow would be lost, and so need no write.

        They would where its own tags are dropped or cut, and once some workflow reads back without any tag.

        Args:
            changes: The fields that do not read back as they were sent.
        """
        dropped = drops_tags(changes)
        with self._lock:
            if not self._tags_kept and dropped and reads_back_without_tags(changes):
                self._tags_hidden = True
            return dropped or self._tags_hidden

    def origin(self, sent: SentTags, live: Live) -> WrittenBy:
        """Return which write a workflow reads back as."""
        with self._lock:
            return sent.origin(live, self._tags_kept)

    def is_first_unmarked(self) -> bool:
        """Return whether this is the first call: what the platform does to marks is said once."""
        with self._lock:
            first, self._unmarked = not self._unmarked, True
        return first


class Verifier:
    """Verifies that a workflow that was written becomes, and stays, what Git wants.

    Args:
        api: The tenant.
        options: The choices of the run.
        facts: What the platform is known to do.
        policy: The limits of tries and waits.
        marks: Returns a mark for each write.
    """

    def __init__(
        self,
        api: TenantWriter,
        options: CompareOptions,
        facts: SharedFacts,
        policy: RetryPolicy,
        marks: Callable[[], str],
    ) -> None:
        self._api = api
        self._options = options
        self._facts = facts
        self._policy = policy
        self._marks = marks
        self._read_back = ReadBack(api, options, policy)

    def verify(  # noqa: PLR0913 - all but three by name
        self,
        action: Create | Update,
        workflow_id: int,
        tags: SentTags,
        *,
        paused: bool,
        webhooks: frozenset[str] = frozenset(),
        kept: tuple[Path, ...] = (),
    ) -> tuple[str, ...]:
        """Verify that the workflow reads back as sent, and keep the digests of its write-only fields.

        Args:
            action: What was written.
            workflow_id: The workflow.
            tags: The tags that were written.
            paused: Whether it must be paused.
            webhooks: The UUIDs of webhook URLs that must still be there.
            kept: The undocumented fields that were sent back; one that is gone gets a note.

        Returns:
            Notes for the user.

        Raises:
            UnsettledError: It does not read back as it was sent.
            ReconcilerError: As the client.
        """
        live, notes = self._with_digests(action, workflow_id, tags, webhooks)
        live = self.set_paused(live, paused=paused)
        if _NOT_KEPT not in notes:
            self._check_converged(action, live)
        return (*notes, *dropped_notes(live, kept))

    def is_as_sent(self, action: Create | Update, live: Live) -> bool:
        """Return whether a workflow is what `action` makes, owner included.

        Raises:
            ReconcilerError: As the client.
        """
        return self._read_back.is_as_sent(live, Wanted.of(action), self._facts.now())

    def set_paused(self, live: Live, *, paused: bool) -> Live:
        """Pause or resume a workflow, and return it once it reads back so.

        Raises:
            UnsettledError: It does not read back so.
            ReconcilerError: As the client.
        """
        pauses = iter(self._policy.settle)
        tries = WriteRetry(self._policy)
        while live.paused != paused:
            said, again = "", True
            tries.begin()
            try:
                (self._api.pause_workflow if paused else self._api.resume_workflow)(live.id)
            except ReconcilerError as error:
                again = tries.again(error)
                said = f": {error.message}"
            with unverified_after(f"it may have been {'paused' if paused else 'resumed'}"):
                live = describe(self._api, live.id, live)
            if live.paused != paused and not (again if said else self._waited(pauses)):
                word = "paused" if paused else "resumed"
                active = "; its triggers go on starting it" if paused else ""
                raise UnverifiedError(f"it could not be {word}{active}{said}", hint="Apply again.")
        return live

    def _waited(self, pauses: Iterator[float]) -> bool:
        """Wait until a write shows; return whether there was a pause left to wait."""
        pause = next(pauses, None)
        if pause is not None:
            self._policy.sleep(pause)
        return pause is not None

    def _with_digests(
        self, action: Create | Update, workflow_id: int, tags: SentTags, webhooks: frozenset[str]
    ) -> tuple[Live, tuple[str, ...]]:
        """Return the workflow once its tags keep the digests of what does not read back as sent, and notes.

        Raises:
            UnverifiedError: A field does not become what was sent, or another write came between.
            ReconcilerError: As the client.
        """
        wanted = Wanted.of(action, webhooks)
        desired, former = wanted.desired, action.live if isinstance(action, Update) else None
        if former is not None:
            self._facts.learn_tags(former)
        rewrites: tuple[Rewrite, ...] = ()
        first_seen: set[Path] = set()
        doubtful: list[FieldChange] = []
        sent: SentDigests | None = None
        unproven = False
        keeps = False
        facts = self._facts.now()  # and not what other workflows show meanwhile: that would cost a write
        for writes_left in reversed(range(_DIGEST_WRITES + 1)):
            verified, origin, facts = self._read(workflow_id, wanted, facts, tags, sent)
            live, kept, changes = verified.live, verified.live.body.own_tags.digests, verified.changes
            first_seen |= {change.path for change in changes}
            before = form_before(former, desired.body, facts) if changes else {}
            rewrites = (*verified.rewrites, *judged(changes, before, rewrites))
            digests = self._digests_of(verified, rewrites, desired)
            if origin is WrittenBy.ANOTHER and (changes or digests != kept):
                raise replaced(changes, wanted)
            overwritten = [
                change for change in doubtful if all(change.path != item.path for item in rewrites)
            ]
            if overwritten:
                self._write_again(action, live, desired, digests, [])
                raise overwrote(overwritten, wanted)
            if sent is None:
                doubtful = _doubtful(action, changes, before, wanted, origin)
                unproven = bool(doubtful) and origin is WrittenBy.UNKNOWN
            lost = digests != kept and (sent not in (None, kept) or not writes_left)
            left = of_former_types(former, desired, live) if sent is None and self._options.remember else []
            if not left and (lost or digests == kept or not self._options.remember):
                break
            stays = kept_by_the_platform(changes, desired.body, before) if sent is None else []
            keeps = keeps or bool(stays or left)
            lost = not stays and not left and self._facts.lose_digests(changes)
            if lost:
                break
            if stays:
                rewrites = tuple(rewrite for rewrite in rewrites if rewrite.path not in stays)
                doubtful = [change for change in doubtful if change.path not in stays]
                digests = self._digests_of(verified, rewrites, desired)
            stable = without_unstable(desired, live, rewrites)
            tags = self._write_again(action, live, stable, digests, [*stays, *left])
            sent = digests
        seen = [rewrite for rewrite in rewrites if rewrite.path in first_seen or not rewrite.converges]
        notes = self._rewrite_notes(seen, wanted, unproven=unproven)
        contradicted = self._facts.contradicted_by(live, keeps=keeps)
        changed = [contradiction_note(contradicted)] if contradicted else []
        foreign = of_former_types(former, desired, live)
        of_types = [f"{_OF_FORMER_TYPE}: {display_paths(foreign)}"] if foreign else []
        return live, (*notes, *([_NOT_KEPT] if lost else []), *changed, *of_types)

    def _rewrite_notes(self, rewrites: list[Rewrite], wanted: Wanted, *, unproven: bool) -> list[str]:
        """Return the notes about fields that read back otherwise.

        Args:
            rewrites: These fields.
            wanted: What was sent.
            unproven: Whether no mark shows that it was this write that reads back so.

        Raises:
            UnverifiedError: One of them does not converge.
        """
        stuck = [rewrite for rewrite in rewrites if not rewrite.converges]
        if stuck:
            raise UnverifiedError(not_converging(stuck, wanted.sensitive))
        kept_so = reads_back([rewrite.change for rewrite in rewrites], wanted.sensitive)
        said = unproven and self._options.owner is not None and self._facts.is_first_unmarked()
        return [*(f"{clause}; {_IN_SYNC}" for clause in kept_so), *([_UNMARKED] if said else [])]

    def _read(
        self,
        workflow_id: int,
        wanted: Wanted,
        facts: PlatformFacts,
        tags: SentTags,
        sent: SentDigests | None,
    ) -> tuple[Verified, WrittenBy, PlatformFacts]:
        """Return the workflow as it reads back, which write that is, and the facts with what it shows.

        Args:
            workflow_id: The workflow.
            wanted: What it must read back as.
            facts: What the platform is known to do.
            tags: The tags that were written.
            sent: The digests that are waited for; `None` where other ones may read back.
        """

        def shows(live: Live) -> bool:
            digests = live.body.own_tags.digests
            return sent in (None, digests) and self._facts.origin(tags, live) is not WrittenBy.ANOTHER

        verified = self._read_back.verified(workflow_id, wanted, facts, shows)
        self._facts.learn_tags(verified.live)
        found = (write_only_field(path) for path, _ in verified.write_only)
        kinds = {kind for kind in found if kind is not None}
        if not kinds <= facts.write_only:
            self._facts.learn(kinds)
            facts = facts.with_write_only(kinds)
            verified = self._read_back.judged_again(verified.live, wanted, facts)
        return verified, self._facts.origin(tags, verified.live), facts

    def _write_again(
        self,
        action: Create | Update,
        live: Live,
        desired: Desired,
        digests: SentDigests,
        left_out: list[Path],
    ) -> SentTags:
        """Write a workflow once more, with `digests` in its tags, and without the fields `left_out`.

        Returns:
            The tags that were written.

        Raises:
            UnverifiedError: It changed since it was read; it is left as it is.
            ReconcilerError: As the client.
        """
        method = action.method if isinstance(action, Update) else Method.CREATE_OR_UPDATE
        sent = sent_body(method, desired.body, live.body, digests, action.ownership)
        mark = self._marks() + sent_manifest(action.desired, self._options.key)
        body = marked(sent, mark, self._options.owner, had_digests=bool(live.body.own_tags.digests))
        try:
            kept = tuple(kept_fields(body, live.body.sendable, live.body.undocumented))
            if left_out:
                return update_with_explicit_empties(self._api, live, body, left_out, kept, self._policy).tags
            return update_without_refused(self._api, live, body, kept, self._policy).tags
        except BlockedError as error:
            raise replaced([], Wanted.of(action)) from error

    def _digests_of(self, verified: Verified, rewrites: Iterable[Rewrite], desired: Desired) -> SentDigests:
        """Return the digests that must be kept."""
        fields = (*verified.write_only, *(rewrite.digested for rewrite in rewrites))
        return Digester.of(self._options.key, desired.name).digests(fields)

    def _check_converged(self, action: Create | Update, live: Live) -> None:
        """Check that another plan would find nothing: if it does, that is our error, not the user's.

        Raises:
            UnsettledError: It would find something.
        """
        options = dataclasses.replace(self._options, resend=False)
        facts, desired = self._facts.now(), action.desired
        if not desired.is_fixed:
            desired = Desired.of(action.manifest, live, hidden_fields(live, options, facts))
        if not isinstance(decide(desired, live, options, facts), Unchanged):
            raise UnverifiedError(
                "it was written and reads back as sent, but another plan would change it again",
                hint="This is a bug in peak-reconciler; please report it with the output of plan.",
            )


def _doubtful(
    action: Create | Update,
    changes: tuple[FieldChange, ...],
    before: JsonObject,
    wanted: Wanted,
    origin: WrittenBy,
) -> list[FieldChange]:
    """Return the values of a first read-back that may be of another write, as far as anything shows.

    That is so with the mark of our write, too: somebody who read it may have sent it back with a change.

    Raises:
        UnverifiedError: One of them is hardly a form of what was sent, and no mark shows that it is one.
    """
    unmarked = origin is WrittenBy.UNKNOWN
    if unmarked and isinstance(action, Update) and are_somebody_elses(changes, before):
        raise unsettled(changes, wanted)
    return values_never_there(changes, before)

"""Comparison of a live workflow with the desired one, without what the platform cannot show.

A write-only field is judged by the digest of the value that was last sent (`SentDigests`).
Pure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from reconciler.plan.compare_options import CompareOptions
from reconciler.plan.desired import Desired, is_ignored
from reconciler.plan.platform_facts import PlatformFacts
from reconciler.text import first_few
from reconciler.values import ABSENT, JsonObject, JsonValue, Path, display_path, lookup, same_json
from reconciler.workflow import (
    Body,
    ComparableForms,
    Digester,
    FieldChange,
    Live,
    Rewrite,
    SentDigests,
    WriteOnlyField,
    are_foreign,
    diff,
    extra_forms,
    gone_fields,
    is_returned,
    known_rewrite,
    shown_value,
    tokens_left_out,
    write_only_field,
    write_only_fields,
)

_NO_EXTRA: Final[tuple[JsonObject, JsonObject]] = ({}, {})

HIDDEN = "(hidden)"
"""The text in place of a live value that the platform does not return."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The result of a comparison.

    Args:
        changes: The differences, with the values as they are (not masked).
        unseen: The fields that cannot be seen, and of which no digest is kept.
        sent_along: Those of them that the manifest states: no difference, but part of any update.
        foreign: Whether the digests were made with another key, and so say nothing.
        rewrites: The fields that read back otherwise than they were sent, as is known of them: no difference.
        write_only: Every field that the platform does not return, with the value that the manifest states;
            `None` for a token that it leaves out.
    """

    changes: tuple[FieldChange, ...]
    unseen: tuple[Path, ...] = ()
    sent_along: tuple[FieldChange, ...] = ()
    foreign: bool = False
    rewrites: tuple[Rewrite, ...] = ()
    write_only: tuple[tuple[Path, JsonValue], ...] = field(default=(), repr=False)


def compare(
    live: Live,
    desired: Desired,
    options: CompareOptions,
    facts: PlatformFacts,
    *,
    just_written: bool = False,
) -> Comparison:
    """Return how a live workflow differs from the desired one.

    Args:
        live: The live workflow.
        desired: The workflow as its manifest describes it.
        options: The choices of the run.
        facts: What the platform is known to do.
        just_written: Whether `desired` was sent just before: then a field that is not returned does not
            differ, and a credential that was sent and reads back differently counts as not returned.

    Raises:
        UnexpectedAnswerError: The live workflow of a patch has a shape that cannot be sent back.
        ReconcilerError: The default resource is needed, and the platform refused to return it.
    """
    forms = comparable(live.body, desired.body, facts)
    digester = Digester.of(options.key, desired.name if just_written else live.name)
    paths = desired.manifest.extra
    extra = extra_forms(live.body.raw, desired.body.raw, paths) if paths else _NO_EXTRA
    judge = _Judge(forms, live, desired, options, facts, digester, extra, just_written=just_written)
    if not forms.equal:
        # What a patch leaves out, because it would have to send a mask back, is no wish of its manifest.
        masked = frozenset[Path]() if desired.owns_all else live.body.masked
        for change in diff(forms.live, forms.desired, forms.default_resource):
            if is_ignored(change.path, desired.ignored):
                judge.keep_ignored(change)
            elif change.after is not ABSENT or change.path not in masked:
                judge.judge(change)
    if not same_json(*extra):
        for change in diff(*extra):
            if not is_ignored(change.path, desired.ignored):
                judge.judge(change)
    if desired.owns_all and not just_written:
        judge.add_dropped_fields()
    if desired.owns_all and options.remember:
        judge.add_tokens_left_out()
    return judge.comparison()


def comparable(live: Body, desired: Body, facts: PlatformFacts) -> ComparableForms:
    """Return the forms of two bodies, ready to be compared.

    Raises:
        ReconcilerError: Where resources differ, the default resource counts, and the platform refused to
            return it.
    """
    forms = ComparableForms(live, desired)
    if forms.equal or not forms.resources_differ:
        return forms
    return forms.with_default_resource(facts.default_resource.resources)


class _Judge:
    """Sorts the differences of one workflow into real ones and ones that merely cannot be seen."""

    def __init__(  # noqa: PLR0913, PLR0917 - one caller
        self,
        forms: ComparableForms,
        live: Live,
        desired: Desired,
        options: CompareOptions,
        facts: PlatformFacts,
        digester: Digester,
        extra: tuple[JsonObject, ...],
        *,
        just_written: bool,
    ) -> None:
        self._forms = forms
        self._live = live.body
        self._desired = desired.body
        self._ignored = desired.ignored
        self._options = options
        self._facts = facts
        self._just_written = just_written
        self._sent = live.body.own_tags.digests if options.remember else SentDigests()
        self._digester = digester
        self._extra = extra
        self._changes: list[FieldChange] = []
        self._unseen: list[Path] = []
        self._sent_along: list[FieldChange] = []
        self._rewrites: list[Rewrite] = []
        self._write_only: list[tuple[Path, JsonValue]] = []
        self._known = self._known_fields()
        self._sent_rewrites = digester.others(self._sent, self._known)
        self._foreign = (
            bool(self._sent)
            and not self._known
            and are_foreign(digester, self._sent, forms.live, forms.desired, *extra)
        )

    def _known_fields(self) -> tuple[Path, ...]:
        """Return the documented write-only fields that have a digest."""
        if not self._sent:
            return ()
        paths = chain(write_only_fields(self._forms.live), write_only_fields(self._forms.desired))
        return tuple(dict.fromkeys(self._digester.known(self._sent, paths)))

    def comparison(self) -> Comparison:
        ordered = sorted(self._changes, key=lambda change: [str(part) for part in change.path])
        return Comparison(
            changes=tuple(ordered),
            unseen=tuple(self._unseen),
            sent_along=tuple(self._sent_along),
            foreign=self._foreign,
            rewrites=tuple(self._rewrites),
            write_only=tuple(self._write_only),
        )

    def judge(self, change: FieldChange) -> None:
        rewrite = known_rewrite(self._digester, self._sent_rewrites, change)
        if rewrite is not None:
            self._rewrites.append(rewrite)
            return
        kind = write_only_field(change.path)
        live = shown_value(self._live.raw, self._forms.live, change.path)
        known = kind is not None and self._digester.knows(self._sent, change.path)
        wanted = lookup(self._forms.desired, change.path)
        sent = self._just_written and wanted is not ABSENT
        trusts_digest = kind is not None and kind.is_credential and (known or sent)
        if kind is None or (is_returned(change.path, live) and not trusts_digest):
            self._changes.append(change)
            return
        if wanted is not ABSENT:
            self._write_only.append((change.path, wanted))
        if self._just_written:
            return
        if self._options.resend and wanted is not ABSENT:
            self._changes.append(dataclasses.replace(change, before=HIDDEN))
        elif known:
            value = None if wanted is ABSENT else wanted
            if not self._digester.agrees(self._sent, change.path, value):
                self._changes.append(dataclasses.replace(change, before=HIDDEN))
        elif self._counts(kind, change.path, wanted=wanted is not ABSENT):
            self._changes.append(change if live is ABSENT else dataclasses.replace(change, before=HIDDEN))
        else:
            self._unseen.append(change.path)
            if wanted is not ABSENT:
                self._sent_along.append(dataclasses.replace(change, before=HIDDEN))

    def keep_ignored(self, change: FieldChange) -> None:
        """Keep the digest of an ignored setting that was sent and is not returned, so that it is known."""
        kind = write_only_field(change.path)
        setting = kind is not None and not kind.is_credential
        sent = self._just_written or self._digester.knows(self._sent, change.path)
        wanted = lookup(self._forms.desired, change.path)
        if setting and sent and wanted is not ABSENT and lookup(self._forms.live, change.path) is ABSENT:
            self._write_only.append((change.path, wanted))

    def _counts(self, kind: WriteOnlyField, path: Path, *, wanted: bool) -> bool:
        """Whether a write-only field without a digest is taken to differ.

        A masked or missing credential alone is no difference, unless this platform is seen to return them,
        nothing at all is live where it belongs, or its digest was made with another key.
        """
        if not wanted:
            return False
        if self._foreign:
            return True
        live = self._forms.live
        if kind in self._facts.returned and lookup(live, path) is ABSENT:
            return True
        return lookup(live, path[:-1]) is ABSENT if kind.is_credential else self._options.remember

    def add_dropped_fields(self) -> None:
        """Add the fields that were sent, are no longer wanted, and do not show on the live side."""
        if not self._sent:
            return
        differing = {change.path for change in self._changes}
        for path in self._known:
            if (
                path not in differing
                and lookup(self._forms.live, ("steps", path[1]) if path[0] == "steps" else ()) is not ABSENT
                and lookup(self._forms.desired, path) is ABSENT
                and lookup(self._forms.live, path) is ABSENT
                and not self._digester.agrees(self._sent, path, None)
                and self._keeps_step_of(path)
                and not is_ignored(path, self._ignored)
            ):
                self._changes.append(FieldChange(path=path, before=HIDDEN, after=ABSENT))
        judged = (*(rewrite.digested for rewrite in self._rewrites), *self._write_only)
        known = sum(self._digester.knows(self._sent, path) for path, _ in judged)
        if not self._changes and known < len(self._sent.digests):
            gone = gone_fields(
                self._digester, self._sent, self._forms.live, self._forms.desired, *self._extra
            )
            self._changes += [
                FieldChange(path=path, before=HIDDEN, after=ABSENT)
                for path in gone
                if not is_ignored(path, self._ignored)
            ]

    def add_tokens_left_out(self) -> None:
        """Add, as fields that are not returned, the tokens that the manifest leaves out of repositories.

        A digest must say that there was none, or one that is added later would not be planned.
        """
        kind_known = WriteOnlyField.TOKEN in self._facts.not_returned
        if not kind_known and not self._sent:
            return
        for path in tokens_left_out(self._desired.form):
            known = kind_known or self._digester.knows(self._sent, path)
            if known and not is_ignored(path, self._ignored):
                self._write_only.append((path, None))

    def _keeps_step_of(self, path: Path) -> bool:
        """Whether the step that `path` leads into, if any, is still wanted."""
        return path[0] != "steps" or lookup(self._forms.desired, path[:2]) is not ABSENT


def rewrites_note(rewrites: Iterable[Rewrite]) -> str:
    """Return the note of a plan about values that read back otherwise than they were sent."""
    listed = first_few(display_path(rewrite.path) for rewrite in rewrites)
    return (
        f"the platform returns another value than was sent for {listed}; "
        "this counts as in sync until it changes, in Git or live"
    )


def unseen_note(paths: tuple[Path, ...]) -> str:
    """Return the note of a plan about the fields that it cannot see."""
    listed = first_few(map(display_path, paths))
    return f"the API does not return {listed}; pass --resend-secrets to send the values of the manifest"

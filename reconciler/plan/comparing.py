"""What really differs between Git and the tenant: the diff, less what the tenant merely does not tell.

A field that the platform takes and does not tell is judged by what was remembered when it was last sent
(`reconciler.workflow.sent_digests`). Pure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.plan.ignoring import Pattern, is_ignored
from reconciler.schema import Field, body_fields, sensitive_step_fields
from reconciler.secrecy import is_mask
from reconciler.values import ABSENT, JsonObject, JsonValue, Path, as_object, display_path, lookup
from reconciler.workflow import Aligned, hoist_retry_options, hoisted_form
from reconciler.workflow.diff import FieldChange, diff
from reconciler.workflow.sent_digests import Digester, SentDigests, WriteOnlyField, write_only_field

HIDDEN = "(hidden)"
"""What stands in the place of a live value that the platform does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """What holds for all workflows of a run when they are compared.

    Args:
        key: What keys the digests of remembered values.
        remember: Whether what the platform does not tell is remembered.
        resend: Whether what it does not tell is sent again, remembered or not.
        told: The kinds of fields that some live workflow shows, so that the platform does tell them.
        untold: The kinds that it is known not to tell.
        owner: Who owns the workflows of this run; `None` when nobody is named.
        allow_protected: The names of protected workflows that may go, or lose their protection.
    """

    key: bytes = field(repr=False)
    remember: bool = True
    resend: bool = False
    told: frozenset[WriteOnlyField] = frozenset()
    untold: frozenset[WriteOnlyField] = frozenset()
    owner: str | None = None
    allow_protected: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came out of comparing.

    Args:
        changes: What differs, with the values as they are (not masked).
        unseen: The fields that cannot be seen and of which nothing is remembered.
        sent_along: Those of them that Git states: no difference, but part of any update.
        foreign: Whether what is remembered was keyed with another key, and so says nothing.
        untold: Every field that the platform does not tell, with the value that Git states; `None` for a
            token that Git leaves out.
    """

    changes: tuple[FieldChange, ...]
    unseen: tuple[Path, ...] = ()
    sent_along: tuple[FieldChange, ...] = ()
    foreign: bool = False
    untold: tuple[tuple[Path, JsonValue], ...] = field(default=(), repr=False)


def compare(  # noqa: PLR0913 - all by name
    *,
    live: JsonObject,
    desired: JsonObject,
    name: str,
    tenancy: Tenancy,
    default_resource: JsonObject,
    ignored: tuple[Pattern, ...] = (),
    owns_all: bool = True,
    just_written: bool = False,
) -> Comparison:
    """Return what differs between the described workflow `live` and the body `desired`.

    Args:
        live: The answer of `describe_workflow`.
        desired: The body that Git wants, the reconciler's own tags left out.
        name: The name that the memory's digests were made for.
        tenancy: What holds for all workflows of the run.
        default_resource: The answer of `get_default_resource`, or empty where it cannot matter.
        ignored: The fields that are left to others.
        owns_all: Whether what `desired` leaves out is to go (a patch owns only what it states).
        just_written: Whether `desired` was sent just before: then what is not told is no difference, and a
            credential that reads back differently is one that is not told.
    """
    aligned = hoist_retry_options(live, desired, default_resource)
    memory = SentDigests.of(live) if tenancy.remember else SentDigests()
    judge = _Judge(aligned, memory, Digester(tenancy.key, name), tenancy, just_written=just_written)
    if not aligned.equal:
        for change in diff(aligned.live, aligned.desired, default_resource):
            if not is_ignored(change.path, ignored):
                judge.judge(change)
    if owns_all and memory.digests and not just_written:
        judge.forgotten(ignored)
    if owns_all and tenancy.remember:
        judge.left_out(ignored)
    return judge.comparison()


def needs_default_resource(live: JsonObject, desired: JsonObject) -> bool:
    """Return whether the two bodies differ in a step's resources, so that the default decides."""
    aligned = hoist_retry_options(live, desired)
    if aligned.equal:
        return False
    steps = as_object(aligned.live.get("steps")), as_object(aligned.desired.get("steps"))
    return any(
        as_object(steps[0].get(name)).get("resources") != as_object(steps[1].get(name)).get("resources")
        for name in steps[0].keys() & steps[1].keys()
    )


def returned_fields(
    live: JsonObject, key: bytes, name: str
) -> tuple[frozenset[WriteOnlyField], frozenset[WriteOnlyField]]:
    """Return which kinds of fields a described workflow shows, and which ones it is seen to keep back."""
    form = hoisted_form(live)
    memory, digester = SentDigests.of(live), Digester(key, name)
    told: set[WriteOnlyField] = set()
    untold: set[WriteOnlyField] = set()
    for path in write_only_fields(form):
        kind = write_only_field(path)
        found = lookup(form, path)
        if kind is None:
            continue
        if is_returned(path, found):
            told.add(kind)
        elif found is not ABSENT or digester.remembers(memory, path):
            untold.add(kind)
    return frozenset(told - untold), frozenset(untold)


def is_returned(path: Path, value: JsonValue | object) -> bool:
    """Return whether a live value says what it is: it is there and, if a credential, not masked."""
    if value is ABSENT:
        return False
    kind = write_only_field(path)
    return kind is None or not kind.is_credential or not is_mask(value)  # type: ignore[arg-type]


def write_only_fields(form: JsonObject) -> Iterator[Path]:
    """Yield the path of every documented field of a workflow with these steps that may not be told."""
    fields = body_fields().children
    for key in ("metadata", "retryOptions"):
        yield from _leaf_paths(fields[key], (key,))
    for name in as_object(form.get("steps")):
        for part in sorted(sensitive_step_fields()):
            yield ("steps", name, *part)
        yield from _leaf_paths(fields["retryOptions"], ("steps", name, "runConfiguration", "retryOptions"))


def tokens_left_out(form: JsonObject) -> list[Path]:
    """Return the paths of the tokens that the repositories of a canonical form do without."""
    return [
        ("steps", name, "repository", "token")
        for name, step in as_object(form.get("steps")).items()
        if (repository := as_object(as_object(step).get("repository"))) and "token" not in repository
    ]


def _leaf_paths(field: Field, path: Path) -> Iterator[Path]:
    if not field.children:
        yield path
    for name, child in field.children.items():
        yield from _leaf_paths(child, (*path, name))


class _Judge:
    """Sorts the differences of one workflow into real ones and ones that are merely not told."""

    def __init__(
        self,
        aligned: Aligned,
        memory: SentDigests,
        digester: Digester,
        tenancy: Tenancy,
        *,
        just_written: bool,
    ) -> None:
        self._just_written = just_written
        self._aligned = aligned
        self._memory = memory
        self._digester = digester
        self._tenancy = tenancy
        self._changes: list[FieldChange] = []
        self._unseen: list[Path] = []
        self._sent_along: list[FieldChange] = []
        self._foreign = self._is_foreign()
        self._untold: list[tuple[Path, JsonValue]] = []

    def comparison(self) -> Comparison:
        ordered = sorted(self._changes, key=lambda change: [str(part) for part in change.path])
        return Comparison(
            changes=tuple(ordered),
            unseen=tuple(self._unseen),
            sent_along=tuple(self._sent_along),
            foreign=self._foreign,
            untold=tuple(self._untold),
        )

    def _is_foreign(self) -> bool:
        """Whether the memory knows none of the fields that may not be told: another key was used."""
        forms = (self._aligned.live, self._aligned.desired)
        fields = (path for form in forms for path in write_only_fields(form))
        return bool(self._memory.digests) and not any(
            self._digester.remembers(self._memory, path) for path in fields
        )

    def judge(self, change: FieldChange) -> None:
        kind = write_only_field(change.path)
        live = lookup(self._aligned.live, change.path)
        remembered = self._digester.remembers(self._memory, change.path)
        trusts_memory = kind is not None and kind.is_credential and (remembered or self._just_written)
        if kind is None or (is_returned(change.path, live) and not trusts_memory):
            self._changes.append(change)
            return
        wanted = lookup(self._aligned.desired, change.path)
        if wanted is not ABSENT:
            self._untold.append((change.path, wanted))
        if self._just_written:
            return
        if self._tenancy.resend and wanted is not ABSENT:
            self._changes.append(dataclasses.replace(change, before=HIDDEN))
        elif remembered:
            value = None if wanted is ABSENT else wanted
            if not self._digester.agrees(self._memory, change.path, value):
                self._changes.append(dataclasses.replace(change, before=HIDDEN))
        elif self._counts(kind, change.path, wanted=wanted is not ABSENT):
            self._changes.append(change if live is ABSENT else dataclasses.replace(change, before=HIDDEN))
        else:
            self._unseen.append(change.path)
            if wanted is not ABSENT:
                self._sent_along.append(dataclasses.replace(change, before=HIDDEN))

    def _counts(self, kind: WriteOnlyField, path: Path, *, wanted: bool) -> bool:
        """Whether a field that is not told, and of which nothing is remembered, is taken to differ.

        A masked or missing credential alone is no difference, unless this platform is seen to tell them,
        nothing at all is live where it belongs, or what was remembered of it cannot be read any more.
        """
        if not wanted:
            return False
        if self._foreign:
            return True
        live = self._aligned.live
        if kind in self._tenancy.told and lookup(live, path) is ABSENT:
            return True
        return lookup(live, path[:-1]) is ABSENT if kind.is_credential else self._tenancy.remember

    def forgotten(self, ignored: tuple[Pattern, ...]) -> None:
        """Add what is remembered and no longer wanted, and does not show on the live side."""
        known = {change.path for change in self._changes}
        for path in write_only_fields(self._aligned.live):
            if (
                path not in known
                and self._digester.remembers(self._memory, path)
                and lookup(self._aligned.desired, path) is ABSENT
                and lookup(self._aligned.live, path) is ABSENT
                and not self._digester.agrees(self._memory, path, None)
                and self._stands(path)
                and not is_ignored(path, ignored)
            ):
                self._changes.append(FieldChange(path=path, before=HIDDEN, after=ABSENT))

    def left_out(self, ignored: tuple[Pattern, ...]) -> None:
        """Add, as fields that are not told, the tokens that Git leaves out of repositories.

        That there was none must be remembered as well, or one that Git adds later would not be planned.
        """
        for path in tokens_left_out(self._aligned.desired):
            known = (
                self._digester.remembers(self._memory, path) or WriteOnlyField.TOKEN in self._tenancy.untold
            )
            if known and not is_ignored(path, ignored):
                self._untold.append((path, None))

    def _stands(self, path: Path) -> bool:
        """Whether the step that `path` leads into, if any, is still wanted."""
        return path[0] != "steps" or lookup(self._aligned.desired, path[:2]) is not ABSENT


def unseen_note(paths: tuple[Path, ...]) -> str:
    """Return what a plan says about the fields that it cannot see."""
    listed = ", ".join(display_path(path) for path in paths[:5]) + (", …" if len(paths) > 5 else "")  # noqa: PLR2004
    return f"the platform does not tell {listed}; --resend-secrets sends what the manifest says"

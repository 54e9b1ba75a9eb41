"""Fields that do not read back as they were sent: what becomes of each, and the body of the second write."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import permutations

from reconciler.plan import Desired, Expectations, PlatformFacts, Update, comparable
from reconciler.schema import FieldKind, body_fields, step_fields
from reconciler.secrecy import is_mask
from reconciler.values import (
    ABSENT,
    Absent,
    JsonObject,
    JsonValue,
    Path,
    as_list,
    as_object,
    lookup,
    same_json,
)
from reconciler.workflow import Body, FieldChange, Live, Rewrite, RewriteKind, without_retry_options

_STEP_DEPTH = 2
_AMOUNT = re.compile(r"\d+[a-z]*")
"""A number, with or without a unit; a platform may have another unit for the same amount."""


def form_before(before: Live | None, desired: Body, facts: PlatformFacts) -> JsonObject:
    """Return the form of a workflow before its first write, as it is compared; empty for a new one.

    Args:
        before: The workflow.
        desired: The body that was sent, which the form is aligned with.
        facts: What the platform is known to do.

    Raises:
        ReconcilerError: The default resource is needed, and the platform refused to return it.
    """
    if before is None:
        return {}
    form, options = comparable(before.body, desired, facts).live, before.body.retry_options
    # A form without a step that uses the options of the workflow has none of them.
    return {**form, "retryOptions": options} if options and "retryOptions" not in form else form


def judged(
    changes: Iterable[FieldChange], before: JsonObject, earlier: Iterable[Rewrite]
) -> Iterator[Rewrite]:
    """Yield what is known of each field that does not read back as it was sent.

    Args:
        changes: These fields, each with the value that reads back and the one that was sent.
        before: The form before the first write.
        earlier: What was known after the write before.
    """
    known = {rewrite.path: rewrite for rewrite in earlier}
    for change in changes:
        path, outcome = change.path, RewriteKind.REWRITTEN
        if path in known:
            same = same_json(known[path].change.before, change.before)
            outcome = known[path].outcome if same else RewriteKind.UNSTABLE
        elif _is_step(path) or (same_json(change.before, lookup(before, path)) and _is_another_text(change)):
            outcome = RewriteKind.IGNORED
        yield Rewrite(change=change, outcome=outcome)


def are_somebody_elses(changes: Iterable[FieldChange], before: JsonObject) -> bool:
    """Return whether an updated field has a value that is no form of what was sent, nor the one before.

    Another run, or somebody at the platform, has written it meanwhile: it must not be overwritten.

    Args:
        changes: The fields that do not read back as they were sent.
        before: The form before the write.
    """
    return any(
        not same_json(change.before, lookup(before, change.path))
        and (_is_another_text(change) or _is_another_number(change) or isinstance(change.before, list))
        for change in changes
    )


def values_never_there(changes: Iterable[FieldChange], before: JsonObject) -> list[FieldChange]:
    """Return the fields that read back as something that was neither sent nor there before the write.

    Args:
        changes: The fields that do not read back as they were sent.
        before: The form before the write.
    """
    return [change for change in changes if not same_json(change.before, lookup(before, change.path))]


def kept_by_the_platform(changes: Iterable[FieldChange], desired: Body, before: JsonObject) -> list[Path]:
    """Return the fields that were left out, and that are still there as they were before the write.

    One that is there with another value is no such field: the platform filled it in. The retry options of a
    step do not count: a step without its own has those of the workflow, which the write may have changed.
    """
    return [
        change.path
        for change in changes
        if change.before is not ABSENT
        and lookup(desired.raw, change.path) in (ABSENT, None)
        and same_json(*(_own(side, change.path) for side in (change.before, lookup(before, change.path))))
    ]


def fields_to_empty(update: Update, expected: Expectations) -> list[Path]:
    """Return the fields that an update removes and that a PUT without them would keep, as a profile says."""
    body = update.body
    of_types = of_former_types(update.live, update.desired, update.live) if expected.merges_deeply else []
    return [
        *(
            change.path
            for change in update.changes
            if expected.merges
            and change.after is ABSENT
            and lookup(update.desired.body.raw, change.path) in (ABSENT, None)
            and (expected.merges_deeply or change.path[0] not in body)
        ),
        *of_types,
    ]


def of_former_types(former: Live | None, desired: Desired, live: Live) -> list[Path]:
    """Return the fields that steps have only from the type that they had before an update.

    Args:
        former: The workflow before the update; `None` for a new one.
        desired: The workflow as its manifest describes it.
        live: The workflow whose fields are listed.
    """
    found: list[Path] = []
    for name, step in desired.body.steps.items() if former is not None else ():
        before = former.body.steps.get(name) if former is not None else None
        if before is not None and before.type != step.type:
            shown = as_object(lookup(live.body.raw, ("steps", name)))
            known = {*step_fields(step.type).children, *step.raw}
            keys = [key for key in step_fields(before.type).children if key not in known]
            found += [("steps", name, key) for key in keys if shown.get(key) not in (None, {}, [], "")]
    return found


def drops_tags(changes: Iterable[FieldChange]) -> bool:
    """Return whether the platform drops or cuts tags, so that they cannot hold digests.

    Args:
        changes: The fields that do not read back as they were sent.
    """
    for change in changes:
        if change.path == ("tags",):
            live, wanted = set(as_list(change.before)), set(as_list(change.after))
            cut = any(tag.startswith(name) for tag in wanted - live for name in live - wanted)
            return live < wanted or cut
    return False


def reads_back_without_tags(changes: Iterable[FieldChange]) -> bool:
    """Return whether tags were sent and none read back."""
    return any(change.path == ("tags",) and not as_list(change.before) for change in changes)


def with_explicit_empties(body: JsonObject, paths: Iterable[Path]) -> JsonObject:
    """Return `body` with empty values for what it leaves out, which some servers keep otherwise.

    Args:
        body: The body of an update.
        paths: The fields that stay, in the canonical form; keys at the top get an empty value in any case.
    """
    fields = body_fields().children
    empties: JsonObject = {
        key: [] if field.kind is FieldKind.LIST else {} for key, field in fields.items() if key != "name"
    }
    result = {**empties, **body}
    for path in paths:
        key = str(path[0])
        if key not in body or key not in {"steps", "retryOptions", "metadata"}:
            continue
        result[key] = _with_null(as_object(result[key]), path[1:])
    return result


def without_unstable(desired: Desired, live: Live, rewrites: Iterable[Rewrite]) -> Desired:
    """Return what is wanted, with the live value where another one reads back whatever is sent."""
    unstable = [rewrite.path for rewrite in rewrites if rewrite.outcome is RewriteKind.UNSTABLE]
    return desired.keeping(live, unstable) if unstable else desired


def _is_step(path: Path) -> bool:
    return len(path) == _STEP_DEPTH and path[0] == "steps"


def _own(value: JsonValue | Absent, path: Path) -> JsonValue | Absent:
    """Return a value, without the retry options where it is a whole step."""
    return without_retry_options(value) if _is_step(path) and isinstance(value, dict) else value


def _is_another_text(change: FieldChange) -> bool:
    """Whether both values are texts that show, and neither is the other in some spelling, or begins so."""
    sides = (change.before, change.after)
    texts = [_letters(side) for side in sides if isinstance(side, str) and not is_mask(side)]
    if len(texts) < len(sides) or all(_AMOUNT.fullmatch(text) for text in texts):
        return False
    return not any(one.startswith(other) for one, other in permutations(texts))


def _is_another_number(change: FieldChange) -> bool:
    """Whether both values are numbers too far apart for one to be the other, rounded."""
    sides = (change.before, change.after)
    numbers = sorted(float(side) for side in sides if isinstance(side, int | float))
    return len(numbers) == len(sides) and numbers[-1] > 2 * numbers[0]


def _letters(text: str) -> str:
    spelled = unicodedata.normalize("NFKC", html.unescape(text)).casefold()
    return "".join(filter(str.isalnum, spelled))


def _with_null(value: JsonObject, path: Path) -> JsonObject:
    result = dict(value)
    key = str(path[0])
    result[key] = _with_null(as_object(result.get(key)), path[1:]) if path[1:] else None
    return result

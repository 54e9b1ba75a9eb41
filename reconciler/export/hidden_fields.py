"""What the platform does not tell of a live workflow, found out where that can be done.

What was last sent for such a field is remembered as a digest in a tag (`reconciler.workflow.sent_digests`).
Where a field has only a few possible values, trying them finds the value; of a credential, the digest shows
only that there is one. Pure.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import Final

from reconciler.plan import LiveWorkflow, Tenancy
from reconciler.plan.comparing import is_returned, tokens_left_out, write_only_fields
from reconciler.values import ABSENT, Absent, JsonObject, JsonValue, Path, lookup, put
from reconciler.workflow import hoisted_form
from reconciler.workflow.sent_digests import Digester, SentDigests, WriteOnlyField, write_only_field

HIDDEN_VALUE: Final = "***"
"""What stands for a credential that is there and not told: what a platform may put there itself."""

_EXIT_CODES: Final = range(256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A live workflow, with what could be found out of what the platform does not tell.

    Args:
        body: The described workflow with these values; `HIDDEN_VALUE` for each of `hidden`.
        hidden: The credentials that are known to be there, and whose value is not told.
        lost: The fields that are known to be there, and whose value is neither told nor found out.
        uncertain: The repository tokens that may be there or not.
        from_memory: The kinds of fields that were found by what is remembered of them.
        foreign: Whether what is remembered was keyed with another key, and so says nothing.
    """

    body: JsonObject = field(repr=False)
    hidden: frozenset[Path]
    lost: tuple[Path, ...]
    uncertain: tuple[Path, ...]
    from_memory: frozenset[WriteOnlyField]
    foreign: bool


def find_out(live: LiveWorkflow, tenancy: Tenancy) -> Told:
    """Return what the tenant has, as far as it tells, and as far as the rest can be found out.

    Args:
        live: The workflow.
        tenancy: The key of what is remembered, and what this tenant is seen to tell.
    """
    form = hoisted_form(live.body)
    memory, digester = SentDigests.of(live.body), Digester(tenancy.key, live.name)
    remembered = {path for path in write_only_fields(form) if digester.remembers(memory, path)}
    tokens = set(tokens_left_out(form)) if WriteOnlyField.TOKEN not in tenancy.told else set()
    body = copy.deepcopy(live.body)
    hidden, lost, uncertain, from_memory = (
        set[Path](),
        list[Path](),
        list[Path](),
        set[WriteOnlyField | None](),
    )
    for path in write_only_fields(form):
        value, credential, known = lookup(form, path), _is_credential(path), path in remembered
        if is_returned(path, value) and not (credential and known):
            continue
        found = _found(path, value, memory, digester) if known else _seen(value)
        if found is not ABSENT and found is not None:
            put(body, path, found)
            from_memory.add(write_only_field(path))
        elif found is None and credential:
            _drop(body, path)
            uncertain += [path] if not known and (path in tokens or value == "") else []
        elif credential:
            put(body, path, HIDDEN_VALUE)
            hidden.add(path)
        elif known and found is ABSENT:
            lost.append(path)
    return Told(
        body=body,
        hidden=frozenset(hidden),
        lost=tuple(lost),
        uncertain=tuple(uncertain),
        from_memory=frozenset(filter(None, from_memory)),
        foreign=bool(memory.digests) and not remembered,
    )


def _is_credential(path: Path) -> bool:
    kind = write_only_field(path)
    return kind is not None and kind.is_credential


def _seen(value: JsonValue | Absent) -> JsonValue | Absent:
    """Return `ABSENT` for a value that is there and not told, and `None` where nothing shows."""
    return None if value is ABSENT or value == "" else ABSENT


def _found(
    path: Path, value: JsonValue | Absent, memory: SentDigests, digester: Digester
) -> JsonValue | Absent:
    """Return the value that the digest is of, `None` for one that is not there; `ABSENT` when none fits."""
    shown = None if value is ABSENT else value
    fits = (possible for possible in _possible(path, shown) if digester.agrees(memory, path, possible))
    return next(fits, ABSENT)


def _possible(path: Path, shown: JsonValue) -> Iterator[JsonValue]:
    """Yield what the field at `path` may be: nothing, what is shown of it, and what can be tried."""
    yield from (None, "", shown) if _is_credential(path) else (None, shown)
    match path[-1]:
        case "allowConcurrentExecution" | "exponentialBackoff":
            yield from (True, False)
        case "duration":
            yield from range(121)
        case "numberOfRetries":
            yield from range(6)
        case "exitCodes":
            for codes in chain(*(combinations(_EXIT_CODES, number) for number in (1, 2))):
                yield list[JsonValue](sorted(codes, key=str))


def _drop(body: JsonObject, path: Path) -> None:
    parent = lookup(body, path[:-1])
    if isinstance(parent, dict):
        parent.pop(str(path[-1]), None)

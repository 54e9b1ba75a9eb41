"""Recovery of write-only fields for an export, where the sent digests allow it.

The digest of what was last sent for such a field is in a tag (`reconciler.workflow.write_only`). Where a
field has only a few possible values, trying them finds the value; of a credential, the digest shows only that
it is there.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import Final

from reconciler.plan import CompareOptions, PlatformFacts
from reconciler.values import ABSENT, Absent, JsonValue, Path, lookup, put, remove
from reconciler.workflow import (
    Body,
    Digester,
    Live,
    SentDigests,
    WriteOnlyField,
    are_foreign,
    is_returned,
    tokens_left_out,
    write_only_field,
    write_only_fields,
)

HIDDEN_VALUE: Final = "***"
"""The placeholder for a credential whose value is not returned: a mask that a platform may use itself."""

_EXIT_CODES: Final = range(256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """A live workflow with the values of its write-only fields, as far as they can be recovered.

    Args:
        body: The described body with these values; `HIDDEN_VALUE` for each of `hidden`.
        hidden: Credentials that are there, and whose value is not returned.
        lost: Other fields that are there, and whose value cannot be recovered.
        uncertain: Repository tokens that may be there.
        from_digests: The kinds of fields that were recovered.
        foreign: Whether the digests were made with another key, and so are useless.
    """

    body: Body = field(repr=False)
    hidden: frozenset[Path]
    lost: tuple[Path, ...]
    uncertain: tuple[Path, ...]
    from_digests: frozenset[WriteOnlyField]
    foreign: bool


def recover_fields(live: Live, options: CompareOptions, facts: PlatformFacts) -> Recovered:
    """Return the body of a live workflow with the values of its write-only fields."""
    form = live.hoisted_form
    digests, digester = live.body.own_tags.digests, Digester.of(options.key, live.name)
    sent = {path for path in write_only_fields(form) if digester.knows(digests, path)}
    tokens = set(tokens_left_out(form)) if WriteOnlyField.TOKEN not in facts.returned else set()
    body = copy.deepcopy(live.body.raw)
    hidden: set[Path] = set()
    lost: list[Path] = []
    uncertain: list[Path] = []
    from_digests: set[WriteOnlyField | None] = set()
    for path in write_only_fields(form):
        value, credential, known = lookup(form, path), _is_credential(path), path in sent
        if is_returned(path, value) and not (credential and known):
            continue
        found = _found(path, value, digests, digester) if known else _seen(value)
        if found is not ABSENT and found is not None:
            put(body, path, found)
            from_digests.add(write_only_field(path))
        elif found is None and credential:
            remove(body, path)
            uncertain += [path] if not known and (path in tokens or value == "") else []
        elif credential:
            put(body, path, HIDDEN_VALUE)
            hidden.add(path)
        elif known and found is ABSENT:
            lost.append(path)
    return Recovered(
        body=Body(body),
        hidden=frozenset(hidden),
        lost=tuple(lost),
        uncertain=tuple(uncertain),
        from_digests=frozenset(filter(None, from_digests)),
        foreign=are_foreign(digester, digests, form),
    )


def _is_credential(path: Path) -> bool:
    kind = write_only_field(path)
    return kind is not None and kind.is_credential


def _seen(value: JsonValue | Absent) -> JsonValue | Absent:
    """Return `ABSENT` for a value that is there and not returned, `None` where nothing is returned."""
    return None if value is ABSENT or value == "" else ABSENT


def _found(
    path: Path, value: JsonValue | Absent, digests: SentDigests, digester: Digester
) -> JsonValue | Absent:
    """Return the value with the sent digest, `None` for a removed one; `ABSENT` when none is found."""
    shown = None if value is ABSENT else value
    fits = (possible for possible in _possible(path, shown) if digester.agrees(digests, path, possible))
    return next(fits, ABSENT)


def _possible(path: Path, shown: JsonValue) -> Iterator[JsonValue]:
    """Yield the possible values of the field at `path`: none, the returned one, and those worth trying."""
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

"""Keeping: what a tenant with a profile would not keep, or not return, of a workflow as it is stated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from reconciler.client import BaseHttpException
from reconciler.emulator import SWITCHES, parse_profiles
from reconciler.errors import UsageError
from reconciler.probing.simulated_tenant import SimulatedTenant
from reconciler.values import ABSENT, JsonObject, Path, leaves, lookup
from reconciler.workflow import Body, ComparableForms

_KEEPING: Final = frozenset({"stored", "refused"})
_MERGES: Final = frozenset({"put-merges", "put-merges-deep"})
_HIDES: Final = re.compile(
    r"(token|auth|headers|env|env-secrets|watchers|metadata|retry|step-retry|tags|scheduled)"
    r"-(masked|hidden|omitted|null|empty)|hidden"
)


@dataclass(frozen=True, slots=True)
class NotKept:
    """One thing that a tenant does not keep.

    Args:
        path: The path in the body; empty for the whole.
        reason: What the tenant does, in words; it has no value of the workflow.
    """

    path: Path
    reason: str


def not_kept(body: JsonObject, switches: Iterable[str]) -> list[NotKept]:
    """Return what a tenant does not keep of a workflow, in the order of its fields.

    Args:
        body: The body of the workflow, with a name.
        switches: The behaviours of the tenant, as words of a profile of the emulator.
    """
    words = tuple(word for word in switches if _keeps_otherwise(word))
    if not words or not [*_changes(body, frozenset(words))]:
        return []
    return [NotKept(path, _reason(word)) for word in words for path in _changes(body, frozenset({word}))]


def not_returned(body: JsonObject, switches: Iterable[str]) -> list[Path]:
    """Return the paths of the fields of a workflow that a tenant keeps and does not return, or masks.

    Args:
        body: The body of the workflow, with a name.
        switches: The behaviours of the tenant, as words of a profile of the emulator.
    """
    hiding = [word for word in switches if _HIDES.fullmatch(word.partition("=")[0]) and _is_valid(word)]
    return [*dict.fromkeys(path for word in hiding for path in _changes(body, frozenset({word})))]


@cache
def _is_valid(word: str) -> bool:
    try:
        parse_profiles([word])
    except UsageError:
        return False
    return True


@cache
def _keeps_otherwise(word: str) -> bool:
    name = word.partition("=")[0]
    switch = SWITCHES.get(name)
    return switch is not None and switch.effect in _KEEPING and name not in _MERGES and _is_valid(word)


def _reason(word: str) -> str:
    name, _, value = word.partition("=")
    switch = SWITCHES[name]
    meaning = switch.meaning
    if switch.takes:
        meaning = re.sub(rf"\b{switch.takes}\b", value or switch.default, meaning)
    return f"on this tenant {meaning}"


def _changes(body: JsonObject, profile: frozenset[str]) -> Iterator[Path]:
    """Yield the paths of what a tenant with a profile reads back otherwise; an empty one for a refusal."""
    tenant = SimulatedTenant(profile)
    try:
        identity = tenant.create_workflow(body)["id"]
    except BaseHttpException:
        yield ()
        return
    forms = ComparableForms(Body(tenant.describe_workflow(int(str(identity)))), Body(body))
    if forms.equal:
        return
    for path, value in leaves(forms.desired):
        kept = lookup(forms.live, path)
        if kept is ABSENT or kept != value:
            yield path

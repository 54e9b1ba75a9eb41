"""Platform facts: the fields that the API returns, and the default resource."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from reconciler.errors import ReconcilerError
from reconciler.plan.compare_options import CompareOptions
from reconciler.plan.expectations import Expectations, returned
from reconciler.values import ABSENT, JsonObject, Path
from reconciler.workflow import (
    Digester,
    Live,
    WriteOnlyField,
    kinds_of_fields,
    shown_value,
    write_only_field,
    write_only_fields,
)

ShownKinds: TypeAlias = "tuple[frozenset[WriteOnlyField], frozenset[WriteOnlyField]]"
"""The kinds of write-only fields that a workflow shows, and those that it has and does not show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultResource:
    """The resources of a step that states none, as far as the platform says what they are.

    Args:
        answer: The answer of `get_default_resource`; empty where it was refused.
        refusal: Why it was refused; `None` when it was not.
    """

    answer: JsonObject = field(default_factory=dict)
    refusal: ReconcilerError | None = None

    @property
    def resources(self) -> JsonObject:
        """The resources.

        Raises:
            ReconcilerError: The platform refused to return them.
        """
        if self.refusal is not None:
            raise self.refusal
        return self.answer


class PlatformFacts(NamedTuple):
    """What the platform is known to do.

    Args:
        returned: The kinds of write-only fields that some live workflow shows, so that it does return them.
        write_only: The kinds that it is seen to accept and not to return.
        expected: What the profile of the tenant says.
        default_resource: The resources of a step that states none.
    """

    returned: frozenset[WriteOnlyField] = frozenset()
    write_only: frozenset[WriteOnlyField] = frozenset()
    expected: Expectations = Expectations()
    default_resource: DefaultResource = DefaultResource()

    @property
    def not_returned(self) -> frozenset[WriteOnlyField]:
        """The kinds that it does not return: as seen, or as its profile says and nothing seen contradicts."""
        return self.write_only | (self.expected.write_only.keys() - self.returned)

    @property
    def contradictions(self) -> frozenset[str]:
        """What the profile says, in words, and live workflows show to be otherwise."""
        shown = (self.expected.write_only.keys() & self.returned) - self.write_only
        hidden = self.expected.returned & self.write_only
        return frozenset(
            {self.expected.write_only[kind] for kind in shown} | {returned(kind) for kind in hidden}
        )

    def with_write_only(self, kinds: Iterable[WriteOnlyField]) -> PlatformFacts:
        """Return these facts, with `kinds` known not to be returned."""
        return self._replace(write_only=self.write_only | set(kinds))

    def learned_from(self, live: Iterable[Live], options: CompareOptions) -> PlatformFacts:
        """Return these facts, with what live workflows show."""
        return self.with_kinds(shown_kinds(workflow, options) for workflow in live)

    def with_kinds(self, kinds: Iterable[ShownKinds]) -> PlatformFacts:
        """Return these facts, with the kinds of fields that workflows show, and have and do not show."""
        returned, write_only = set(self.returned), set(self.write_only)
        for shown, hidden in kinds:
            returned |= shown
            write_only |= hidden
        if len(returned) == len(self.returned) and len(write_only) == len(self.write_only):
            return self
        return self._replace(returned=frozenset(returned), write_only=frozenset(write_only))


def hidden_fields(live: Live, options: CompareOptions, facts: PlatformFacts) -> Callable[[Path], bool]:
    """Return a function that says whether a write-only field may be there, though it is not returned.

    It may where a digest says that it was sent and not returned, and where the platform returns no field of
    its kind. Without digests it may unless the platform is seen to return its kind.
    """
    sent, digester = live.body.own_tags.digests, Digester.of(options.key, live.name)

    def is_hidden(path: Path) -> bool:
        kind = write_only_field(path)
        if kind in facts.write_only:
            return True
        return digester.knows(sent, path) if options.remember else kind not in facts.returned

    return is_hidden


def shown_kinds(live: Live, options: CompareOptions) -> ShownKinds:
    """Return which kinds of fields a workflow shows, and which it has and does not show."""
    returned, masked = live.write_only_kinds
    sent = live.body.own_tags.digests
    if not sent:
        return returned, masked
    form, digester = live.hoisted_form, Digester.of(options.key, live.name)
    known = digester.known(sent, write_only_fields(form))
    hidden = (path for path in known if shown_value(live.body.raw, form, path) is ABSENT)
    write_only = masked | kinds_of_fields(hidden)
    return returned - write_only, write_only

"""Workflows with one field that a platform may not tell, and tenants that remember it."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reconciler.plan.comparing import CompareOptions, Comparison, compare
from reconciler.values import ABSENT, Path
from reconciler.workflow.sent_digests import Digester, SentDigests, WriteOnlyField

KEY = b"a key of the tests"
NAME = "w"
MASK = "********"
DIGESTER = Digester(KEY, NAME)


@dataclass(frozen=True)
class Case:
    """A field of one kind: where it stands, what Git wants there, what else may stand there, its default."""

    kind: WriteOnlyField
    path: Path
    wanted: Any
    other: Any
    default: Any = ABSENT

    def __str__(self) -> str:
        return self.kind.name.lower()

    @property
    def credential(self) -> bool:
        """Whether the platform may mask it."""
        return self.kind in {WriteOnlyField.TOKEN, WriteOnlyField.SECRET}

    def body(self, value: Any, *tags: Any) -> dict[str, Any]:
        """Return a workflow with `value` in the field; without the field where it is `ABSENT`."""
        steps: Any = {
            "a": {"repository": {"url": "u", "branch": "b"}},
            "b": {"type": "http", "auth": {"type": "basic"}},
        }
        result: Any = {"name": NAME, "steps": steps, "tags": [{"name": "team"}, *tags]}
        if value is not ABSENT:
            inner = result
            for part in self.path[:-1]:
                inner = inner.setdefault(part, {})
            inner[self.path[-1]] = value
        return result

    def remembered(self, value: Any) -> list[Any]:
        """Return the tags that say that `value` was last sent."""
        return DIGESTER.memory([(self.path, value)]).tags()


CASES = [
    Case(WriteOnlyField.TOKEN, ("steps", "a", "repository", "token"), "new", "old"),
    Case(WriteOnlyField.SECRET, ("steps", "b", "auth", "password"), "new", "old"),
    Case(WriteOnlyField.METADATA, ("metadata", "allowConcurrentExecution"), wanted=True, other=False),
    Case(WriteOnlyField.RETRY, ("retryOptions", "duration"), 10, 20, 5),
    Case(
        WriteOnlyField.STEP_RETRY, ("steps", "a", "runConfiguration", "retryOptions", "duration"), 10, 20, 5
    ),
]
"""One field of each kind."""

CREDENTIALS = [case for case in CASES if case.credential]
OTHERS = [case for case in CASES if not case.credential]


def options(**given: Any) -> CompareOptions:
    """Return what holds for a run."""
    return CompareOptions(key=KEY, **given)


def compared(live: Any, desired: Any, options_: CompareOptions | None = None, **given: Any) -> Comparison:
    """Return what comparing two bodies gives; both stay as they were."""
    before = copy.deepcopy((live, desired))
    options = {"name": NAME, "default_resource": {}, **given}
    result = compare(live=live, desired=desired, options=options_ or options(), **options)
    assert (live, desired) == before
    return result


def memory_of(fields: Iterable[tuple[Path, Any]]) -> SentDigests:
    """Return the memory of what was sent."""
    return DIGESTER.memory(fields)

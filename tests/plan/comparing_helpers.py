"""Workflows with one field that a platform may not return, and tenants with its digest."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from forms import digest_tags, live_of

from reconciler.manifests import PatchManifest, ReconcileSettings, WorkflowManifest
from reconciler.manifests.documents import Document
from reconciler.manifests.manifest import Source
from reconciler.plan import CompareOptions, Comparison, DefaultResource, Desired, PlatformFacts, compare
from reconciler.values import ABSENT, Packed, Path
from reconciler.workflow import Body, Digester, SentDigests, WriteOnlyField

KEY = b"a key of the tests"
NAME = "w"
MASK = "********"
DIGESTER = Digester(KEY, NAME)
_SOURCE = Source(document=Document(file="w.yaml", text="", index=0), base=())


@dataclass(frozen=True)
class Case:
    """A field of one kind: its place, what Git states there, another value, its default."""

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
        return digest_tags(DIGESTER.digests([(self.path, value)]))


CASES = [
    Case(WriteOnlyField.TOKEN, ("steps", "a", "repository", "token"), "new", "old"),
    Case(WriteOnlyField.SECRET, ("steps", "b", "auth", "password"), "new", "old"),
    Case(WriteOnlyField.METADATA, ("metadata", "allowConcurrentExecution"), True, other=False, default=False),
    Case(WriteOnlyField.RETRY, ("retryOptions", "duration"), 10, 20, 5),
    Case(
        WriteOnlyField.STEP_RETRY, ("steps", "a", "runConfiguration", "retryOptions", "duration"), 10, 20, 5
    ),
]
"""One field of each kind."""

CREDENTIALS = [case for case in CASES if case.credential]
OTHERS = [case for case in CASES if not case.credential]


Run = tuple[CompareOptions, PlatformFacts]
"""The choices of a run, and what the platform is known to do."""


def run_of(
    *,
    returned: Any = frozenset(),
    write_only: Any = frozenset(),
    default_resource: Any = None,
    **options: Any,
) -> Run:
    """Return a run."""
    default = DefaultResource(answer=default_resource or {})
    facts = PlatformFacts(returned=returned, write_only=write_only, default_resource=default)
    return CompareOptions(**{"key": KEY, **options}), facts


def manifest_of(body: Any, **attributes: Any) -> WorkflowManifest:
    """Return the manifest of a workflow."""
    given = {"name": str(body["name"]), "settings": ReconcileSettings(), "sensitive": frozenset()}
    return WorkflowManifest(packed=Packed.of(body), source=_SOURCE, **{**given, **attributes})


def compared(live: Any, desired: Any, run: Run | None = None, **given: Any) -> Comparison:
    """Return the comparison of two bodies.

    Args:
        live: The live body.
        desired: The body that Git wants.
        run: The choices of the run, and what the platform is known to do.
        given: `name`, `ignored`, `owns_all` and `just_written`.
    """
    before = copy.deepcopy((live, desired))
    kind = WorkflowManifest if given.pop("owns_all", True) else PatchManifest
    name = given.pop("name", NAME)
    manifest = kind(
        name=name,
        packed=Packed.of(desired),
        settings=ReconcileSettings(),
        source=_SOURCE,
        sensitive=frozenset(),
    )
    wanted = Desired(manifest=manifest, body=Body(desired), ignored=given.pop("ignored", ()))
    result = compare(live_of(live, name=name), wanted, *(run or run_of()), **given)
    assert (live, desired) == before
    return result


def digests_of(fields: Iterable[tuple[Path, Any]]) -> SentDigests:
    """Return the memory of what was sent."""
    return DIGESTER.digests(fields)

"""Packed body of a manifest, with what a plan needs to know of it while the workflow is in sync.

Unpacking a body and computing its form takes longer than anything else in a comparison, and most workflows
are in sync. So the process that parses a manifest finds this out, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reconciler.schema import manifest_only_step_fields
from reconciler.values import ABSENT, JsonObject, JsonValue, Packed, Path, as_list, digest_of, lookup
from reconciler.workflow.body import Body
from reconciler.workflow.write_only import stated_credentials, without_credentials


@dataclass(frozen=True, slots=True)
class PackedBody(Packed):
    """A body that is packed, and what was found out about it; make one with `PackedBody.of_body`."""

    form_digest: bytes = field(default=b"", repr=False, compare=False)
    """The digest of the form."""

    shown_digest: bytes = field(default=b"", repr=False, compare=False)
    """The digest of the form without its credentials, as a platform shows it that returns none."""

    has_manifest_only_fields: bool = field(default=False, compare=False)
    """Whether a step states a field that no API knows: the name of an image or of an instance type."""

    _credentials: Packed = field(default=Packed([]), repr=False, compare=False)

    @staticmethod
    def of_body(body: JsonObject) -> PackedBody:
        """Return a body packed, with what a plan needs to know of it."""
        whole = Body(body)
        shown = without_credentials(whole.form)
        rows: list[JsonValue] = [[[*path], value] for path, value in stated_credentials(whole.form)]
        return replace(
            PackedBody.of(body).with_digest(),
            form_digest=whole.digest,
            shown_digest=whole.digest if shown is whole.form else digest_of(shown),
            has_manifest_only_fields=any(
                lookup(step.raw, path) is not ABSENT
                for step in whole.steps.values()
                for path in manifest_only_step_fields()
            ),
            _credentials=Packed.of(rows),
        )

    @property
    def as_body(self) -> Body:
        """The body, with its digest."""
        return Body.of_packed(self, self.form_digest)

    @property
    def credentials(self) -> Sequence[tuple[Path, JsonValue]]:
        """The credentials of the form with their paths; `None` for a token that a repository leaves out."""
        return [(tuple(path), value) for path, value in as_list(self._credentials.value)]

"""Profile check: warnings about what the tenant of an environment does not keep as a manifest states it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.findings import Finding, Severity
from reconciler.manifests import FileContent, WorkflowManifest
from reconciler.probing import not_kept
from reconciler.tenant_profile import TenantProfile
from reconciler.value_classes import dataclass
from reconciler.values import display_path


@dataclass(frozen=True, slots=True)
class ProfileCheck:
    """A check of manifests against the profile of a tenant.

    Args:
        profile: The profile.
    """

    profile: TenantProfile

    def __call__(self, contents: Sequence[FileContent]) -> Iterator[Finding]:
        """Yield a warning for each value that the tenant does not keep."""
        for content in contents:
            for manifest in content.manifests:
                if isinstance(manifest, WorkflowManifest):
                    yield from self._of(manifest)

    def _of(self, manifest: WorkflowManifest) -> Iterator[Finding]:
        for item in not_kept(manifest.body, self.profile.switches):
            place = f"{display_path(item.path)}: " if item.path else ""
            yield Finding(
                file=manifest.source.file,
                rule="tenant-profile",
                message=f"{place}{item.reason}",
                position=manifest.source.position(item.path) or manifest.source.position(),
                path=item.path,
                severity=Severity.WARNING,
            )

"""Options of operations: which workflows an operation covers, and how it writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reconciler.client import RetryPolicy
from reconciler.errors import UsageError
from reconciler.operations.settings import Settings
from reconciler.plan import Scope, Selection, Shard


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeOptions:
    """The part of the workflows that a run is about, and the limits that are lifted for it.

    Args:
        prune: Whether to delete owned workflows that have no manifest any more.
        allow_deletes: Number of deletes to allow, overriding the limits.
        allow_protected: Names of protected workflows that may lose their protection or be pruned.
        targets: Globs over names; only workflows that match one are included.
        exclude: Globs over names; workflows that match one are left out.
        shard: `I/N` for the I-th of N parts, by a stable hash of the name.
        show_unmanaged: Whether the plan lists live workflows that are neither in Git nor owned.
    """

    prune: bool = False
    allow_deletes: int | None = None
    allow_protected: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    shard: str | None = None
    show_unmanaged: bool = False

    def scope(self, settings: Settings) -> Scope:
        """Return the scope of a plan with these options under `settings`.

        Raises:
            UsageError: Pruning needs an ownership tag and all manifests; or the shard is invalid.
        """
        if self.prune and settings.owner is None:
            raise UsageError(
                "--prune needs an ownership tag: only workflows that carry it are ever deleted",
                hint="Set ownership: {tag: NAME} in reconciler.yaml, or pass --ownership-tag NAME.",
            )
        if self.prune and not settings.whole:
            raise UsageError(
                "--prune needs all manifests that reconciler.yaml names; others would lose their workflows",
                hint="Omit PATH; to prune less, use --target GLOB.",
            )
        selection = Selection(
            targets=self.targets,
            exclude=self.exclude,
            shard=None if self.shard is None else Shard.of_text(self.shard),
        )
        return Scope(
            selection=selection,
            prune=self.prune,
            allow_deletes=self.allow_deletes,
            safety=settings.safety,
            show_unmanaged=self.show_unmanaged,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """How a plan is applied.

    Args:
        fail_fast: Whether to stop after the first failure; writes in flight are finished.
        wait_running: Seconds to wait for an execution to end before its workflow is changed or deleted.
        backups: Whether to back up what is overwritten or deleted, into `Settings.backup_dir`.
        run_record: File for the JSON record of the run; `None` for none.
    """

    fail_fast: bool = False
    wait_running: float = RetryPolicy().wait_running
    backups: bool = True
    run_record: Path | None = None

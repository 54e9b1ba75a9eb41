"""The options that say what a run is about and how far it may go: pruning, limits lifted, parts of all."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

from reconciler.cli.shared_options import Number
from reconciler.errors import UsageError
from reconciler.plan import Scope, Selection, Shard
from reconciler.safety import Safety

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option(
        "--prune",
        is_flag=True,
        help="Delete owned workflows that have no manifest any more: last, and within the limits.",
    ),
    click.option(
        "--allow-deletes",
        metavar="N",
        type=Number(0, whole=True),
        help="So many deletes are meant, whatever the limits say.",
    ),
    click.option(
        "--allow-protected",
        metavar="NAME",
        multiple=True,
        help="The workflow NAME may lose its protection (prevent_delete), or be pruned; may be repeated.",
    ),
    click.option(
        "--target",
        "targets",
        metavar="GLOB",
        multiple=True,
        help="Only workflows whose name matches; may be repeated.",
    ),
    click.option(
        "--exclude",
        metavar="GLOB",
        multiple=True,
        help="No workflow whose name matches; may be repeated.",
    ),
    click.option(
        "--shard", metavar="I/N", help="Only part I of N, by a hash of the name that never changes."
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawScopeOptions:
    """What the options say of what a run is about."""

    prune: bool
    allow_deletes: int | None
    allow_protected: tuple[str, ...]
    targets: tuple[str, ...]
    exclude: tuple[str, ...]
    shard: str | None

    @property
    def anything(self) -> bool:
        """Whether any of them was typed."""
        limits = self.allow_deletes is not None or bool(self.allow_protected)
        return self.prune or limits or bool(self.targets or self.exclude or self.shard)

    def scope(self, *, owner: str | None, whole: bool, safety: Safety, show_unmanaged: bool = False) -> Scope:
        """Return what the run is about, and how far it may go.

        Args:
            owner: The ownership tag.
            whole: Whether the paths name all manifests that there are.
            safety: The limits.
            show_unmanaged: Whether the plan lists the live workflows that no manifest means.

        Raises:
            UsageError: Pruning is asked for, and cannot be told what is whose, or what is missing.
        """
        if self.prune and owner is None:
            raise UsageError(
                "--prune needs an ownership tag: only workflows that carry it are ever deleted",
                hint="Write ownership: {tag: NAME} into reconciler.yaml, or use --ownership-tag NAME.",
            )
        if self.prune and not whole:
            raise UsageError(
                "--prune takes all manifests that reconciler.yaml names; what others say would be deleted",
                hint="Leave PATH out; --target GLOB prunes less.",
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
            safety=safety,
            show_unmanaged=show_unmanaged,
        )


def scope_options(function: F) -> F:
    """Give a command these options, and hand them to it as one argument `asked`."""

    @functools.wraps(function)
    def command(**words: Any) -> Any:  # noqa: ANN401 - click's
        asked = RawScopeOptions(**{name: words.pop(name) for name in RawScopeOptions.__dataclass_fields__})
        return function(asked=asked, **words)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command  # type: ignore[return-value]

"""`peak-reconciler capture`: live changes, brought back into the files of the manifests."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from reconciler.cli.apply_options import base_option
from reconciler.cli.command_settings import ownership_options
from reconciler.cli.help import command_of, option
from reconciler.cli.options import names_argument
from reconciler.cli.terminal import TerminalListener, show, warn
from reconciler.errors import ReconcilerError, UsageError
from reconciler.operations import Captured, Settings, capture
from reconciler.text import clip, printable
from reconciler.values import Path, display_paths


@command_of(
    "capture",
    examples=(
        ("capture --all --dry-run", "Show what the manifests would become"),
        ("capture scoring", "Write the live changes of one workflow into its file"),
        ("capture --all --base main --yes", "In CI: leave what Git changed since main"),
    ),
)
@names_argument
@option(
    "--all",
    "everything",
    is_flag=True,
    help="Capture every workflow that has a manifest.",
    section="Selection",
)
@option(
    "--into",
    metavar="base|FILE",
    help="Where changes go in an environment with overlays: the manifests that all share, or the file of an "
    "overlay.",
    section="Selection",
)
@option(
    "--plain-text",
    is_flag=True,
    help="Also write values into the files that a plan masks because they may be secrets: variables, headers "
    "and webhook URLs.",
    section="Selection",
)
@option(
    "--include-unapplied",
    is_flag=True,
    help="Also capture fields that Git changed since the last apply or the base, or with --yes may have "
    "changed. This undoes the change in Git.",
    section="Selection",
)
@option("--yes", is_flag=True, help="Write without asking.", section="Apply")
@option("--dry-run", is_flag=True, help="Show the changes, and write nothing.", section="Apply")
@base_option
@ownership_options()
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    names: tuple[str, ...],
    everything: bool,
    into: str | None,
    base: str | None,
    plain_text: bool,
    include_unapplied: bool,
    yes: bool,
    dry_run: bool,
) -> int:
    """Bring a change that somebody made live back into the manifest's own file.

    Shows the changes of the files, asks, and writes them; a plan of these workflows is then empty. Only the
    lines of values that differ change: comments, order, anchors and quoting stay. Nothing changes in the
    tenant: no request but GET is sent.

    A value that comes from !env, !file, !param, an alias, an overlay or a template is not replaced; the place
    is named, the other changes are captured, and the exit code is 1. The same holds for a live value that is
    a secret or may be one, and for a field that Git changed since the last apply, or since the commit that
    --base names: the next apply sends it. With --yes, a field that Git may have changed since is not
    captured, either.
    """
    if names and everything:
        raise UsageError("name the workflows, or pass --all, not both")
    listener = TerminalListener(approved=yes, verbose=settings.verbose)
    result = capture(
        settings,
        names,
        listener,
        everything=everything,
        into=into,
        base=base,
        plain_text=plain_text,
        unapplied=include_unapplied,
        unproven=not yes,
    )
    for line in _diff(result):
        show(printable(result.redactor.text(line)))
    for line in _account(result, dry_run=dry_run, named=not everything):
        warn(printable(result.redactor.text(line)))
    if not result.workflows:
        show("No changes to capture.")
    if result.files and not dry_run:
        files = "this file" if len(result.files) == 1 else f"these {len(result.files)} files"
        if not listener.confirm(f"Write {files}?"):
            raise ReconcilerError("cancelled; nothing was written", hint="Pass --yes to skip the question.")
        result.write()
        for edited in result.files:
            warn(printable(f"wrote {edited.file.path}"))
    return result.exit_code


def _account(result: Captured, *, dry_run: bool, named: bool) -> Iterator[str]:
    """Yield what is captured of each workflow, and what is not and why."""
    captured = "would capture" if dry_run else "captured"
    for item in result.workflows:
        begin, found = f"{clip(item.manifest.name, 100)} (id {item.live.id})", item.differences
        if item.refusal:
            yield f"{begin}: not captured: {item.refusal}"
        if found.captured:
            yield f"{begin}: {captured}: {display_paths(found.paths)}"
        if found.doubtful:
            yield f"{begin}: warning: {_doubt(display_paths(found.doubtful), result.base)}"
        by_reason: dict[str, list[Path]] = {}
        for path, why in found.left.items():
            by_reason.setdefault(why, []).append(path)
        for why, paths in by_reason.items():
            yield f"{begin}: not captured: {display_paths(paths)}: {why}"
    for name, why in result.missing.items():
        if why or named:
            reason = f"no live workflow has this name{'; ' * bool(why)}{why}"
            yield f"{clip(name, 100)}: not captured: {reason}"


def _doubt(fields: str, base: str) -> str:
    """Return the warning of fields that are captured though Git changed them too, or may have."""
    if base:
        return f"Git changed {fields} as well since {base}; the capture undoes that"
    return (
        f"Git may have changed {fields} as well since the last apply; --base REV shows it; check that the "
        "capture undoes no change in Git"
    )


def _diff(result: Captured) -> Iterator[str]:
    for edited in result.files:
        name = str(edited.file.path)
        before, after = edited.before.splitlines(), edited.after.splitlines()
        yield from difflib.unified_diff(before, after, name, name, lineterm="")

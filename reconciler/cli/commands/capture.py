"""`peak-reconciler capture`: live changes, brought back into the files of the manifests."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from reconciler.cli.command_settings import ownership_options
from reconciler.cli.help import command_of, option
from reconciler.cli.options import names_argument
from reconciler.cli.terminal import TerminalListener, show, warn
from reconciler.errors import ReconcilerError, UsageError
from reconciler.operations import Captured, Settings, capture
from reconciler.text import clip, printable
from reconciler.values import display_paths


@command_of(
    "capture",
    examples=(
        ("capture --all --dry-run", "Show what the manifests would become"),
        ("capture scoring", "Write the live changes of one workflow into its file"),
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
    help="Also capture fields that Git changed since the last apply, or with --yes may have changed. This "
    "undoes the change in Git.",
    section="Selection",
)
@option("--yes", is_flag=True, help="Write without asking.", section="Apply")
@option("--dry-run", is_flag=True, help="Show the changes, and write nothing.", section="Apply")
@ownership_options()
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    names: tuple[str, ...],
    everything: bool,
    into: str | None,
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
    is named, and the exit code is 1. The same holds for a live value that is a secret or may be one, and for
    a field that Git changed since the last apply: the next apply sends it. With --yes, a field that Git may
    have changed since is not captured, either.
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
        begin = f"{clip(item.manifest.name, 100)} (id {item.live.id})"
        if item.refusal:
            yield f"{begin}: not captured: {item.refusal}"
        elif item.paths:
            yield f"{begin}: {captured}: {display_paths(item.paths)}"
        if item.unproven and item.unproven_stays and not item.refusal:
            yield (
                f"{begin}: not captured: {display_paths(item.unproven)}: the last apply does not show "
                "whether Git or the tenant changed it; leave out --yes to decide, or pass "
                "--include-unapplied"
            )
        elif item.unproven and not item.refusal:
            yield (
                f"{begin}: warning: Git may have changed {display_paths(item.unproven)} as well since the "
                "last apply; plan --base REV shows it; check that the capture undoes no change in Git"
            )
        if item.unapplied:
            yield (
                f"{begin}: not captured: {display_paths(item.unapplied)}: Git changed it since the last "
                "apply, the tenant did not; run apply, or pass --include-unapplied to undo it in Git"
            )
    for name, why in result.missing.items():
        if why or named:
            reason = f"no live workflow has this name{'; ' * bool(why)}{why}"
            yield f"{clip(name, 100)}: not captured: {reason}"


def _diff(result: Captured) -> Iterator[str]:
    for edited in result.files:
        name = str(edited.file.path)
        before, after = edited.before.splitlines(), edited.after.splitlines()
        yield from difflib.unified_diff(before, after, name, name, lineterm="")

"""`peak-reconciler capture`: live changes, brought back into the files of the manifests."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator

import click

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
@option("--yes", is_flag=True, help="Write without asking.", section="Apply")
@option("--dry-run", is_flag=True, help="Show the changes, and write nothing.", section="Apply")
@ownership_options()
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    names: tuple[str, ...],
    everything: bool,
    into: str | None,
    yes: bool,
    dry_run: bool,
) -> int:
    """Bring a change that somebody made live back into the manifest's own file.

    Shows the changes of the files, asks, and writes them; a plan of these workflows is then empty. Only the
    lines of values that differ change: comments, order, anchors and quoting stay. Nothing changes in the
    tenant: no request but GET is sent.

    A value that comes from !env, !file, !param, an alias, an overlay or a template is not replaced; the place
    is named, and the exit code is 1. The same holds for a live value that is a secret.
    """
    if names and everything:
        raise UsageError("name the workflows, or pass --all, not both")
    listener = TerminalListener(verbose=settings.verbose)
    result = capture(settings, names, listener, everything=everything, into=into)
    for line in _diff(result):
        show(printable(result.redactor.text(line)))
    for item in result.workflows:
        name = clip(item.manifest.name, 100)
        what = f"not captured: {item.refusal}" if item.refusal else f"captured: {display_paths(item.paths)}"
        warn(printable(result.redactor.text(f"{name} (id {item.live.id}): {what}")))
    if not result.workflows:
        show("No changes to capture.")
    if result.files and not dry_run:
        _confirm(len(result.files), approved=yes)
        result.write()
        for edited in result.files:
            warn(printable(f"wrote {edited.file.path}"))
    return result.exit_code


def _diff(result: Captured) -> Iterator[str]:
    for edited in result.files:
        name = str(edited.file.path)
        before, after = edited.before.splitlines(), edited.after.splitlines()
        yield from difflib.unified_diff(before, after, name, name, lineterm="")


def _confirm(number: int, *, approved: bool) -> None:
    """Ask on stderr whether the files may be written; only `yes` approves it.

    Raises:
        ReconcilerError: They may not.
    """
    if approved:
        return
    files = "this file" if number == 1 else f"these {number} files"
    click.echo(f"\nWrite {files}? Only 'yes' is accepted: ", err=True, nl=False)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        click.echo(err=True)
    if answer.strip() != "yes":
        raise ReconcilerError("cancelled; nothing was written", hint="Pass --yes to skip the question.")

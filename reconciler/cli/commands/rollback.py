"""`peak-reconciler rollback`: restore what an apply overwrote or deleted."""

from __future__ import annotations

import click

from reconciler.cli.apply_options import apply_options
from reconciler.cli.command_settings import connection_options
from reconciler.cli.help import command_of, option
from reconciler.cli.options import PARAMETERS, backup_dir_option
from reconciler.cli.shell_completion import complete_backups
from reconciler.cli.terminal import TerminalListener, show
from reconciler.errors import ExitCode
from reconciler.operations import ApplyOptions, Settings, list_backups, roll_back
from reconciler.render import backups_in
from reconciler.text import TextOrPieces


@command_of(
    "rollback",
    examples=(
        ("rollback --list", "List the backups"),
        ("rollback", "Restore what the latest run overwrote or deleted"),
        ("rollback daily-report", "Restore one workflow from its newest backup"),
    ),
)
@click.argument("names", metavar="[NAME|RUN...]", nargs=-1, shell_complete=complete_backups)
@option(
    "--list",
    "list_them",
    is_flag=True,
    help="Only list the backups, all or those of NAME or RUN.",
)
@apply_options
@connection_options(*PARAMETERS, backup_dir_option, concurrent=True)
def command(
    *,
    settings: Settings,
    names: tuple[str, ...],
    list_them: bool,
    options: ApplyOptions,
    listener: TerminalListener,
) -> int:
    """Restore what an apply overwrote, deleted, paused or resumed, from the backups it made.

    RUN restores all that one run changed or deleted, NAME a workflow from its newest backup; without
    either, the latest run is restored. Plans, shows the plan, asks, applies and verifies it like any apply,
    and makes backups, so that a rollback can be rolled back.

    Only backups of the chosen tenant are restored. --list shows those of the environment with --environment,
    else all.

    A backup has no secrets. They are taken from the manifests that reconciler.yaml names, else from the live
    workflow; a workflow for which neither has one is blocked. What an apply created has no backup, because a
    rollback deletes nothing: when the latest run only created workflows, an error names the run before it. A
    deleted workflow is created again, with a new id and webhook URL.
    """
    if list_them:
        runs = list_backups(settings, names)

        def listed(name: str) -> TextOrPieces:
            environment = settings.environment.name if settings.environment else ""
            return backups_in(name, runs, settings.backup_dir, environment)

        show(listed("json" if listener.as_json else "text"))
        listener.outputs.write(listed)
        return ExitCode.OK
    return roll_back(settings, names, options, listener).exit_code

"""`peak-reconciler probe`: what a tenant does where the API's documentation leaves it open."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import click

from reconciler.cli.command_settings import connection_options
from reconciler.cli.help import bundle, command_of, option
from reconciler.cli.notify_options import notification_sender, notify_options
from reconciler.cli.options import format_option
from reconciler.cli.terminal import TerminalListener, show
from reconciler.client import WebhookSender
from reconciler.emulator import SWITCHES
from reconciler.errors import UsageError
from reconciler.job import probe_and_notify
from reconciler.operations import ProbeOptions, Settings, probe
from reconciler.render import PROBE_FORMATS, probe_in


def _notify(values: dict[str, Any]) -> tuple[WebhookSender | None, str]:
    """Return the sender of notifications, and their format."""
    return notification_sender(values["notify_url"]), values["notify_format"]


@command_of(
    "probe",
    examples=(
        ("probe --write", "Find out how the tenant behaves, and write tenant-profile.yaml"),
        ("probe --write --yes --format sarif", "In CI: compare with the committed profile"),
        ("probe --write --yes --environment prod", "Compare with the profile of an environment"),
        ("probe --clean", "Delete what a probe left that was killed"),
    ),
)
@click.argument(
    "file",
    metavar="[FILE]",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
)
@option("--write", is_flag=True, help="Make, change and delete workflows in the tenant.", section="Safety")
@option("--yes", is_flag=True, help="Write without asking, for CI.", section="Safety")
@option(
    "--prefix",
    metavar="TEXT",
    default=ProbeOptions().prefix,
    help="How the names of the workflows begin; no other workflow may have such a name.",
    section="Safety",
)
@option("--clean", is_flag=True, help="Only delete what an earlier probe left behind.", section="Safety")
@option("--update", is_flag=True, help="Replace FILE if the platform has changed.", section="Output")
@format_option(*PROBE_FORMATS, help="Print the result, or what has changed, in this format.")
@bundle("notify", notify_options("Output"), _notify)
@connection_options()
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    file: Path | None,
    write: bool,
    yes: bool,
    prefix: str,
    clean: bool,
    update: bool,
    output_format: str,
    notify: tuple[WebhookSender | None, str],
) -> int:
    """Find out what the tenant does where the documentation of the API leaves it open.

    Makes up to three workflows without triggers, which are never started, changes and reads them, and deletes
    them by id. Touches no other workflow. Writes what it found to FILE, which holds no data of the tenant; if
    FILE exists, compares with it. By default it is the profile of the environment, else tenant-profile.yaml.

    A probe that is killed may leave its workflows; the next one, or --clean, deletes them.

    Exits with 2 when the platform does not behave as FILE says, unless --update is set; with --notify-url, a
    webhook is notified of that, and of a probe that failed. A protected environment must be named with
    --environment.
    """
    if not (write or clean):
        raise UsageError(
            "a probe writes to the tenant: pass --write",
            hint="It makes up to three workflows, without triggers and never started, and deletes them.",
        )
    configured = settings.environment.profile if settings.environment else None
    options = ProbeOptions(
        prefix=prefix, clean=clean, file=file or configured or ProbeOptions().file, update=update
    )
    listener = TerminalListener(approved=yes, verbose=settings.verbose)
    run = partial(probe, settings, options, listener)
    sender, form = notify
    result = (
        run()
        if sender is None
        else probe_and_notify(run, settings, os.environ, sender, form, warn=listener.warning)
    )
    meanings = {name: switch.meaning for name, switch in SWITCHES.items()}
    show(probe_in(result, output_format, meanings))
    return result.exit_code

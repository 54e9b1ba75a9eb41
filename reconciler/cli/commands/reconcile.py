"""`peak-reconciler reconcile`: the scheduled job in one command."""

from __future__ import annotations

import os

import click

from reconciler.cli.apply_options import scope_options, unattended_apply_options
from reconciler.cli.help import Command, command_of
from reconciler.cli.job_options import job_options
from reconciler.cli.options import backup_dir_option, unresolved_tenant_options
from reconciler.cli.terminal import print_error, redirect_messages, warn
from reconciler.cli.terminal_listener import TerminalListener
from reconciler.job import Job, JobOptions, JsonLog, Signals, TextLog, run_job, starting_place, wants_json
from reconciler.operations import ApplyOptions, RawOptions, ScopeOptions


class _JobCommand(Command):
    """A command whose log has its format before anything can go wrong."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if wants_json(args, os.environ):
            ctx.obj = log = JsonLog(os.environ)
            redirect_messages(log.message)
        else:
            ctx.obj = TextLog(os.environ, warn, print_error)
        return super().parse_args(ctx, args)


@command_of(
    "reconcile",
    cls=_JobCommand,
    examples=(
        ("reconcile --prune --log-format json", "In a cron job: apply, and log as JSON"),
        (
            "reconcile --interval 600 --listen :8080",
            "In a container: run every ten minutes, and serve metrics",
        ),
        ("reconcile --dry-run --notify-on drift", "Detect drift without applying"),
    ),
)
@scope_options
@unattended_apply_options
@job_options
@unresolved_tenant_options(backup_dir_option)
@click.pass_context
def command(  # noqa: PLR0913 - one for each group of options
    context: click.Context,
    *,
    raw: RawOptions,
    scope: ScopeOptions,
    options: ApplyOptions,
    listener: TerminalListener,
    job_options: JobOptions,
) -> int:
    """Run as a scheduled job: validate, plan, apply within the limits, and report. Never asks.

    For the manifests in PATH: files or directories, else those that reconciler.yaml names. Made for cron,
    Kubernetes and the like: what a guard blocks, such as too many deletes, is not applied, and the exit code,
    the log, the metrics and the notification say so.

    \b
    Exit codes:
      0  everything is in sync
      1  something failed or was skipped
      2  with --dry-run: something is out of sync
      3  manifests or configuration are invalid; nothing was sent
      4  a guard blocked something, or another run holds the lock
     64  wrong usage
    130  interrupted before anything was written

    Metrics or a notification that cannot be delivered are a warning and do not change the exit code. With
    --interval the command runs until SIGTERM or SIGINT, and exits with 0, or with the exit code of the run
    that the signal stopped.

    Secrets come from variables: PEAK_AUTH_TOKEN (or API_KEY) and RECONCILER_NOTIFY_URL.
    """  # noqa: D301 - click's own mark
    log = context.obj
    listener.quiet = log.is_json
    with Signals().caught() as signals:
        return run_job(
            Job(
                raw=raw,
                scope=scope,
                apply_options=options,
                options=job_options,
                output=listener,
                place=starting_place(),
                log=log,
                signals=signals,
            )
        )

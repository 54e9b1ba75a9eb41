"""`peak-reconciler reconcile`: the scheduled job in one command."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Final

import click

from reconciler.cli.apply_options import scope_options, unattended_apply_options
from reconciler.cli.command_settings import unresolved_tenant_options
from reconciler.cli.help import Command, bundle, command_of, option, setting
from reconciler.cli.notify_options import notification_sender, notify_options, sender
from reconciler.cli.options import FILE, Number, backup_dir_option
from reconciler.cli.terminal import TerminalListener, print_error, redirect_messages, warn
from reconciler.errors import UsageError
from reconciler.job import (
    Job,
    JobOptions,
    JsonLog,
    OutcomeKind,
    Signals,
    TextLog,
    read_address,
    run_job,
    starting_place,
    wants_json,
)
from reconciler.operations import ApplyOptions, RawOptions, ScopeOptions
from reconciler.text import clip, printable

_job = partial(setting, section="Job")
_KINDS: Final = tuple(kind.value for kind in OutcomeKind if kind is not OutcomeKind.PLATFORM)


def _kinds(_context: click.Context, _parameter: click.Parameter, value: str) -> frozenset[OutcomeKind]:
    words = [word.strip() for word in value.split(",") if word.strip()]
    wrong = [word for word in words if word not in _KINDS]
    if wrong or not words:
        found = clip(printable(wrong[0] if wrong else value), 60)
        raise click.BadParameter(
            f"it must be a list of {', '.join(_KINDS)}, separated by commas, found '{found}'"
        )
    return frozenset(map(OutcomeKind, words))


_OPTIONS: Final = (
    option(
        "--dry-run",
        is_flag=True,
        help="Only plan, with GET only; exit with 2 when anything is out of sync.",
        section="Job",
    ),
    option(
        "--refresh",
        is_flag=True,
        help="With --dry-run: read every workflow again, not only those that may have changed since an "
        "earlier plan.",
        section="Job",
    ),
    _job(
        "--interval",
        metavar="SECONDS",
        type=Number(1, 604_800),
        help="Run in a loop, starting a run this often.",
    ),
    _job(
        "--jitter",
        metavar="SECONDS",
        type=Number(0, 86_400),
        default=0,
        help="With --interval: wait up to this much longer each time, at random.",
    ),
    _job(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        help="Write the log to standard error in this format; json is one event per line.",
    ),
    _job(
        "--lock-file",
        type=FILE,
        help="Run only one at a time of all jobs that name the same file.",
    ),
    _job(
        "--lease",
        metavar="SECONDS",
        type=Number(1, 86_400),
        default=int(JobOptions().lease),
        help="With --lock-file: release the lock of a killed run after this long; a live run renews it.",
    ),
    _job(
        "--listen",
        metavar="HOST:PORT",
        help="With --interval: serve /healthz, /readyz and /metrics; without HOST on loopback.",
    ),
    _job(
        "--metrics-file",
        type=FILE,
        help="Write Prometheus metrics, for node-exporter's textfile collector.",
    ),
    _job("--pushgateway", metavar="URL", help="Push the same metrics to a Pushgateway."),
    *notify_options("Job"),
    _job(
        "--notify-on",
        metavar="KINDS",
        default=",".join(_KINDS),
        callback=_kinds,
        help="Notify when a workflow was changed, a dry run found drift, or a run failed.",
    ),
)


def _job_options(values: dict[str, Any]) -> JobOptions:
    del values["log_format"]  # the log has read it already, before anything could go wrong
    listen = values.pop("listen")
    options = JobOptions(
        gateway=sender("--pushgateway", "the Pushgateway", values.pop("pushgateway"), public=True),
        notify=notification_sender(values.pop("notify_url")),
        listen=read_address(listen) if listen else None,
        **values,
    )
    if options.interval is None and (options.listen or options.jitter):
        raise UsageError(
            "--listen and --jitter need a job that runs in a loop", hint="Add --interval SECONDS."
        )
    return options


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
@bundle("job_options", _OPTIONS, _job_options)
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
      3  manifests or configuration are invalid; nothing was changed
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

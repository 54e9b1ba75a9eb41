"""`peak-reconciler reconcile`: the scheduled job in one command."""

from __future__ import annotations

import os
from typing import Final

import click

from reconciler.cli.apply_options import RawApplyOptions, unattended_apply_options
from reconciler.cli.job_options import JobOptions, job_options
from reconciler.cli.scope_options import RawScopeOptions, scope_options
from reconciler.cli.shared_options import unsettled_tenant_options
from reconciler.cli.terminal import say_through
from reconciler.exits import ExitCode
from reconciler.job.context import Job
from reconciler.job.log import JsonLog, Log, TextLog, wants_json
from reconciler.job.loop import keep_running
from reconciler.job.reporting import Reporter
from reconciler.job.run import run_once
from reconciler.job.signals import Signals
from reconciler.job.working_directory import starting_place
from reconciler.operations.settings import Typed

_OWN: Final = {*JobOptions.__dataclass_fields__, "log_format", "pushgateway", "notify_url"}
"""The options that only this command has."""


class _JobCommand(click.Command):
    """A command whose log has its form before anything can go wrong, and whose own options come first."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if wants_json(args, os.environ):
            ctx.obj = log = JsonLog(os.environ)
            say_through(log.say)
        else:
            ctx.obj = TextLog(os.environ)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own: list[tuple[str, str]] = []
        others: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                (own if parameter.name in _OWN else others).append(record)
        with formatter.section("Options of the job"):
            formatter.write_dl(own)
        with formatter.section("Options as of apply"):
            formatter.write_dl(others)


@click.command(name="reconcile", cls=_JobCommand)
@unsettled_tenant_options
@scope_options
@unattended_apply_options
@job_options
@click.pass_context
def command(
    context: click.Context,
    *,
    typed: Typed,
    asked: RawScopeOptions,
    manner: RawApplyOptions,
    options: JobOptions,
) -> int:
    """Do the scheduled job: validate, plan, apply within the limits, and tell of it; never asks.

    For PATH: files or directories, else what reconciler.yaml names. Made for cron, Kubernetes and the like:
    what a guard holds back, such as too many deletes, stays undone, and the exit code, the log, the metrics
    and the notification say so.

    \b
    Exit codes:
      0  everything is as Git wants it
      1  something failed, or was not tried any more
      2  with --dry-run: something differs
      3  manifests or configuration are invalid; nothing was sent
      4  a guard blocked something, or another run holds the lock
     64  wrong usage
    130  interrupted before anything was written

    That metrics or a notification could not be delivered is a warning and changes none of them. With
    --interval the command runs until it gets SIGTERM or SIGINT, and ends with 0, or with the exit code of the
    run that it stopped.

    Secrets come from variables: PEAK_AUTH_TOKEN (or API_KEY) and RECONCILER_NOTIFY_URL.
    """  # noqa: D301 - click's own mark
    log: Log = context.obj
    place = starting_place()
    for poster in (options.gateway, options.notify):
        if poster is not None:
            log.redactor = log.redactor.joined(poster.redactor())
    with Signals().caught() as signals:
        job = Job(
            typed=typed,
            asked=asked,
            manner=manner,
            options=options,
            place=place,
            log=log,
            signals=signals,
        )
        if options.interval is not None:
            return keep_running(job, options.interval)
        return _run_alone(job)


def _run_alone(job: Job) -> int:
    teller = Reporter(job)
    outcome = run_once(job)
    if outcome is None:
        return ExitCode.BLOCKED
    teller.tell(outcome)
    return outcome.exit_code

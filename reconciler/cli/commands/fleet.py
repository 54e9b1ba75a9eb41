"""`peak-reconciler fleet`: plan, apply or report many environments at a time, each in shards."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.apply_options import refresh_option, unrecorded_apply_options, unsharded_scope_options
from reconciler.cli.command_settings import fleet_options
from reconciler.cli.fleet_progress import fleet_progress
from reconciler.cli.help import Command, command_of, option
from reconciler.cli.options import Number, backup_dir_option, format_option, output_option
from reconciler.cli.shell_completion import complete_environments
from reconciler.cli.terminal import Outputs, read_outputs, warn
from reconciler.errors import ExitCode, UsageError
from reconciler.fleet import (
    COMMANDS,
    INDEX_VARIABLE,
    FleetWork,
    Unit,
    github_matrix,
    gitlab_pipeline,
    kubernetes_job,
    list_units,
    merge,
    run_unit,
)
from reconciler.json_documents import document_text
from reconciler.operations import ApplyOptions, RawOptions, ScopeOptions
from reconciler.render import fleet_text, unit_line
from reconciler.text import printable
from reconciler.values import JsonObject, dump_compact

if TYPE_CHECKING:
    from collections.abc import Callable

_FORMATS: Final = ("text", "json")
_MOST_SHARDS: Final = 1000
_OF_THE_FLEET: Final = frozenset(
    {
        "--executor",
        "--workers",
        "--retries",
        "--ci",
        "--image",
        "--secret",
        "--unit",
        "--output",
        "--format",
    }
)
"""The options that are not for the single unit that another job runs."""

_fleet = partial(option, section="Fleet")


class _FleetCommand(Command):
    """A command that keeps its words, to print the command lines of its units."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the words, and parse them."""
        ctx.meta[__name__] = list(args)
        return super().parse_args(ctx, args)


@command_of(
    "fleet",
    cls=_FleetCommand,
    examples=(
        ("fleet plan --environments 'prod-*'", "Plan all environments of that name, side by side"),
        ("fleet apply --environments 'prod-*' --shards 4 --auto-approve", "Apply, each in four parts"),
        ("fleet apply --executor dask://scheduler:8786 --auto-approve", "Apply on the workers of a cluster"),
        ("fleet plan --shards 4 --executor matrix", "Print a matrix for GitHub Actions"),
        (
            "fleet apply --executor kubernetes --image registry/peak --auto-approve | kubectl create -f -",
            "Run as an Indexed Job",
        ),
    ),
)
@click.argument("action", metavar="plan|apply|status", type=click.Choice(COMMANDS))
@_fleet(
    "--environments",
    "globs",
    shell_complete=complete_environments,
    metavar="GLOB",
    multiple=True,
    default=("*",),
    show_default="all",
    help="Environments of this name, else whose name matches; repeatable. apply needs the exact name of a "
    "protected one.",
)
@_fleet(
    "--shards",
    metavar="N",
    type=Number(1, _MOST_SHARDS, whole=True),
    default=1,
    help="Split the workflows of each environment into N parts, by a stable hash of the name.",
)
@_fleet(
    "--executor",
    metavar="WHERE",
    default="local",
    help="Run the units on workers of this machine (local) or of a Dask cluster (dask://HOST:PORT, or "
    "dask+tls://HOST:PORT); or print jobs that run one each: matrix for a CI system, kubernetes for an "
    "Indexed Job.",
)
@_fleet(
    "--workers",
    metavar="N",
    type=Number(1, 1000, whole=True),
    default=lambda: len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    show_default="one for each processor",
    help="Start N workers on this machine, each for four units at a time; or run N pods at a time.",
)
@_fleet(
    "--retries",
    metavar="N",
    type=Number(0, 10, whole=True),
    default=2,
    help="Run a unit again up to N times when it fails for a reason that may pass. A unit whose worker was "
    "lost is given to another one.",
)
@_fleet(
    "--unit",
    metavar="INDEX",
    type=Number(0, whole=True),
    envvar=INDEX_VARIABLE,
    show_envvar=True,
    help="Run only the unit of this number here, from 0, and print its result as a line of JSON.",
)
@_fleet(
    "--ci",
    type=click.Choice(["github", "gitlab"]),
    default="github",
    help="With --executor matrix: the CI system.",
)
@_fleet(
    "--image",
    metavar="IMAGE",
    default="peak-reconciler",
    help="With --executor kubernetes: an image with this program whose working directory is the repository.",
)
@_fleet(
    "--secret",
    metavar="NAME",
    default="peak-reconciler",
    help="With --executor kubernetes: the Secret whose keys are the variables that the environments name.",
)
@option(
    "--auto-approve",
    "approved",
    is_flag=True,
    section="Apply",
    help="Apply without asking. apply needs it: a fleet never asks.",
)
@unsharded_scope_options
@unrecorded_apply_options
@option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 when there are differences, with 0 when not.",
    section="Output",
)
@format_option()
@output_option()
@refresh_option
@fleet_options(backup_dir_option)
def command(  # noqa: PLR0913 - one for each option
    *,
    action: str,
    raw: RawOptions,
    globs: tuple[str, ...],
    shards: int,
    executor: str,
    workers: int,
    retries: int,
    unit: int | None,
    ci: str,
    image: str,
    secret: str,
    approved: bool,
    scope: ScopeOptions,
    options: ApplyOptions,
    detailed_exitcode: bool,
    output_format: str,
    outputs: tuple[str, ...],
    refresh: bool,
) -> int:
    """Plan, apply or report many environments at a time, for the manifests in PATH.

    Without PATH, for the manifests that reconciler.yaml names. A unit of work is an environment and a shard;
    running one again finishes what an earlier run did not. An error stays with its environment. Workers and
    jobs take tokens from their own variables; no token is sent to them.

    max_requests_per_second holds for all workers together; in jobs that cannot share it, each shard takes its
    part. The limits of pruning count the deletes of all shards of an environment.

    apply does not ask: run fleet plan first. Ctrl-C starts no further unit and no further write.

    Exits with the first of 1, 4, 3, 64, 2 and 0 that a unit has. report merge makes one report of the results
    of units that ran elsewhere.
    """
    if action == "apply" and not approved:
        raise UsageError(
            "fleet apply does not ask for approval",
            hint="Run fleet plan, review it, and pass --auto-approve.",
        )
    work = FleetWork(
        command=action,
        raw=raw,
        scope=scope,
        options=options,
        named=frozenset(globs),
        detailed_exitcode=detailed_exitcode,
        refresh=refresh,
    )
    deliveries = read_outputs(outputs, _FORMATS, output_format if unit is None else "json")
    units = list_units(work, globs, shards)
    if unit is not None:
        return _run_one(work, units, unit, deliveries)
    words = _words_of_a_unit(click.get_current_context().meta[__name__])
    if executor == "kubernetes":
        job = kubernetes_job(units, words, image=image, secret=secret, parallelism=workers, retries=retries)
        deliveries.deliver(lambda _: job.rstrip())
        return ExitCode.OK
    if executor == "matrix":
        matrix = (github_matrix if ci == "github" else gitlab_pipeline)(units, words)
        deliveries.deliver(lambda _: matrix.rstrip())
        return ExitCode.OK
    run = _run_on_dask()
    with fleet_progress(units, quiet=raw.overrides.get("quiet") is True) as on_result:
        results = run(
            executor, work, units, workers=workers, retries=retries, on_result=on_result, on_stop=warn
        )
    return deliver_report(merge(results), deliveries)


def deliver_report(report: JsonObject, deliveries: Outputs) -> int:
    """Deliver the merged report of a fleet, and return its exit code."""
    deliveries.deliver(lambda name: document_text(report) if name == "json" else fleet_text(report))
    return int(str(report["exit_code"]))


def _run_one(work: FleetWork, units: Sequence[Unit], index: int, deliveries: Outputs) -> int:
    """Run one unit in this process, and deliver its result."""
    if index >= len(units):
        raise UsageError(
            f"there is no unit {index}: environments and shards make {len(units)}, counted from 0",
            hint="List the units again with --executor matrix.",
        )
    unit = units[index]
    warn(f"unit {index} of {len(units)}: {printable(unit.label)}")
    document = run_unit(work.alone(unit), unit).document
    warn(unit_line(document))
    deliveries.deliver(lambda name: dump_compact(document) if name == "json" else unit_line(document))
    return int(str(document["exit_code"]))


def _words_of_a_unit(words: Sequence[str]) -> list[str]:
    """Return the words of the command line without the options that are for the whole fleet."""
    kept = ["fleet"]
    remaining = iter(words)
    for word in remaining:
        name, equals, _ = word.partition("=")
        if name not in _OF_THE_FLEET:
            kept.append(word)
        elif not equals:
            next(remaining, None)
    return kept


def _run_on_dask() -> Callable[..., list[JsonObject]]:
    """Return `run_on_dask`, imported on demand.

    Raises:
        UsageError: Dask is not installed.
    """
    try:
        from reconciler.fleet import run_on_dask  # noqa: PLC0415 - Dask may be missing
    except ModuleNotFoundError as error:
        raise UsageError(
            f"this executor needs {error.name}, which is not installed",
            hint="Install it with: pip install 'peak-reconciler[fleet]'. The others do without it.",
        ) from error
    return run_on_dask

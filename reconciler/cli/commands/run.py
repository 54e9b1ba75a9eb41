"""`peak-reconciler run`: start an execution of a workflow, exactly once, and optionally wait for its end."""

from __future__ import annotations

import math
from pathlib import Path

from reconciler.cli.command_settings import connection_options
from reconciler.cli.following_executions import ExecutionListener
from reconciler.cli.help import command_of, option
from reconciler.cli.options import FILE, Number, format_option, id_option, name_argument, utc_option
from reconciler.errors import ExitCode, UsageError
from reconciler.operations import ExecutionRequest, Settings, run_execution


@command_of(
    "run",
    examples=(
        ("run daily-report --wait", "Start an execution, and exit with 0 only if it succeeds"),
        ("run daily-report --follow", "Start an execution, and watch its steps"),
        ("run daily-report --step load --param DAY=2026-01-31", "Run one step with a parameter"),
    ),
)
@name_argument
@id_option
@option("--wait", is_flag=True, help="Wait for the end of the execution; exit with 0 only for Success.")
@option(
    "--follow",
    is_flag=True,
    help="Wait, and show the steps as they change; if one fails, the last lines of its log, too.",
)
@option(
    "--timeout",
    metavar="SECONDS",
    type=Number(0),
    help="With --wait or --follow: stop waiting after this long. The execution continues in any case.",
)
@option("--step", "steps", metavar="STEP", multiple=True, help="Run only this step; repeatable.")
@option(
    "--param", "params", metavar="KEY=VALUE", multiple=True, help="Set a parameter of every step; repeatable."
)
@option(
    "--step-param",
    "step_params",
    metavar="STEP:KEY=VALUE",
    multiple=True,
    help="Set a parameter of one step; repeatable.",
)
@option(
    "--params",
    "params_file",
    metavar="FILE",
    type=FILE,
    help="Read parameters from a YAML or JSON file: {global: {KEY: VALUE}, stepWise: {STEP: {KEY: VALUE}}}. "
    "Use it for secrets: other users of this machine may see the values of --param.",
)
@format_option()
@utc_option
@connection_options()
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    name: str | None,
    workflow_id: int | None,
    wait: bool,
    follow: bool,
    timeout: float | None,
    steps: tuple[str, ...],
    params: tuple[str, ...],
    step_params: tuple[str, ...],
    params_file: Path | None,
    output_format: str,
    utc: bool,
) -> int:
    """Start an execution of the workflow NAME, and print its id.

    Exactly once: when the answer is lost, the execution is looked up before it is started again. Exits with 1
    when there is no such workflow, when no execution was started, and, with --wait or --follow, when it does
    not end with Success. Ctrl-C ends the wait, not the execution.
    """
    if timeout is not None and not (wait or follow):
        raise UsageError("--timeout limits the wait", hint="Use it with --wait or --follow.")
    request = ExecutionRequest.of(params_file, params, step_params, steps)
    listener = ExecutionListener(
        as_json=output_format == "json",
        verbose=settings.verbose,
        follow=follow,
        utc=utc,
        environment=settings.environment.name if settings.environment else "",
    )
    limit = math.inf if timeout is None else timeout
    try:
        result = run_execution(
            settings, name, workflow_id, request, listener, wait=wait, follow=follow, timeout=limit
        )
    finally:
        listener.end()
        listener.show_json()
    listener.show_end(result)
    return ExitCode.FAILED if result.failed else ExitCode.OK

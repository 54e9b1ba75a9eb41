"""`peak-reconciler run`: start an execution of a workflow, exactly once, and optionally wait for its end."""

from __future__ import annotations

import math
from pathlib import Path

from reconciler.cli.command_settings import connection_options
from reconciler.cli.help import command_of, option
from reconciler.cli.options import FILE, Number, format_option, id_option, name_argument
from reconciler.cli.terminal import TerminalListener, show, warn
from reconciler.errors import ExitCode, UsageError
from reconciler.executions import ExecutionState, StartedExecution
from reconciler.operations import ExecutionRequest, Settings, run_execution
from reconciler.render import execution_json, execution_outcome, step_lines
from reconciler.secrecy import Redactor
from reconciler.text import printable
from reconciler.workflow import Live


@command_of(
    "run",
    examples=(
        ("run daily-report --wait", "Start an execution, and exit with 0 only if it succeeds"),
        ("run daily-report --step load --param DAY=2026-01-31", "Run one step with a parameter"),
    ),
)
@name_argument
@id_option
@option("--wait", is_flag=True, help="Wait for the end of the execution; exit with 0 only for Success.")
@option(
    "--timeout",
    metavar="SECONDS",
    type=Number(0),
    help="With --wait: stop waiting after this long. The execution continues in any case.",
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
@connection_options()
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    name: str | None,
    workflow_id: int | None,
    wait: bool,
    timeout: float | None,
    steps: tuple[str, ...],
    params: tuple[str, ...],
    step_params: tuple[str, ...],
    params_file: Path | None,
    output_format: str,
) -> int:
    """Start an execution of the workflow NAME, and print its id.

    Exactly once: when the answer is lost, the execution is looked up before it is started again. Exits with 1
    when there is no such workflow, when no execution was started, and, with --wait, when it does not end with
    Success.
    """
    if timeout is not None and not wait:
        raise UsageError("--timeout limits the wait", hint="Use it with --wait.")
    request = ExecutionRequest.of(params_file, params, step_params, steps)
    listener = _ExecutionListener(as_json=output_format == "json", verbose=settings.verbose)
    limit = math.inf if timeout is None else timeout
    try:
        result = run_execution(settings, name, workflow_id, request, listener, wait=wait, timeout=limit)
    finally:
        listener.show_json()
    if result.state is not None:
        warn(result.redactor.text(execution_outcome(result.workflow, result.started, result.state)))
    return ExitCode.FAILED if result.failed else ExitCode.OK


class _ExecutionListener(TerminalListener):
    """The terminal that shows an execution: its id at once, or JSON at the end."""

    _execution: tuple[Live, StartedExecution, Redactor] | None = None
    _state: ExecutionState | None = None

    def execution_started(self, workflow: Live, started: StartedExecution, redactor: Redactor) -> None:
        """Show the id of the execution."""
        self._execution = workflow, started, redactor
        for note in started.notes:
            warn(f"note: {note}")
        if not self.as_json:
            show(printable(redactor.text(started.id)))

    def execution_changed(
        self, before: ExecutionState | None, now: ExecutionState, redactor: Redactor
    ) -> None:
        """Print each step whose status changed."""
        self._state = now
        for line in step_lines(before, now):
            warn(redactor.text(line))

    def show_json(self) -> None:
        """Show the execution as JSON if asked to; also when waiting for it failed, since it was started."""
        if self.as_json and self._execution is not None:
            workflow, started, redactor = self._execution
            show(execution_json(workflow, started, self._state, redactor))

"""`peak-reconciler run`: start a run of a workflow, exactly once, and wait for its end if asked to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from reconciler.cli.parameters import run_body, secrets_of_run, steps_of
from reconciler.cli.shared_options import Number, connection_options, format_option, id_option, name_argument
from reconciler.cli.terminal import show, warn
from reconciler.client import RetryPolicy, Workflow
from reconciler.errors import ReconcilerError, UsageError
from reconciler.executions.following import SUCCESS, ExecutionState, StillRunningError, follow_execution
from reconciler.executions.starting import StartedExecution, execute_once
from reconciler.exits import ExitCode
from reconciler.operations.engine import open_session
from reconciler.operations.resolving import live_workflow, one_named, unknown
from reconciler.operations.settings import Settings
from reconciler.render import changed_lines, outcome_line, run_json
from reconciler.text import clip, printable
from reconciler.values import JsonObject
from reconciler.workflow import Live

_REASSURANCE: Final = "Nothing was started."


@click.command(name="run")
@name_argument
@id_option
@connection_options
@click.option(
    "--params",
    "params_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Parameters from a YAML or JSON file: {global: {KEY: VALUE}, stepWise: {STEP: {KEY: VALUE}}}. For "
    "secret values: whoever may list this machine's processes sees what --param says.",
)
@click.option("--param", "params", metavar="KEY=VALUE", multiple=True, help="A parameter of every step.")
@click.option(
    "--step-param", "step_params", metavar="STEP:KEY=VALUE", multiple=True, help="A parameter of one step."
)
@click.option("--step", "steps", metavar="STEP", multiple=True, help="Only this step; may be repeated.")
@click.option("--wait", is_flag=True, help="Wait for the end of the run: exits with 0 only for Success.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=Number(0),
    help="With --wait: how long at most; else as long as it takes. The run goes on in any case.",
)
@format_option
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    name: str | None,
    workflow_id: int | None,
    params_file: Path | None,
    params: tuple[str, ...],
    step_params: tuple[str, ...],
    steps: tuple[str, ...],
    wait: bool,
    timeout: float | None,
    output_format: str,
) -> int:
    """Start a run of the workflow NAME, and print the run's execution id.

    Exactly once: when the answer is lost, the run is looked for before a start is sent again. Exits with 1
    when the workflow or the run is not there, and, with --wait, when the run does not end with Success.
    """
    settings.refuse_unnamed_environment()
    one_named(name, workflow_id)
    if timeout is not None and not wait:
        raise UsageError("--timeout says how long is waited", hint="Use it with --wait.")
    body = run_body(params_file, params, step_params, steps)
    with open_session(settings, secrets=secrets_of_run(body)) as session:
        api = Workflow(session)
        workflow = live_workflow(api, name, workflow_id, _REASSURANCE)
        _see_steps(workflow, steps_of(body))
        timing = RetryPolicy(wait_running=math.inf if timeout is None else timeout)
        started = _started(api, workflow, body, timing)
        return _told(api, workflow, started, timing if wait else None, as_json=output_format == "json")


def _see_steps(workflow: Live, names: list[str]) -> None:
    known = set(workflow.body.steps)
    for name in names:
        if name not in known:
            told = f"the workflow {clip(printable(workflow.name), 100)!r} has no step"
            raise unknown(f"{told} {clip(printable(name), 60)!r}", name, known, _REASSURANCE)


def _started(api: Workflow, workflow: Live, body: JsonObject, timing: RetryPolicy) -> StartedExecution:
    try:
        return execute_once(api, workflow.id, body, timing)
    except KeyboardInterrupt:
        warn("interrupted while the run was started: look at the workflow's runs before you start it again")
        raise


def _told(
    api: Workflow, workflow: Live, started: StartedExecution, timing: RetryPolicy | None, *, as_json: bool
) -> ExitCode:
    """Say which run it is and, given the time to wait, how it goes until it ends."""
    redactor = api.session.redactor()
    for note in started.notes:
        warn(f"note: {note}")
    if not as_json:
        show(printable(redactor.text(started.id)))
    state: ExecutionState | None = None
    try:
        if timing is not None:
            with _going_on(started):
                for now in follow_execution(api, workflow.id, started.id, timing):
                    for line in changed_lines(state, now):
                        warn(redactor.text(line))
                    state = now
    finally:
        # Also when waiting was given up: the run is there.
        if as_json:
            show(run_json(workflow, started, state, redactor))
    if state is None:
        return ExitCode.OK
    warn(redactor.text(outcome_line(workflow, started, state)))
    return ExitCode.OK if state.status == SUCCESS else ExitCode.FAILED


@contextmanager
def _going_on(started: StartedExecution) -> Iterator[None]:
    """Say that the run goes on, whatever ends waiting for it."""
    run = clip(printable(started.id), 100)
    try:
        yield
    except KeyboardInterrupt:
        warn(f"the run {run} goes on")
        raise
    except StillRunningError as error:
        error.hint = f"The run {run} goes on: do not start another one; --timeout SECONDS waits longer."
        raise
    except ReconcilerError as error:
        error.hint = f"{error.hint} How the run {run} ends is not known.".strip()
        raise

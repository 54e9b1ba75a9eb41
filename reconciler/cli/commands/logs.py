"""`peak-reconciler logs`: what the steps of a run logged, or are logging."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import click

from reconciler.cli.shared_options import connection_options, id_option
from reconciler.cli.terminal import show, warn
from reconciler.client import InvalidPathException, NotFoundException, RetryPolicy, Workflow
from reconciler.errors import ReconcilerError, UsageError
from reconciler.executions.following import ExecutionState, execution_state, follow_execution
from reconciler.executions.starting import StartedExecution
from reconciler.executions.step_logs import StepLog
from reconciler.exits import ExitCode
from reconciler.operations.engine import open_session
from reconciler.operations.resolving import live_workflow, one_named, unknown
from reconciler.operations.settings import Settings
from reconciler.render import outcome_line, some_names
from reconciler.text import clip, printable
from reconciler.workflow import Live

_NOT_BEGUN: Final = "Pending"
_GOING_ON: Final = frozenset({_NOT_BEGUN, "Running", "Stopping", ""})


@click.command(name="logs")
@click.argument("words", metavar="[NAME] [EXECUTION]", nargs=-1)
@id_option
@connection_options
@click.option("--step", metavar="STEP", help="Only this step.")
@click.option("--follow", is_flag=True, help="Go on until the run has ended.")
@click.option(
    "--save",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Save the whole log of one step into FILE, in place of showing it.",
)
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    words: tuple[str, ...],
    workflow_id: int | None,
    step: str | None,
    follow: bool,
    save: str | None,
) -> int:
    """Show what the steps of a run of the workflow NAME logged: of EXECUTION, else of its latest run.

    Each line says which step it is of. Only reads: no request but GET is sent. How the run went does not
    show in the exit code.
    """
    name, execution = _named(words, by_id=workflow_id is not None)
    one_named(name, workflow_id)
    if save and follow:
        raise UsageError("--save and --follow do not go together")
    with open_session(settings) as session:
        api = Workflow(session.as_read_only())
        workflow = live_workflow(api, name, workflow_id)
        run = execution or _latest(api, workflow)
        state = execution_state(api.get_execution_details(workflow.id, run))
        steps = _steps(state, step)
        if save:
            _save(api, workflow, run, steps, save)
        else:
            _Teller(api, workflow, run, steps).tell(state, follow=follow)
    return ExitCode.OK


def _named(words: tuple[str, ...], *, by_id: bool) -> tuple[str | None, str | None]:
    """Return the workflow's name and the run's id, of which the words say one, both or none."""
    most = 1 if by_id else 2
    if len(words) > most:
        raise UsageError("name one workflow and one run: [NAME] [EXECUTION], or --id N [EXECUTION]")
    padded = [*([None] if by_id else []), *words, None, None]
    return padded[0], padded[1]


def _latest(api: Workflow, workflow: Live) -> str:
    latest = next(api.list_executions(workflow.id, page_size=1, count=1), {})
    identity = latest.get("executionId")
    if not isinstance(identity, str) or not identity:
        raise ReconcilerError(f"the workflow {clip(printable(workflow.name), 100)!r} has not run yet")
    return identity


def _steps(state: ExecutionState, step: str | None) -> list[str]:
    names = [found.name for found in state.steps]
    if step is None:
        return names
    if step not in names:
        raise unknown(f"the run has no step {clip(printable(step), 60)!r}", step, names)
    return [step]


def _save(api: Workflow, workflow: Live, run: str, steps: list[str], file: str) -> None:
    if len(steps) != 1:
        raise UsageError(
            f"the run has {len(steps)} steps ({some_names(steps)}), and a file takes the log of one",
            hint="Say which with --step.",
        )
    try:
        api.get_execution_logs(workflow.id, run, steps[0], save=True, file_name=file)
    except InvalidPathException as error:  # to the client a bad request, here a file as any other
        raise ReconcilerError(error.message) from error
    show(printable(file))


class _Teller:
    """Shows the logs of a run as they come."""

    def __init__(self, api: Workflow, workflow: Live, run: str, steps: Iterable[str]) -> None:
        self._api = api
        self._workflow = workflow
        self._run = run
        self._redactor = api.session.redactor()
        self._logs = {step: StepLog(api, workflow.id, run, step) for step in steps}

    def tell(self, state: ExecutionState, *, follow: bool) -> None:
        """Show what there is and, if asked to, what comes until the run has ended."""
        if not follow:
            self._more(state)
            return
        for now in follow_execution(
            self._api, self._workflow.id, self._run, RetryPolicy(wait_running=math.inf)
        ):
            self._more(now)
            state = now
        ended = outcome_line(self._workflow, StartedExecution(id=self._run, confirmed=True), state)
        warn(self._redactor.text(ended))

    def _more(self, state: ExecutionState) -> None:
        """Show what is new; a step that had ended before its log was read is not asked for again."""
        for step in state.steps:
            log = self._logs.get(step.name)
            if log is None or step.status == _NOT_BEGUN:
                continue
            with suppress(NotFoundException):  # a step that was skipped has no log
                for message in log.more():
                    self._show(step.name, message)
            if step.status not in _GOING_ON:
                del self._logs[step.name]

    def _show(self, step: str, message: str) -> None:
        # The step before each line keeps a pipeline from taking it for a command of its own.
        for line in self._redactor.text(message).splitlines() or [""]:
            show(printable(f"{clip(step, 60)} | {line}"))

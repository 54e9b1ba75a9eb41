"""`peak-reconciler logs`: the logs of an execution's steps."""

from __future__ import annotations

import click

from reconciler.cli.command_settings import connection_options
from reconciler.cli.help import command_of, option
from reconciler.cli.options import execution_argument, id_option, named_execution
from reconciler.cli.terminal import TerminalListener, show, warn
from reconciler.errors import ExitCode, UsageError
from reconciler.operations import Settings, save_log, show_logs
from reconciler.render import execution_outcome, log_lines
from reconciler.secrecy import Redactor
from reconciler.text import printable


@command_of(
    "logs",
    examples=(
        ("logs daily-report --follow", "Follow the latest execution until it has ended"),
        ("logs daily-report --step load --save load.log", "Save the log of one step"),
    ),
)
@execution_argument
@id_option
@option("--step", metavar="STEP", help="Show only this step.", section="Selection")
@option("--follow", is_flag=True, help="Continue until the execution has ended.")
@option(
    "--save",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Save the whole log of one step into FILE instead of showing it.",
    section="Output",
)
@connection_options()
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    words: tuple[str, ...],
    workflow_id: int | None,
    step: str | None,
    follow: bool,
    save: str | None,
) -> int:
    """Show the logs of an execution of the workflow NAME: of EXECUTION, else of the latest one.

    Each line begins with the name of its step. Only reads: no request but GET is sent. The result of the
    execution does not affect the exit code.
    """
    name, execution = named_execution(words, by_id=workflow_id is not None)
    if save and follow:
        raise UsageError("--save and --follow cannot be combined")
    listener = _LogListener(verbose=settings.verbose)
    if save:
        save_log(settings, save, name, workflow_id, execution, listener, step=step)
        show(printable(save))
        return ExitCode.OK
    found = show_logs(settings, name, workflow_id, execution, listener, step=step, follow=follow)
    if found.state is not None:
        warn(found.redactor.text(execution_outcome(found.workflow, found.started, found.state)))
    return ExitCode.OK


class _LogListener(TerminalListener):
    """The terminal that shows logs."""

    def logged(self, step: str, message: str, redactor: Redactor) -> None:
        """Show a message."""
        for line in log_lines(step, message, redactor):
            show(line)

"""Options of the commands that plan and apply: the workflows, the limits, how to apply, and the output."""

# ruff: noqa: ANN401 - as click's decorators and callbacks

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.cli.apply_result import RESULT_FORMATS
from reconciler.cli.help import bundle, option
from reconciler.cli.options import FILE, Number, format_option, output_option
from reconciler.cli.shell_completion import complete_names
from reconciler.cli.terminal import TerminalListener, read_outputs
from reconciler.client import RetryPolicy
from reconciler.operations import ScopeOptions
from reconciler.plan import Selection, Shard
from reconciler.render import LEAST, LIMIT

if TYPE_CHECKING:
    from reconciler.operations import ApplyOptions

_selection = partial(option, section="Selection")
_safety = partial(option, section="Safety")
_applying = partial(option, section="Apply")

target_option = _selection(
    "--target",
    "targets",
    metavar="GLOB",
    multiple=True,
    help="Include only workflows of this name, else whose name matches; repeatable.",
    shell_complete=complete_names,
)

exclude_option = _selection(
    "--exclude",
    metavar="GLOB",
    multiple=True,
    help="Leave out workflows of this name, else whose name matches; repeatable.",
    shell_complete=complete_names,
)

_NAMES: Final = (target_option, exclude_option)
_SELECTION: Final = (
    *_NAMES,
    _selection(
        "--shard",
        metavar="I/N",
        help="Include only the I-th of N parts, by a stable hash of the name.",
    ),
)
_PRUNING: Final = (
    _safety(
        "--prune",
        is_flag=True,
        help="Delete owned workflows that have no manifest any more: last, and within the limits.",
    ),
    _safety(
        "--allow-deletes",
        metavar="N",
        type=Number(0, whole=True),
        help="Allow up to N deletes, overriding the limits.",
    ),
    _safety(
        "--allow-protected",
        metavar="NAME",
        multiple=True,
        help="Allow the workflow NAME to lose its protection (prevent_delete) or be pruned; repeatable.",
        shell_complete=complete_names,
    ),
)
_SCOPE: Final = (*_SELECTION, *_PRUNING)

show_bodies_option = option(
    "--show-bodies", is_flag=True, help="Show the exact body of each write, secrets masked.", section="Output"
)

max_markdown_option = option(
    "--max-markdown-bytes",
    metavar="N",
    type=Number(LEAST, whole=True),
    default=LIMIT,
    help="Cut Markdown to N bytes; counts and deletes are cut last.",
    section="Output",
)

no_group_option = option(
    "--no-group",
    is_flag=True,
    help="Show each workflow by itself, also where several share the same changes.",
    section="Output",
)

refresh_option = option(
    "--refresh",
    is_flag=True,
    help="Read every workflow again, not only those that may have changed since an earlier plan.",
    section="Connection",
)

base_option = option(
    "--base",
    metavar="REV",
    help="Mark each difference as made in Git, drift or a conflict, by the manifests at the merge base of "
    "git revision REV and HEAD. auto takes the commit before the event of a CI run; a run record names one. "
    "Without it, only what the last apply proves is marked.",
    section="Comparison",
)

_APPROVE: Final = _applying("--auto-approve", "approved", is_flag=True, help="Apply without asking, for CI.")
_WRITING: Final = (
    _applying("--fail-fast", is_flag=True, help="Stop after the first failure."),
    _applying(
        "--wait-running",
        metavar="SECONDS",
        type=Number(0),
        default=int(RetryPolicy().wait_running),
        help="Wait this long for an execution to end, before a delete or with whenRunning: wait.",
    ),
    _applying("--no-backup", is_flag=True, help="Do not back up what is changed or deleted."),
)
_APPLY: Final = (
    *_WRITING,
    option(
        "--run-record",
        type=FILE,
        help="Write a record of the run as JSON: who, from which commit, the plan, the results and every "
        "request, without secrets. With several environments, run.json becomes run.NAME.json for each.",
        section="Output",
        aliases=("--report",),
    ),
)
_PLAN_OUTPUT: Final = (show_bodies_option, no_group_option)
_OUTPUT: Final = (
    format_option(),
    output_option(
        "Also write the result into FILE, in FORMAT (text, json, markdown or html) or that of --format; "
        "repeatable. What is printed stays the same."
    ),
    *_PLAN_OUTPUT,
)


def scope_options(function: Any) -> Any:
    """Give a command the part of the workflows it is about, as `scope`."""
    return bundle("scope", _SCOPE, lambda values: ScopeOptions(**values))(function)


def unsharded_scope_options(function: Any) -> Any:
    """Give a command that makes shards itself the same, without one."""
    return bundle("scope", (*_NAMES, *_PRUNING), lambda values: ScopeOptions(**values))(function)


def unrecorded_apply_options(function: Any) -> Any:
    """Give a command that never asks and keeps no record of a run how it writes, as `options`."""
    return bundle("options", _WRITING, _apply_options)(function)


def selection_options(function: Any) -> Any:
    """Give a command the workflows that it is about, by name, as `selection`."""

    def make(values: dict[str, Any]) -> Selection:
        shard = values.pop("shard")
        return Selection(shard=None if shard is None else Shard.of_text(shard), **values)

    return bundle("selection", _SELECTION, make)(function)


def apply_options(function: Any) -> Any:
    """Give a command that writes how it does so, as `options`, and its terminal, as `listener`."""
    return bundle("listener", (_APPROVE, *_OUTPUT), _listener)(_how(function))


def text_apply_options(function: Any) -> Any:
    """Give a command that writes, and whose result is only text, the same."""
    return bundle("listener", (_APPROVE, *_PLAN_OUTPUT), _listener)(_how(function))


def unattended_apply_options(function: Any) -> Any:
    """Give a command that never asks the same."""
    return bundle("listener", _OUTPUT, _listener)(_how(function))


def _how(function: Any) -> Any:
    return bundle("options", _APPLY, _apply_options)(function)


def _apply_options(values: dict[str, Any]) -> ApplyOptions:
    from reconciler.operations import ApplyOptions  # noqa: PLC0415 - `plan` loads nothing that writes

    return ApplyOptions(backups=not values.pop("no_backup"), **values)


def _listener(values: dict[str, Any]) -> TerminalListener:
    printed = values.get("output_format", "text")
    outputs = read_outputs(values.get("outputs", ()), RESULT_FORMATS, printed)
    outputs.check()
    return TerminalListener(
        as_json=printed == "json",
        outputs=outputs,
        bodies=values["show_bodies"],
        grouped=not values["no_group"],
        approved=values.get("approved", True),
        verbose=click.get_current_context().params["verbose"],
    )

"""`peak-reconciler rehearse`: what applying a plan file will do, on an emulated copy of the tenant."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from reconciler.cli.apply_options import max_markdown_option
from reconciler.cli.command_settings import connection_options
from reconciler.cli.help import command_of, option
from reconciler.cli.options import (
    COMPARISON_OPTIONS,
    FILE,
    MANIFEST_OPTIONS,
    Number,
    format_option,
    output_option,
)
from reconciler.cli.terminal import TerminalListener, read_outputs
from reconciler.operations import RehearseOptions, Settings, rehearse
from reconciler.render import (
    html_report,
    markdown_report,
    rehearsal_json,
    rehearsal_page,
    rehearsal_text,
)
from reconciler.text import TextOrPieces

_FORMATS: Final = ("text", "json", "markdown", "html")
_MOST_RUNS: Final = 10_000
_DEFAULTS: Final = RehearseOptions()


@command_of(
    "rehearse",
    examples=(
        ("rehearse plan.json", "Predict what apply --plan plan.json will do"),
        ("rehearse plan.json --runs 200 --seed 7", "With more faults, and others"),
        ("rehearse plan.json --format markdown", "In CI: for a comment on the pull request"),
    ),
)
@click.argument("file", metavar="PLAN_FILE", type=FILE)
@option(
    "--runs",
    metavar="N",
    type=Number(0, _MOST_RUNS, whole=True),
    default=_DEFAULTS.runs,
    help="Rehearse N times with faults; 0 predicts without.",
)
@option(
    "--seed",
    metavar="N",
    type=int,
    default=_DEFAULTS.seed,
    help="Seed of the faults: the same one gives the same faults.",
)
@option(
    "--profile",
    type=FILE,
    help="Behave as the tenant of this profile, which probe writes.",
    show_default="that of the environment",
)
@option(
    "--strict",
    is_flag=True,
    help="Stop if any change of the plan file no longer applies, as apply --strict does.",
)
@option(
    "--timeout",
    metavar="SECONDS",
    type=Number(1, 86_400),
    default=_DEFAULTS.timeout,
    help="Begin no further rehearsal after SECONDS, and end the one that is going on.",
)
@format_option(*_FORMATS, help="Print it in this format: markdown for a comment, html for a page to keep.")
@output_option()
@max_markdown_option
@connection_options(*MANIFEST_OPTIONS, *COMPARISON_OPTIONS, concurrent=True)
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    file: Path,
    runs: float,
    seed: int,
    profile: Path | None,
    strict: bool,
    timeout: float,
    output_format: str,
    outputs: tuple[str, ...],
    max_markdown_bytes: int,
) -> int:
    """Predict what apply --plan PLAN_FILE will do, and what happens when something goes wrong meanwhile.

    Reads the tenant as apply does, and copies its workflows to an emulator that behaves as the profile of the
    tenant says. Secrets get dummy values, and the tenant is sent no request but GET. There, the plan is
    applied once without faults, and N times with lost answers, refused requests (429), a list that lags, a
    kill at a write, or a second run at the same time. Each time, apply runs again until nothing is left.

    Shows the number of requests, the time, what is left undone, which webhook URLs stay, and how the
    rehearsals end. Waits take no time: 20 rehearsals of 10 changes take about 10 seconds.

    PATH is as for apply. Exits with 2 when a rehearsal leaves a change undone or a workflow twice, and with 4
    when the plan file is stale. After Ctrl-C, it shows what it has found so far.
    """
    targets = read_outputs(outputs, _FORMATS, output_format)
    targets.check()
    listener = TerminalListener(verbose=settings.verbose, quiet=settings.quiet)
    options = RehearseOptions(runs=int(runs), seed=seed, profile=profile, strict=strict, timeout=timeout)
    rehearsed = rehearse(settings, file, options, listener)

    def rendered(name: str) -> TextOrPieces:
        match name:
            case "json":
                return rehearsal_json(rehearsed)
            case "markdown":
                return markdown_report(rehearsal_page(rehearsed), max_markdown_bytes)
            case "html":
                return html_report(rehearsal_page(rehearsed))
            case _:
                return rehearsal_text(rehearsed)

    targets.deliver(rendered, lambda width: rehearsal_text(rehearsed, width))
    return rehearsed.exit_code

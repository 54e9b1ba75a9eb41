"""`peak-reconciler validate`: offline and without credentials, unless `--online` asks for more."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Final

import click

from reconciler.cli.outputs import output_option, read_outputs
from reconciler.cli.shared_options import checking_options
from reconciler.cli.terminal import rendered, show
from reconciler.exits import ExitCode
from reconciler.findings import Severity
from reconciler.operations.settings import Settings, Typed, settle
from reconciler.rules import ALL_RULES, ExtraCheck, check_paths

_FORMATS: Final = {
    "text": "findings_text",
    "json": "findings_json",
    "github": "findings_github",
    "gitlab": "findings_gitlab",
    "sarif": "findings_sarif",
    "junit": "findings_junit",
}


@click.command(name="validate")
@checking_options
@click.option(
    "--format",
    "output_format",
    type=click.Choice(list(_FORMATS)),
    default="text",
    show_default=True,
    help="How the findings are written.",
)
@output_option
@click.option(
    "--changed-since",
    metavar="REF",
    help="Report only what files that differ from the git revision REF bring about.",
)
@click.option(
    "--online",
    is_flag=True,
    help="Also ask the tenant, with GET only: do images, their versions and instance types exist, can the "
    "versions run, is no name live twice? Secrets are not looked up: the API does not list them.",
)
@click.option("--list-rules", is_flag=True, help="List the rules with their reasons, and do nothing else.")
def command(  # noqa: PLR0913 - one for each option
    *,
    typed: Typed,
    output_format: str,
    outputs: tuple[str, ...],
    changed_since: str | None,
    online: bool,
    list_rules: bool,
) -> int:
    """Check the manifests in PATH: files, directories, or - for standard input.

    Without PATH, those that reconciler.yaml names.

    Needs no network and no credentials. A variable that !env names and that is not set is only a warning
    here; plan and apply need it. A comment on a line, # reconciler: ignore[rule-id], switches a rule off
    for it. Exits with 3 when there is an error, with --strict also when there is a warning.

    With --online the tenant is asked, too: server and credential are found as for plan.
    Exits with 1 when the tenant does not answer what it is asked.
    """
    if list_rules:
        show(rendered("rules_json" if output_format == "json" else "rules_text", ALL_RULES))
        return ExitCode.OK
    settings = settle(typed)
    targets = read_outputs(outputs, _FORMATS, output_format)
    only = None if changed_since is None else _changed(changed_since)
    extra_check = _online_check(settings) if online else None
    result = check_paths(
        settings.paths, os.environ, settings.off, only, settings.excludes, extra_check=extra_check
    )
    targets.deliver(lambda name: rendered(_FORMATS[name], result))
    failed = result.count(Severity.ERROR) or (settings.strict and result.count(Severity.WARNING))
    return ExitCode.INVALID if failed else ExitCode.OK


def _online_check(settings: Settings) -> ExtraCheck:
    from reconciler.operations.online_check import check_contents  # noqa: PLC0415 - a check without it loads no client

    return partial(check_contents, settings=settings, env=os.environ)


def _changed(revision: str) -> frozenset[Path]:
    from reconciler.operations.changed_files import changed_files  # noqa: PLC0415 - most checks ask git nothing

    return changed_files(revision)

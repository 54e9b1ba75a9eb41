"""`peak-reconciler validate`: check manifests, offline and without credentials unless `--online` is set."""

from __future__ import annotations

from typing import Final

from reconciler import render
from reconciler.cli.help import command_of, option
from reconciler.cli.options import checking_options, format_option, output_option
from reconciler.cli.terminal import TerminalListener, read_outputs, show
from reconciler.errors import ExitCode
from reconciler.findings import Severity
from reconciler.operations import Settings, validate

_FORMATS: Final = {
    "text": "findings_text",
    "json": "findings_json",
    "github": "findings_github",
    "gitlab": "findings_gitlab",
    "sarif": "findings_sarif",
    "junit": "findings_junit",
}


@command_of(
    "validate",
    examples=(
        ("validate workflows/", "Check a directory"),
        ("validate --changed-since origin/main --format github", "In a pull request: annotate changed files"),
        ("validate --online", "Check references to the tenant, too"),
    ),
)
@option(
    "--changed-since",
    metavar="REF",
    help="Report only findings of files that differ from the git revision REF.",
    section="Selection",
)
@option(
    "--online",
    is_flag=True,
    help="Check references to the tenant, too, with GET only: images, versions, instance types, duplicate "
    "names. Secrets are not checked: the API does not list them.",
)
@format_option(*_FORMATS, help="Print the findings in this format.")
@output_option
@option("--list-rules", is_flag=True, help="Only list the rules and their reasons.", section="Output")
@checking_options
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings | None,
    changed_since: str | None,
    online: bool,
    output_format: str,
    outputs: tuple[str, ...],
    list_rules: bool,  # noqa: ARG001 - then there are no settings
) -> int:
    """Check the manifests in PATH: files, directories, or - for standard input.

    Without PATH, the manifests that reconciler.yaml names. Needs no network and no credentials. An unset
    variable in !env is only a warning here; plan and apply need it. The comment # reconciler: ignore[rule-id]
    switches a rule off for its line.

    Exits with 3 when there is an error, with --strict also when there is a warning. With --online, server and
    credential are found as for plan; exits with 1 when the tenant cannot be read.
    """
    if settings is None:
        from reconciler.rules import ALL_RULES  # noqa: PLC0415 - only for this list

        show((render.rules_json if output_format == "json" else render.rules_text)(ALL_RULES))
        return ExitCode.OK
    targets = read_outputs(outputs, _FORMATS, output_format)
    listener = TerminalListener(verbose=settings.verbose)
    result = validate(settings, listener, changed_since=changed_since, online=online)
    targets.deliver(lambda name: str(getattr(render, _FORMATS[name])(result)))
    failed = result.count(Severity.ERROR) or (settings.strict and result.count(Severity.WARNING))
    return ExitCode.INVALID if failed else ExitCode.OK

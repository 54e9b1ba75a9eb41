"""`peak-reconciler validate`: check manifests, offline and without credentials unless `--online` is set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from reconciler import render
from reconciler.cli.command_settings import Environments, checking_options
from reconciler.cli.help import command_of, option
from reconciler.cli.options import format_option, output_option
from reconciler.cli.terminal import TerminalListener, read_outputs, show
from reconciler.environments import EnvironmentResult, worst_exit_code
from reconciler.errors import ExitCode
from reconciler.findings import CheckResult, Severity, joined
from reconciler.operations import validate
from reconciler.text import TextOrPieces

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
@output_option()
@option("--list-rules", is_flag=True, help="Only list the rules and their reasons.", section="Output")
@checking_options
def command(  # noqa: PLR0913 - one for each option
    *,
    environments: Environments | None,
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
    if environments is None:
        from reconciler.rules import ALL_RULES  # noqa: PLC0415 - only for this list

        show((render.rules_json if output_format == "json" else render.rules_text)(ALL_RULES))
        return ExitCode.OK
    targets = read_outputs(outputs, _FORMATS, output_format)
    listener = TerminalListener(verbose=environments.verbose)
    results = environments.run(
        lambda settings: _Checked(
            validate(settings, listener, changed_since=changed_since, online=online), settings.strict
        )
    )
    targets.deliver(
        lambda name: _rendered(results, name, several=environments.several),
        lambda width: _text(results, several=environments.several, width=width),
    )
    return worst_exit_code(results)


class _Checked(NamedTuple):
    """The findings in one environment, and whether a warning fails its check."""

    found: CheckResult
    strict: bool

    @property
    def exit_code(self) -> ExitCode:
        """`INVALID` when the check fails."""
        failed = self.found.count(Severity.ERROR) or (self.strict and self.found.count(Severity.WARNING))
        return ExitCode.INVALID if failed else ExitCode.OK


def _rendered(results: Sequence[EnvironmentResult[_Checked]], name: str, *, several: bool) -> TextOrPieces:
    if several and name == "json":
        return render.environments_json(results, "check", lambda one: render.findings_document(one.found))
    if name == "text":
        return _text(results, several=several)
    return str(getattr(render, _FORMATS[name])(_joined(results)))


def _text(results: Sequence[EnvironmentResult[_Checked]], *, several: bool, width: int | None = None) -> str:
    """Return the findings as text; takes the columns of the terminal."""
    if not several:
        return render.findings_text(_joined(results), width)
    return render.environments_text(results, lambda one: render.findings_text(one.found, width), _total)


def _joined(results: Sequence[EnvironmentResult[_Checked]]) -> CheckResult:
    return joined([result.value.found for result in results if result.value is not None])


def _total(all_checked: Sequence[_Checked]) -> str:
    return render.findings_total(one.found for one in all_checked)

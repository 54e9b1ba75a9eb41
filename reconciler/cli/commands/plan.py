"""`peak-reconciler plan`: show what apply would change, and change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from reconciler import render
from reconciler.cli.apply_options import (
    base_option,
    max_markdown_option,
    no_group_option,
    refresh_option,
    scope_options,
    show_bodies_option,
)
from reconciler.cli.command_settings import Environments, tenant_options
from reconciler.cli.follow_up import follow_up
from reconciler.cli.help import command_of, option
from reconciler.cli.options import (
    FILE,
    format_option,
    output_option,
    show_unmanaged_option,
    words_option,
)
from reconciler.cli.terminal import TerminalListener, read_outputs, warn
from reconciler.environments import EnvironmentResult, worst_exit_code
from reconciler.errors import ExitCode, UsageError
from reconciler.files import write_text
from reconciler.operations import Planned, ScopeOptions, plan
from reconciler.plan import KINDS, count_unattributed, kinds_of
from reconciler.text import TextOrPieces, counted, printable

_FORMATS: Final = ("text", "json", "markdown", "html", "gitlab")
_ATTRIBUTED: Final = frozenset({"git", "drift"})
"""The origins that the last apply proves without a base."""


@command_of(
    "plan",
    examples=(
        ("plan workflows/", "Show what apply would change"),
        ("plan --save-plan plan.json", "Save the plan for apply --plan plan.json"),
        (
            "plan --output markdown=plan.md --detailed-exitcode",
            "In CI: write a comment, exit with 2 on changes",
        ),
        ("plan --environment dev --environment prod", "Plan for two environments, in one report"),
    ),
)
@scope_options
@format_option(
    *_FORMATS,
    help="Print the plan in this format: markdown for a comment, html for a page to keep, gitlab for its "
    "terraform report.",
)
@output_option()
@option(
    "--save-plan",
    metavar="FILE",
    type=FILE,
    help="Save the plan, without any secret, for apply --plan FILE. With several environments, each has a "
    "file of its own: plan.json becomes plan.NAME.json.",
    section="Output",
    aliases=("--out",),
)
@option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 when the plan has changes, with 0 when not.",
    section="Output",
)
@words_option(
    "--fail-on",
    "kind",
    KINDS,
    metavar="KINDS",
    help=f"Exit with 2 when the plan holds one of these kinds, separated by commas: {', '.join(KINDS)}.",
    section="Output",
)
@base_option
@show_bodies_option
@no_group_option
@show_unmanaged_option
@max_markdown_option
@tenant_options()
@refresh_option
def command(  # noqa: PLR0913 - one for each option
    *,
    environments: Environments,
    scope: ScopeOptions,
    output_format: str,
    outputs: tuple[str, ...],
    save_plan: Path | None,
    detailed_exitcode: bool,
    fail_on: frozenset[str],
    base: str | None,
    show_bodies: bool,
    no_group: bool,
    show_unmanaged: bool,
    max_markdown_bytes: int,
    refresh: bool,
) -> int:
    """Show what apply would change for the manifests in PATH: files or directories.

    Without PATH, for the manifests that reconciler.yaml names. Only reads: no request but GET is sent. The
    address and the credential come from PEAK_API_URL (or the stage in PEAK__STAGE) and PEAK_AUTH_TOKEN (or
    API_KEY), or as the environment says. With several environments, an error in one does not stop the others.

    Exits with 3 when a manifest is invalid, and with 4 when a guard blocks a workflow. With several
    environments, the first of 1, 4, 3, 64, 2 and 0 that one of them has is the exit code.
    """
    if base is None and "conflict" in fail_on:
        raise UsageError("--fail-on conflict needs --base REV; for example --base origin/main")
    targets = read_outputs(outputs, _FORMATS, output_format)
    scope = scope._replace(show_unmanaged=show_unmanaged)
    files = environments.files(save_plan)
    listener = TerminalListener(verbose=environments.verbose)

    def code_of(planned: Planned) -> ExitCode:
        needing = ",".join(sorted(fail_on & _ATTRIBUTED))
        if needing and (number := count_unattributed(planned.plan)):
            warn(
                f"note: the last apply does not show where {counted(number, 'difference')} "
                f"{'comes' if number == 1 else 'come'} from, so --fail-on {needing} does not count "
                f"{'it' if number == 1 else 'them'}; to know, pass --base REV, for example --base origin/main"
            )
        if fail_on & kinds_of(planned.plan):
            return ExitCode.DIFFERENCES
        code = planned.exit_code
        return ExitCode.OK if code is ExitCode.DIFFERENCES and not detailed_exitcode else code

    results = environments.run(
        lambda settings: plan(settings, scope, listener, base=base, refresh=refresh), code_of=code_of
    )
    plans = _Plans(results=results, bodies=show_bodies, grouped=not no_group, limit=max_markdown_bytes)
    if environments.several:
        targets.deliver(plans.of_several, plans.text_of_several)
    else:
        targets.deliver(plans.of_one, plans.text_of_one)
    for result in results:
        if result.value is not None and result.environment in files:
            _save(result.value, files[result.environment], result.environment)
    return worst_exit_code(results)


def _save(planned: Planned, file: Path, environment: str) -> None:
    write_text(file, planned.plan_file_pieces(), private=True)
    line = follow_up("apply", "--plan", str(file), environment=environment)
    warn(f"the plan was saved; to apply it: {printable(line)}")


class _Plans(NamedTuple):
    """The plans of a run, and how they are shown."""

    results: Sequence[EnvironmentResult[Planned]]
    bodies: bool
    grouped: bool
    limit: int

    @property
    def _only(self) -> Planned:
        """The plan of the only environment, or of none."""
        (planned,) = (result.value for result in self.results if result.value is not None)
        return planned

    def of_one(self, name: str) -> TextOrPieces:
        """Return the plan of the only environment, or of none, in a format."""
        planned = self._only
        match name:
            case "json":
                return render.plan_json(planned.plan, planned.redactor)
            case "gitlab":
                return render.plan_gitlab(planned.plan)
            case "html":
                return render.html_report(self._page(planned, planned.environment))
            case "markdown":
                return render.markdown_report(self._page(planned, planned.environment), self.limit)
            case _:
                return self.text_of_one()

    def of_several(self, name: str) -> TextOrPieces:
        """Return the plans of all environments in a format."""
        match name:
            case "json":
                return render.environments_json(
                    self.results,
                    "plan",
                    lambda planned: render.streamed_plan(planned.plan, planned.redactor),
                )
            case "gitlab":
                return render.gitlab_counts(
                    result.value.plan for result in self.results if result.value is not None
                )
            case "html":
                blank = render.ReportPage(kind="plan", title="Plan", summary="")
                return render.html_report(render.environments_page(self.results, self._page, _total, blank))
            case "markdown":
                return render.environments_markdown(self.results, "plan", self._page, _total, self.limit)
            case _:
                return self.text_of_several()

    def text_of_one(self, width: int | None = None) -> str:
        """Return the plan of the only environment, or of none, as text; takes the columns of the terminal."""
        return self._text(self._only, width)

    def text_of_several(self, width: int | None = None) -> str:
        """Return the plans of all environments as text; takes the columns of the terminal."""
        return render.environments_text(self.results, lambda planned: self._text(planned, width), _total)

    def _text(self, planned: Planned, width: int | None) -> str:
        return render.plan_text(
            planned.plan, planned.redactor, bodies=self.bodies, grouped=self.grouped, width=width
        )

    def _page(self, planned: Planned, environment: str | None) -> render.ReportPage:
        return render.plan_page(planned.plan, planned.redactor, environment=environment, bodies=self.bodies)


def _total(all_planned: Sequence[Planned]) -> str:
    return render.plans_total(planned.plan for planned in all_planned)

"""`peak-reconciler forecast`: what runs when, and what a change does to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from reconciler.cli.apply_options import exclude_option, target_option
from reconciler.cli.command_settings import Environments, comparing_options
from reconciler.cli.help import command_of, option
from reconciler.cli.options import Number, format_option, output_option, quoted
from reconciler.cli.terminal import TerminalListener, read_outputs
from reconciler.cli.terminal_features import terminal_width
from reconciler.environments import EnvironmentResult, worst_exit_code
from reconciler.errors import UsageError
from reconciler.operations import ForecastOptions, ForecastResult, forecast
from reconciler.plan import Selection
from reconciler.render import (
    MOST_EVENTS,
    ForecastView,
    environments_json,
    environments_text,
    forecast_calendar,
    forecast_document,
    forecast_html,
    forecast_json,
    forecast_text,
)
from reconciler.text import TextOrPieces
from reconciler.timestamps import parse_timestamp
from reconciler.values import JsonObject

_FORMATS: Final = ("text", "json", "ics", "html")
_MOST_HOURS: Final = 24 * 366


def _until(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return parse_timestamp(value)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"it must be a date such as 2026-01-31 or 2026-01-31T06:00:00Z, found {quoted(value)}"
        ) from None


def _zone(_context: click.Context, _parameter: click.Parameter, value: str | None) -> ZoneInfo | None:
    if value is None:
        return None
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(
            f"unknown time zone {quoted(value)}: use a name such as Europe/London or UTC"
        ) from None


@command_of(
    "forecast",
    examples=(
        ("forecast", "Show what runs in the next 24 hours"),
        ("forecast --hours 168 --target 'daily-*'", "Show a week of some workflows"),
        ("forecast --offline workflows/", "Without credentials: of the manifests alone"),
        ("forecast --hours 168 --output ics=runs.ics", "Write a calendar"),
    ),
)
@target_option
@exclude_option
@option(
    "--hours",
    metavar="N",
    type=Number(1, _MOST_HOURS),
    default=24,
    help="Forecast the next N hours.",
    section="Selection",
)
@option(
    "--until",
    metavar="DATE",
    callback=_until,
    help="Forecast until a date instead.",
    section="Selection",
)
@option(
    "--time-zone",
    "zone",
    metavar="ZONE",
    callback=_zone,
    help="Time zone of the platform's schedules, such as Europe/London.",
    show_default="as learnt from what is scheduled, else UTC",
)
@option(
    "--sample",
    "sampled",
    metavar="N",
    type=Number(0, 100, whole=True),
    default=20,
    help="Take durations from the last N executions, one request for each workflow; 0 reads none.",
)
@option("--offline", is_flag=True, help="Forecast the manifests alone, without credentials.")
@option(
    "--count",
    "coming",
    metavar="N",
    type=Number(1, 1000, whole=True),
    default=3,
    help="List the next N runs of each schedule.",
    section="Output",
)
@format_option(*_FORMATS, help="Print the forecast in this format: ics for a calendar, html for a page.")
@output_option()
@option(
    "--show-unmanaged",
    is_flag=True,
    help="Include live workflows that are neither in Git nor owned.",
    section="Output",
)
@option("--utc", is_flag=True, help="Show times in UTC, not by the platform's clock.", section="Output")
@comparing_options
def command(  # noqa: PLR0913 - one for each option
    *,
    environments: Environments,
    targets: tuple[str, ...],
    exclude: tuple[str, ...],
    hours: float,
    until: datetime | None,
    zone: ZoneInfo | None,
    sampled: int,
    offline: bool,
    coming: int,
    output_format: str,
    outputs: tuple[str, ...],
    show_unmanaged: bool,
    utc: bool,
) -> int:
    """Show what schedules start when, where runs overlap, and what a change of a manifest does to that.

    For the manifests in PATH, else for those that reconciler.yaml names, and for orphaned workflows: the next
    runs of each schedule, the load of each hour, overlaps of a workflow with itself (by how long nine of ten
    of its last executions took), and what the clock changes of the coming year do. A schedule that the
    manifests change is shown as it is now and as it will be.

    The time zone and the number of Sunday are learnt from what the platform says is scheduled; what cannot be
    learnt is named as assumed. Only reads: no request but GET is sent. Exits with 3 when a manifest is
    invalid.
    """
    deliveries = read_outputs(outputs, _FORMATS, output_format)
    listener = TerminalListener(verbose=environments.verbose)
    options = ForecastOptions(
        until=until,
        lasts=timedelta(hours=hours),
        selection=Selection(targets=targets, exclude=exclude),
        zone=zone,
        coming=coming,
        sampled=sampled,
        offline=offline,
        show_unmanaged=show_unmanaged,
    )
    results = environments.run(lambda settings: forecast(settings, options, listener))
    shown = _Forecasts(results=results, utc=utc)
    deliveries.deliver(shown.of_several if environments.several else shown.of_one)
    return worst_exit_code(results)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Forecasts:
    """The forecasts of a run, and how they are shown."""

    results: Sequence[EnvironmentResult[ForecastResult]]
    utc: bool

    def of_one(self, name: str) -> TextOrPieces:
        """Return the forecast of the only environment, or of none, in a format."""
        (found,) = (result.value for result in self.results if result.value is not None)
        view = self._view(found)
        match name:
            case "json":
                return forecast_json(view)
            case "html":
                return forecast_html(view)
            case "ics":
                return _calendar(view)
            case _:
                return forecast_text(view)

    def of_several(self, name: str) -> TextOrPieces:
        """Return the forecasts of all environments in a format."""
        if name not in {"json", "text"}:
            raise UsageError(
                f"{name} shows the forecast of one environment", hint="Name one with --environment."
            )
        if name == "json":
            return environments_json(self.results, "forecast", self._document)
        return environments_text(self.results, lambda found: forecast_text(self._view(found)), _total)

    def _document(self, found: ForecastResult) -> JsonObject:
        return forecast_document(self._view(found))

    def _view(self, found: ForecastResult) -> ForecastView:
        return ForecastView(
            forecast=found.forecast,
            offline=found.offline,
            without=found.without,
            redactor=found.redactor,
            utc=self.utc,
            width=terminal_width(),
        )


def _calendar(view: ForecastView) -> str:
    runs = sum(item.count for item in view.forecast.workflows)
    if runs > MOST_EVENTS:
        raise UsageError(
            f"the calendar would have {runs} events, more than {MOST_EVENTS}",
            hint="Choose fewer --hours, or fewer workflows with --target or --exclude.",
        )
    return forecast_calendar(view)


def _total(found: Sequence[ForecastResult]) -> str:
    return f"{sum(item.count for result in found for item in result.forecast.workflows)} runs"

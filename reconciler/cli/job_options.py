"""Options of the scheduled job, each with a variable, so that none needs to be on the command line."""

# ruff: noqa: ANN401 - as click's decorators and callbacks

from __future__ import annotations

from typing import Any, Final

import click

from reconciler.cli.help import bundle, option, setting
from reconciler.cli.options import Number, file_type
from reconciler.client import WebhookSender
from reconciler.errors import InvalidInputError, UsageError
from reconciler.job import FORMATS, JobOptions, OutcomeKind, read_address
from reconciler.text import clip, printable

_LEASE: Final = 300
_KINDS: Final = tuple(kind.value for kind in OutcomeKind)


def _kinds(_context: click.Context, _parameter: click.Parameter, value: str) -> frozenset[OutcomeKind]:
    words = [word.strip() for word in value.split(",") if word.strip()]
    wrong = [word for word in words if word not in _KINDS]
    if wrong or not words:
        found = clip(printable(wrong[0] if wrong else value), 60)
        raise click.BadParameter(
            f"it must be a list of {', '.join(_KINDS)}, separated by commas, found '{found}'"
        )
    return frozenset(map(OutcomeKind, words))


_OPTIONS: Final = (
    option(
        "--dry-run",
        is_flag=True,
        help="Only plan, with GET only; exit with 2 when anything is out of sync.",
        section="Job",
    ),
    setting(
        "--interval",
        metavar="SECONDS",
        type=Number(1, 604_800),
        help="Run in a loop, starting a run this often.",
        section="Job",
    ),
    setting(
        "--jitter",
        metavar="SECONDS",
        type=Number(0, 86_400),
        default=0,
        help="With --interval: wait up to this much longer each time, at random.",
        section="Job",
    ),
    setting(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        help="Write the log to standard error in this format; json is one event per line.",
        section="Job",
    ),
    setting(
        "--lock-file",
        metavar="FILE",
        type=file_type(),
        help="Run only one at a time of all jobs that name the same file.",
        section="Job",
    ),
    setting(
        "--lease",
        metavar="SECONDS",
        type=Number(1, 86_400),
        default=_LEASE,
        help="With --lock-file: release the lock of a killed run after this long; a live run renews it.",
        section="Job",
    ),
    setting(
        "--listen",
        metavar="HOST:PORT",
        help="With --interval: serve /healthz, /readyz and /metrics; without HOST on loopback.",
        section="Job",
    ),
    setting(
        "--metrics-file",
        metavar="FILE",
        type=file_type(),
        help="Write Prometheus metrics, for node-exporter's textfile collector.",
        section="Job",
    ),
    setting("--pushgateway", metavar="URL", help="Push the same metrics to a Pushgateway.", section="Job"),
    setting(
        "--notify-url",
        metavar="URL",
        help="Post notifications to a webhook. The URL is a secret: set the variable, not the option.",
        section="Job",
    ),
    setting(
        "--notify-format",
        type=click.Choice(sorted(FORMATS)),
        default="generic",
        help="Send notifications in this format.",
        section="Job",
    ),
    setting(
        "--notify-on",
        metavar="KINDS",
        default=",".join(_KINDS),
        callback=_kinds,
        help="Notify when a workflow was changed, a dry run found drift, or a run failed.",
        section="Job",
    ),
)


def job_options(function: Any) -> Any:
    """Give a command these options, as `job_options`."""
    return bundle("job_options", _OPTIONS, _job_options)(function)


def _job_options(values: dict[str, Any]) -> JobOptions:
    del values["log_format"]  # the log has read it already, before anything could go wrong
    listen = values.pop("listen")
    options = JobOptions(
        gateway=_sender("--pushgateway", "the Pushgateway", values.pop("pushgateway"), public=True),
        notify=_sender("--notify-url", "the webhook", values.pop("notify_url"), public=False),
        listen=read_address(listen) if listen else None,
        **values,
    )
    if options.interval is None and (options.listen or options.jitter):
        raise UsageError(
            "--listen and --jitter need a job that runs in a loop", hint="Add --interval SECONDS."
        )
    return options


def _sender(name: str, receiver: str, url: str | None, *, public: bool) -> WebhookSender | None:
    """Return the sender to `url`.

    Raises:
        UsageError: It cannot be used. It is not quoted, since it may hold a secret.
    """
    if not url:
        return None
    try:
        return WebhookSender(receiver, url, public=public)
    except InvalidInputError as error:
        raise UsageError(f"{name}: {error.message}") from None

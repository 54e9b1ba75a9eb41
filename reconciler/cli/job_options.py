"""The options of a job that no other command has; each has a variable, too, so that none need be typed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from reconciler.cli.shared_options import Number, setting
from reconciler.client import WebhookSender
from reconciler.errors import InvalidInputError, UsageError
from reconciler.job.notifications import FORMATS
from reconciler.job.outcome import OutcomeKind
from reconciler.job.probe_server import read_address
from reconciler.text import clip, printable

F = TypeVar("F", bound=Callable[..., Any])

_LEASE: Final = 300
_KINDS: Final = tuple(kind.value for kind in OutcomeKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """What a job does beside the work itself.

    Args:
        dry_run: Whether it only plans.
        metrics_file: Where metrics are written; `None` for nowhere.
        gateway: Where they are pushed; `None` for nowhere.
        notify: Where notifications are posted; `None` for nowhere.
        notify_format: How these are shaped.
        notify_on: What is told about.
        lock_file: The lock file; `None` for none.
        lease: How many seconds a lease lasts.
        interval: How many seconds lie between the beginnings of two runs; `None` for a single run.
        jitter: How many seconds more there may be.
        listen: Where probes and metrics are served; `None` for nowhere.
    """

    dry_run: bool
    metrics_file: Path | None
    gateway: WebhookSender | None
    notify: WebhookSender | None
    notify_format: str
    notify_on: frozenset[OutcomeKind]
    lock_file: Path | None
    lease: float
    interval: float | None
    jitter: float
    listen: tuple[str, int] | None


def _kinds(_context: click.Context, _parameter: click.Parameter, value: str) -> frozenset[OutcomeKind]:
    words = [word.strip() for word in value.split(",") if word.strip()]
    wrong = [word for word in words if word not in _KINDS]
    if wrong or not words:
        found = clip(printable(wrong[0] if wrong else value), 60)
        raise click.BadParameter(f"it must be some of {', '.join(_KINDS)}, with commas, found '{found}'")
    return frozenset(map(OutcomeKind, words))


def _file(name: str, metavar: str, text: str) -> Any:  # noqa: ANN401 - click's
    kind = click.Path(dir_okay=False, path_type=Path)
    return setting(name, metavar=metavar, type=kind, help=text)


_OPTIONS: Final = (
    click.option(
        "--dry-run", is_flag=True, help="Only plan, with nothing but GET; exit with 2 when anything differs."
    ),
    setting(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How the log is written to standard error: json is one event a line.",
    ),
    _file("--metrics-file", "FILE", "Write Prometheus metrics, for node-exporter's textfile collector."),
    setting("--pushgateway", metavar="URL", help="Push the same metrics to a Pushgateway."),
    setting(
        "--notify-url",
        metavar="URL",
        help="Post notifications to a webhook. It is a secret: set the variable, not the option.",
    ),
    setting(
        "--notify-format",
        type=click.Choice(sorted(FORMATS)),
        default="generic",
        show_default=True,
        help="How a notification is shaped.",
    ),
    setting(
        "--notify-on",
        metavar="KINDS",
        default=",".join(_KINDS),
        show_default=True,
        callback=_kinds,
        help="What is told about: a workflow was changed, a dry run found drift, a run failed.",
    ),
    _file("--lock-file", "FILE", "Let only one run at a time work, of all that name the same file."),
    setting(
        "--lease",
        metavar="SECONDS",
        type=Number(1, 86_400),
        default=_LEASE,
        show_default=True,
        help="How long a run that was killed keeps the lock; one that lives renews it.",
    ),
    setting("--interval", metavar="SECONDS", type=Number(1, 604_800), help="Run again and again, so often."),
    setting(
        "--jitter",
        metavar="SECONDS",
        type=Number(0, 86_400),
        default=0,
        show_default=True,
        help="Wait up to so much longer each time, at random.",
    ),
    setting(
        "--listen",
        metavar="HOST:PORT",
        help="With --interval: serve /healthz, /readyz and /metrics; without HOST on loopback.",
    ),
)


def job_options(function: F) -> F:
    """Give a command these options, as one argument `options`."""

    @functools.wraps(function)
    def command(**words: Any) -> Any:  # noqa: ANN401 - click's
        words.pop("log_format")  # the log has seen it already, before anything could go wrong
        gateway, notify = words.pop("pushgateway"), words.pop("notify_url")
        listen = words.pop("listen")
        names = [name for name in JobOptions.__dataclass_fields__ if name in words]
        options = JobOptions(
            gateway=_poster("--pushgateway", "the Pushgateway", gateway, public=True),
            notify=_poster("--notify-url", "the webhook", notify, public=False),
            listen=read_address(listen) if listen else None,
            **{name: words.pop(name) for name in names},
        )
        if options.interval is None and (options.listen or options.jitter):
            raise UsageError("--listen and --jitter are for a job that loops", hint="Add --interval SECONDS.")
        return function(options=options, **words)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command  # type: ignore[return-value]


def _poster(option: str, name: str, url: str | None, *, public: bool) -> WebhookSender | None:
    """Return what posts to `url`.

    Raises:
        UsageError: It cannot be used. It is not quoted, since it may hold a secret.
    """
    if not url:
        return None
    try:
        return WebhookSender(name, url, public=public)
    except InvalidInputError as error:
        raise UsageError(f"{option}: {error.message}") from None

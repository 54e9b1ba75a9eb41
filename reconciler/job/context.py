"""Context of a job: its options, its working directory, and the state that its runs share.

A sidecar such as git-sync publishes a new checkout by replacing a symbolic link. So that a run never sees two
checkouts, links are resolved once, at its start; and so that the next run sees the new one, the working
directory is entered again, by the name under which the job was started.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.client import WebhookSender
from reconciler.errors import ReconcilerError, reason_of
from reconciler.job.log import Entry, Event, Level, Log
from reconciler.job.outcome import OutcomeKind, safe_text
from reconciler.job.signals import Signals
from reconciler.operations import ApplyOptions, Listener, RawOptions, ScopeOptions
from reconciler.secrecy import Redactor
from reconciler.values import JsonValue

_LONGEST_ENVIRONMENT: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """What a job does around each run.

    Args:
        dry_run: Whether it only plans.
        refresh: Whether a dry run reads all workflows again, also those that an earlier one found in sync.
        interval: Seconds between the starts of two runs; `None` for a single run.
        jitter: Seconds to wait longer at most, at random.
        lock_file: The lock file; `None` for none.
        lease: Seconds after which the lock of a killed run is released.
        listen: Host and port for probes and metrics; `None` for none.
        metrics_file: File for metrics; `None` for none.
        gateway: Sender to a Pushgateway; `None` for none.
        notify: Sender of notifications; `None` for none.
        notify_format: Format of notifications.
        notify_on: Outcomes to notify about.
    """

    dry_run: bool = False
    refresh: bool = False
    interval: float | None = None
    jitter: float = 0
    lock_file: Path | None = None
    lease: float = 300
    listen: tuple[str, int] | None = None
    metrics_file: Path | None = None
    gateway: WebhookSender | None = None
    notify: WebhookSender | None = None
    notify_format: str = "generic"
    notify_on: frozenset[OutcomeKind] = frozenset(OutcomeKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What all runs of a job have in common.

    Args:
        raw: The options for the settings; the configuration is read again for each run.
        scope: The part of the workflows the runs are about.
        apply_options: How they apply their plan.
        options: What the job does around each run.
        output: Shows plans and results in a log of text, and JSON results in any.
        place: The working directory.
        log: The log.
        signals: Stops the job.
        beat: Called whenever something happens, as a sign of life.
    """

    raw: RawOptions
    scope: ScopeOptions
    apply_options: ApplyOptions
    options: JobOptions
    output: Listener
    place: Path
    log: Log
    signals: Signals
    beat: Callable[[], None] = lambda: None

    @property
    def environment(self) -> str:
        """The name of the environment, fit to be shown; empty when none is chosen."""
        return safe_text(self.raw.environment or "", Redactor(), _LONGEST_ENVIRONMENT)

    def report(
        self, event: Event, message: str, level: Level = Level.INFO, hint: str = "", **fields: JsonValue
    ) -> None:
        """Log an event with its hint, if there is one, and its fields."""
        entry = Entry(event=event, level=level, message=message, fields={"hint": hint or None, **fields})
        self.log(entry)


def starting_place() -> Path:
    """Return the working directory under the name it was entered by, with its symbolic links."""
    here = Path.cwd()
    named = os.environ.get("PWD", "")
    try:
        if os.path.isabs(named) and os.path.samefile(named, here):  # noqa: PTH117, PTH121 - may be anything
            return Path(named)
    except (OSError, ValueError):
        pass
    return here


def enter(place: Path) -> None:
    """Make `place` the working directory, wherever its links lead now.

    Raises:
        ReconcilerError: It cannot be entered.
    """
    try:
        os.chdir(place)
    except OSError as error:
        raise ReconcilerError(
            f"the working directory {place} cannot be entered: {reason_of(error)}"
        ) from None


def with_links_resolved(raw: RawOptions) -> RawOptions:
    """Return `raw` with the symbolic links in its paths resolved now."""
    paths = tuple(_resolved(path) for path in raw.paths)
    config = None if raw.config is None else Path(_resolved(str(raw.config)))
    params_files = tuple(Path(_resolved(str(file))) for file in raw.params_files)
    return dataclasses.replace(raw, paths=paths, config=config, params_files=params_files)


def _resolved(path: str) -> str:
    """Return `path` without symbolic links; a path that has none stays as it was written."""
    if path in {"", "-"} or "\0" in path:
        return path
    resolved = os.path.realpath(path)
    return path if resolved == os.path.normpath(Path.cwd() / path) else resolved

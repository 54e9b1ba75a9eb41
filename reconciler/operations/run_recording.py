"""Keeps the record of a run that writes: who, what was planned, what came of it, and every request.

With a file it is written when the plan is about to be carried out, so that also a run that is killed leaves
one, and again at the end. Nothing in it is a secret.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from reconciler.apply import Report
from reconciler.backup import new_run_id
from reconciler.cli.error_exit import exit_code
from reconciler.cli.terminal import warn
from reconciler.client import RequestRecord, Traffic
from reconciler.errors import ReconcilerError, reason_of
from reconciler.exits import ExitCode
from reconciler.files import write_text
from reconciler.operations.engine import Engine
from reconciler.operations.provenance import provenance
from reconciler.plan import Plan
from reconciler.render import RunRecord, exchange_document, run_record_json
from reconciler.secrecy import Redactor
from reconciler.timestamps import rfc3339_seconds, utc_now
from reconciler.values import JsonObject

INTERRUPTED: Final = 128 + signal.SIGINT
"""How a run ends that is interrupted before it writes."""

_MOST_REQUESTS: Final = 100_000
"""How many requests a record has at most: its numbers go on counting."""


class Recording:
    """What becomes known of a run, bit by bit.

    Args:
        file: Where the record is written; `None` for nowhere.
        run_id: Names the run; a new one when it has no name yet.
    """

    def __init__(self, file: Path | None, run_id: str | None = None) -> None:
        self.run_id = run_id or new_run_id(utc_now())
        self.exit_code: int | None = None
        self.plan: Plan | None = None
        self.report: Report | None = None
        self._file = file
        self._started = rfc3339_seconds(utc_now())
        self._engine: Engine | None = None
        self._requests: list[JsonObject] = []

    @property
    def traffic(self) -> Traffic:
        """The numbers of what was sent so far."""
        return self._engine.session.traffic if self._engine else Traffic()

    def observe(self, exchange: RequestRecord) -> None:
        """Take note of a request; from any thread."""
        if self._file is not None and len(self._requests) < _MOST_REQUESTS:
            self._requests.append(exchange_document(exchange))

    def opened(self, engine: Engine) -> None:
        """Know the tenant that the run is about."""
        self._engine = engine

    def begins(self, plan: Plan) -> None:
        """Know what is about to be carried out, and write the record so far.

        Raises:
            ReconcilerError: It cannot be written; nothing was done yet.
        """
        self.plan = plan
        self._write(ended=None)

    def reported(self, report: Report) -> None:
        """Know what came of the plan."""
        self.report = report

    def ends(self) -> None:
        """Write the record for good.

        Raises:
            ReconcilerError: It cannot be written.
        """
        self._write(ended=rfc3339_seconds(utc_now()))

    def broken_off(self, code: int, error: str) -> None:
        """Write the record for good, of a run that ended before its end; that it cannot be is only a warning.

        Args:
            code: The exit code.
            error: What ended it.
        """
        self.exit_code = code
        try:
            self._write(ended=rfc3339_seconds(utc_now()), error=error)
        except ReconcilerError as unwritten:
            if unwritten.message != error:  # else it is what ends the run, and is told as that
                warn(f"warning: {unwritten.message}")

    def _write(self, *, ended: str | None, error: str | None = None) -> None:
        if self._file is None:
            return
        engine = self._engine
        record = RunRecord(
            run_id=self.run_id,
            started=self._started,
            ended=ended,
            exit_code=self.exit_code,
            who=provenance(os.environ, Path.cwd()),
            tenant=engine.session.base_url if engine else None,
            stage=engine.session.stage if engine else None,
            plan=self.plan,
            report=self.report,
            error=error,
            requests=tuple(self._requests),
            traffic=self.traffic,
        )
        redactor = engine.redactor if engine else Redactor()
        write_text(self._file, run_record_json(record, redactor), private=True)


@contextmanager
def recording(file: Path | None, run_id: str | None = None) -> Iterator[Recording]:
    """Give the record of a run, and write it at the end, however that comes.

    Args:
        file: Where it is written; `None` for nowhere.
        run_id: Names the run; a new one when it has no name yet.

    Raises:
        ReconcilerError: As within, or the record cannot be written.
    """
    record = Recording(file, run_id)
    try:
        yield record
    except ReconcilerError as error:
        record.broken_off(exit_code(error), error.message)
        raise
    except KeyboardInterrupt:
        record.broken_off(INTERRUPTED, "interrupted")
        raise
    except OSError as error:  # of a standard stream: what was written before is not to be lost
        record.broken_off(ExitCode.FAILED, f"the system refuses: {reason_of(error)}")
        raise
    except Exception as error:
        record.broken_off(ExitCode.FAILED, f"this is a mistake in peak-reconciler: {type(error).__name__}")
        raise
    record.ends()

"""Recorder of a run that writes: its plan, its results and every request, as a run record.

The file is written before the plan is applied, so that a run that is killed leaves one, too, and again at the
end. It holds no secret.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler import render
from reconciler.backup import new_run_id
from reconciler.client import RequestRecord, Traffic
from reconciler.errors import INTERRUPTED, ExitCode, ReconcilerError, exit_code, reason_of
from reconciler.files import write_text
from reconciler.operations.engine import Engine
from reconciler.operations.listener import Listener
from reconciler.plan import Plan
from reconciler.secrecy import Redactor
from reconciler.timestamps import rfc3339_seconds, utc_now
from reconciler.values import JsonObject

if TYPE_CHECKING:
    from reconciler.apply import Report

_MOST_REQUESTS: Final = 100_000
"""Limit of requests in a record; its totals count all."""


class Recording:
    """The record of a run, filled as it goes on.

    Args:
        file: The file of the record; `None` for none.
        run_id: Id of the run; a new one by default.
        listener: Receives the warning that a broken-off run could not be recorded.
    """

    def __init__(
        self, file: Path | None, run_id: str | None = None, listener: Listener | None = None
    ) -> None:
        self.run_id = run_id or new_run_id(utc_now())
        self.exit_code: int | None = None
        self.plan: Plan | None = None
        self.report: Report | None = None
        self._file = file
        self._listener = listener or Listener()
        self._started = rfc3339_seconds(utc_now())
        self._engine: Engine | None = None
        self._requests: list[JsonObject] = []

    @property
    def traffic(self) -> Traffic:
        """Numbers of the requests so far."""
        return self._engine.session.traffic if self._engine else Traffic()

    def observe(self, exchange: RequestRecord) -> None:
        """Record a request; from any thread."""
        if self._file is not None and len(self._requests) < _MOST_REQUESTS:
            self._requests.append(render.request_document(exchange))

    def opened(self, engine: Engine) -> None:
        """Record the tenant."""
        self._engine = engine

    def begins(self, plan: Plan) -> None:
        """Record the plan that is about to be applied, and write the record so far.

        Raises:
            ReconcilerError: It cannot be written; nothing was changed yet.
        """
        self.plan = plan
        self._write(ended=None)

    def reported(self, report: Report) -> None:
        """Record the result of the plan."""
        self.report = report

    def ends(self) -> None:
        """Write the finished record.

        Raises:
            ReconcilerError: It cannot be written.
        """
        self._write(ended=rfc3339_seconds(utc_now()))

    def broken_off(self, code: int, error: str) -> None:
        """Write the finished record of a run that was broken off; a failure to write it is only a warning.

        Args:
            code: The exit code.
            error: Why it ended.
        """
        self.exit_code = code
        try:
            self._write(ended=rfc3339_seconds(utc_now()), error=error)
        except ReconcilerError as unwritten:
            if unwritten.message != error:  # else it is what ended the run, and is reported as that
                self._listener.warning(unwritten.message)

    def _write(self, *, ended: str | None, error: str | None = None) -> None:
        if self._file is None:
            return
        from reconciler.operations.git_and_ci import provenance  # noqa: PLC0415 - of a record only

        engine = self._engine
        record = render.RunRecord(
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
        write_text(self._file, render.run_record_json(record, redactor), private=True)


@contextmanager
def recording(
    file: Path | None, run_id: str | None = None, listener: Listener | None = None
) -> Iterator[Recording]:
    """Give the record of a run, and write it at the end, also when the run fails.

    Args:
        file: The file of the record; `None` for none.
        run_id: Id of the run; a new one by default.
        listener: Receives a warning when the record of a failed run cannot be written.

    Raises:
        ReconcilerError: As within, or the record cannot be written.
    """
    record = Recording(file, run_id, listener)
    try:
        yield record
    except ReconcilerError as error:
        record.broken_off(exit_code(error), error.message)
        raise
    except KeyboardInterrupt:
        record.broken_off(INTERRUPTED, "interrupted")
        raise
    except OSError as error:  # of a standard stream: what was written before must not be lost
        record.broken_off(ExitCode.FAILED, system_error(error))
        raise
    except Exception as error:
        record.broken_off(ExitCode.FAILED, internal_error(error))
        raise
    record.ends()


def system_error(error: OSError) -> str:
    """Return the message for a standard stream that cannot be written."""
    return f"system error: {reason_of(error)}"


def internal_error(error: Exception) -> str:
    """Return the message for an exception that nothing should raise."""
    return f"internal error, please report it: {type(error).__name__}"

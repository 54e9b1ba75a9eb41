"""Platform watch: a probe whose result is notified, when the platform has changed or the probe failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.backup import new_run_id
from reconciler.errors import ExitCode, ReconcilerError, exit_code
from reconciler.job.notifications import notification
from reconciler.job.outcome import Outcome, safe_text
from reconciler.operations import Settings, tenant_of
from reconciler.tenant_profile import Probed
from reconciler.timestamps import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.client import WebhookSender


def probe_and_notify(  # noqa: PLR0913 - the last one by name
    probe: Callable[[], Probed],
    settings: Settings,
    env: Mapping[str, str],
    notify: WebhookSender,
    form: str,
    *,
    warn: Callable[[str], None],
) -> Probed:
    """Return the result of a probe, after a notification where the platform has changed or the probe failed.

    A notification that cannot be delivered is a warning.

    Args:
        probe: Runs the probe.
        settings: The tenant.
        env: Variables for its address.
        notify: The sender of notifications.
        form: Their format.
        warn: Receives the warning.

    Raises:
        ReconcilerError: As the probe.
    """
    started = utc_now()

    def send(code: int, error: str = "", changes: tuple[str, ...] = ()) -> None:
        address, stage = tenant_of(settings, env)
        redactor = notify.redactor()
        outcome = Outcome(
            run_id=new_run_id(started),
            started=started,
            ended=utc_now(),
            exit_code=code,
            environment=settings.environment.name if settings.environment else "",
            tenant=address,
            stage=stage,
            error=safe_text(error, redactor),
            platform_changes=tuple(safe_text(change, redactor) for change in changes),
        )
        if outcome.kinds:
            with _only_warning(warn):
                notify.post(notification(outcome, form))

    try:
        result = probe()
    except ReconcilerError as error:
        send(exit_code(error), error.message)
        raise
    send(result.exit_code, changes=result.changes if result.exit_code is ExitCode.DIFFERENCES else ())
    return result


@contextmanager
def _only_warning(warn: Callable[[str], None]) -> Iterator[None]:
    """Turn an error of a delivery into a warning."""
    try:
        yield
    except ReconcilerError as error:
        warn(f"the notification was not delivered: {error.message}")

"""Pushes the metrics of a job to a Pushgateway.

They are added to the group: what a failed run does not know, such as when one last succeeded, stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from reconciler.client import WebhookSender
from reconciler.job.metrics import Measured, registry_of

JOB: Final = "peak_reconciler"
"""The `job` of the group; its only other label is `environment`, where one was chosen."""


def push(poster: WebhookSender, measured: Measured) -> None:
    """Push the metrics.

    Args:
        poster: Posts to the Pushgateway.
        measured: What they are made of.

    Raises:
        ReconcilerError: They did not get there.
    """
    from prometheus_client.exposition import pushadd_to_gateway  # noqa: PLC0415 - 60 ms

    def handler(
        url: str, method: str, timeout: float | None, headers: Sequence[tuple[str, str]], data: bytes
    ) -> Callable[[], None]:
        del method, timeout  # it is POST, and the poster has deadlines of its own
        return lambda: poster.post(data, dict(headers)["Content-Type"], url)

    group = {"environment": measured.environment} if measured.environment else {}
    pushadd_to_gateway(poster.url, JOB, registry_of(measured), group, handler=handler)

"""A tenant that keeps something else than what it is sent."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.emulator.server import EmulatorServer

    Bend: TypeAlias = Callable[[dict[str, Any]], object]
    """Changes a body that was sent."""


BENDS: dict[str, tuple[Bend, str]] = {
    "value": (lambda sent: sent["steps"]["train"].update(command="python3 train.py"), "steps.train.command"),
    "lost": (lambda sent: sent["steps"]["load"].pop("stepTimeout", None), "steps.load.stepTimeout"),
    "filled in": (lambda sent: sent["steps"]["train"].update(stepTimeout=900), "steps.train.stepTimeout"),
    "resource": (
        lambda sent: sent["steps"]["train"].update(resources={"instanceTypeId": 25, "storage": "10GB"}),
        "steps.train.resources.instanceTypeId",
    ),
    "variable": (
        lambda sent: sent["steps"]["load"]["parameters"]["env"].update({"odd.name": "x"}),
        'steps.load.parameters.env."odd.name"',
    ),
    "list": (
        lambda sent: sent["steps"]["load"]["parameters"]["secrets"].pop(),
        "steps.load.parameters.secrets",
    ),
    "tag": (lambda sent: sent["tags"].append({"name": "set by the platform"}), "tags"),
    "cron": (lambda sent: sent["triggers"][0].update(cron="0 0 7 * * ?"), "triggers.cron"),
    "watcher": (
        lambda sent: sent["watchers"][0]["events"].update(runtimeExceeded=5),
        'watchers."user:ann@example.com".events.runtimeExceeded',
    ),
    "watchers": (lambda sent: sent.pop("watchers"), 'watchers."user:ann@example.com"'),
    "retryOptions": (lambda sent: sent["retryOptions"].update(duration=30), "retryOptions.duration"),
    "metadata": (
        lambda sent: sent.update(metadata={"allowConcurrentExecution": False}),
        "metadata.allowConcurrentExecution",
    ),
}
"""What a platform does with `rich`, whenever it gets it, and the field in which that shows."""


def bend_bodies(server: EmulatorServer, bend: Callable[[dict[str, Any]], object]) -> None:
    """Let the tenant change every body that it is sent."""
    create, replace = server.store.create, server.store.replace

    def bent(sent: dict[str, Any]) -> dict[str, Any]:
        changed = copy.deepcopy(sent)
        bend(changed)
        return changed

    server.store.create = lambda sent, **options: create(bent(sent), **options)  # type: ignore[method-assign]
    server.store.replace = lambda number, sent, **options: replace(number, bent(sent), **options)  # type: ignore[method-assign]

"""Operations: what the tool can do, callable from Python with typed options and results.

Each operation takes `Settings`, does one use case from beginning to end and returns a value. It never prints,
asks or exits: progress, findings and questions go to a `Listener`. Failures are raised as `ReconcilerError`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from reconciler.operations.execution_parameters import ExecutionRequest
    from reconciler.operations.export_workflows import ExportedWorkflows, export
    from reconciler.operations.graph_drawings import step_graphs
    from reconciler.operations.listener import Listener
    from reconciler.operations.options import ApplyOptions, ScopeOptions
    from reconciler.operations.reconciling import Applied, Planned, apply, apply_plan_file, plan, reconcile
    from reconciler.operations.rolling_back import list_backups, roll_back
    from reconciler.operations.settings import RawOptions, Settings, load_settings, resolve_settings
    from reconciler.operations.sync_status import StatusResult, status
    from reconciler.operations.validating import validate
    from reconciler.operations.workflow_executions import (
        list_executions,
        run_execution,
        save_log,
        show_logs,
    )

_HOMES: Final = {
    "ApplyOptions": "options",
    "Applied": "reconciling",
    "ExecutionRequest": "execution_parameters",
    "ExportedWorkflows": "export_workflows",
    "Listener": "listener",
    "Planned": "reconciling",
    "RawOptions": "settings",
    "ScopeOptions": "options",
    "Settings": "settings",
    "StatusResult": "sync_status",
    "apply": "reconciling",
    "apply_plan_file": "reconciling",
    "export": "export_workflows",
    "list_backups": "rolling_back",
    "list_executions": "workflow_executions",
    "load_settings": "settings",
    "plan": "reconciling",
    "reconcile": "reconciling",
    "roll_back": "rolling_back",
    "resolve_settings": "settings",
    "run_execution": "workflow_executions",
    "save_log": "workflow_executions",
    "show_logs": "workflow_executions",
    "status": "sync_status",
    "step_graphs": "graph_drawings",
    "validate": "validating",
}
"""The module of each public name, imported when the name is first used, so that `validate` is fast."""

__all__ = [
    "Applied",
    "ApplyOptions",
    "ExecutionRequest",
    "ExportedWorkflows",
    "Listener",
    "Planned",
    "RawOptions",
    "ScopeOptions",
    "Settings",
    "StatusResult",
    "apply",
    "apply_plan_file",
    "export",
    "list_backups",
    "list_executions",
    "load_settings",
    "plan",
    "reconcile",
    "resolve_settings",
    "roll_back",
    "run_execution",
    "save_log",
    "show_logs",
    "status",
    "step_graphs",
    "validate",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

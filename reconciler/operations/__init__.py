"""Operations: what the tool can do, callable from Python with typed options and results.

Each operation takes `Settings`, does one use case from beginning to end and returns a value. It never prints,
asks or exits: progress, findings and questions go to a `Listener`. Failures are raised as `ReconcilerError`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from reconciler.operations.engine import Engine
    from reconciler.operations.execution_parameters import ExecutionRequest
    from reconciler.operations.export_workflows import ExportedWorkflows, export
    from reconciler.operations.graph_drawings import step_graphs
    from reconciler.operations.listener import STOPPING, Listener
    from reconciler.operations.new_files import place_files
    from reconciler.operations.options import ApplyOptions, ScopeOptions
    from reconciler.operations.plan_and_apply import Applied, Planned, apply, apply_plan_file, plan, reconcile
    from reconciler.operations.rolling_back import list_backups, roll_back
    from reconciler.operations.run_recording import Recording, internal_error, recording, system_error
    from reconciler.operations.settings import (
        RawOptions,
        Settings,
        configured_options,
        load_settings,
        read_configuration,
        resolve_settings,
        settings_from,
    )
    from reconciler.operations.sync_status import StatusResult, status
    from reconciler.operations.validating import validate
    from reconciler.operations.workflow_executions import (
        ExecutionResult,
        Executions,
        list_executions,
        run_execution,
        save_log,
        show_logs,
    )

_HOMES: Final = {
    "Applied": "plan_and_apply",
    "apply": "plan_and_apply",
    "apply_plan_file": "plan_and_apply",
    "ApplyOptions": "options",
    "configured_options": "settings",
    "Engine": "engine",
    "ExecutionRequest": "execution_parameters",
    "ExecutionResult": "workflow_executions",
    "Executions": "workflow_executions",
    "export": "export_workflows",
    "ExportedWorkflows": "export_workflows",
    "internal_error": "run_recording",
    "list_backups": "rolling_back",
    "list_executions": "workflow_executions",
    "Listener": "listener",
    "load_settings": "settings",
    "place_files": "new_files",
    "plan": "plan_and_apply",
    "Planned": "plan_and_apply",
    "RawOptions": "settings",
    "read_configuration": "settings",
    "reconcile": "plan_and_apply",
    "Recording": "run_recording",
    "recording": "run_recording",
    "resolve_settings": "settings",
    "roll_back": "rolling_back",
    "run_execution": "workflow_executions",
    "save_log": "workflow_executions",
    "ScopeOptions": "options",
    "Settings": "settings",
    "settings_from": "settings",
    "show_logs": "workflow_executions",
    "status": "sync_status",
    "StatusResult": "sync_status",
    "step_graphs": "graph_drawings",
    "STOPPING": "listener",
    "system_error": "run_recording",
    "validate": "validating",
}
"""The module of each public name, imported when the name is first used, so that `validate` is fast."""

__all__ = [
    "STOPPING",
    "Applied",
    "ApplyOptions",
    "Engine",
    "ExecutionRequest",
    "ExecutionResult",
    "Executions",
    "ExportedWorkflows",
    "Listener",
    "Planned",
    "RawOptions",
    "Recording",
    "ScopeOptions",
    "Settings",
    "StatusResult",
    "apply",
    "apply_plan_file",
    "configured_options",
    "export",
    "internal_error",
    "list_backups",
    "list_executions",
    "load_settings",
    "place_files",
    "plan",
    "read_configuration",
    "reconcile",
    "recording",
    "resolve_settings",
    "roll_back",
    "run_execution",
    "save_log",
    "settings_from",
    "show_logs",
    "status",
    "step_graphs",
    "system_error",
    "validate",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

"""Operations: what the tool can do, callable from Python with typed options and results.

Each operation takes `Settings`, does one use case from beginning to end and returns a value. It never prints,
asks or exits: progress, findings and questions go to a `Listener`. Failures are raised as `ReconcilerError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy_face import lazy_face

if TYPE_CHECKING:
    from reconciler.operations.adopting import Adopted, AdoptOptions, adopt
    from reconciler.operations.apply_and_reconcile import (
        Applied,
        ApplyOptions,
        apply,
        apply_plan_file,
        check_settings,
        reconcile,
    )
    from reconciler.operations.capturing import Captured, capture
    from reconciler.operations.diagnosing import diagnose
    from reconciler.operations.diffing import DiffResult, DiffSide, diff
    from reconciler.operations.engine import Engine, tenant_of
    from reconciler.operations.execution_logs import save_log, show_logs
    from reconciler.operations.execution_parameters import ExecutionRequest
    from reconciler.operations.export_workflows import ExportedWorkflows, export
    from reconciler.operations.forecasting import ForecastOptions, ForecastResult, forecast
    from reconciler.operations.graph_drawings import step_graphs
    from reconciler.operations.listener import STOPPING, Listener
    from reconciler.operations.managed_executions import find_executions
    from reconciler.operations.peak_folder import PeakFolder, find_peak_folder
    from reconciler.operations.plan_for_tenant import Planned, ScopeOptions, listed_workflows, plan
    from reconciler.operations.probe_tenant import ProbeOptions, probe
    from reconciler.operations.rehearsing import RehearseOptions, rehearse
    from reconciler.operations.rendered_manifests import render_manifests
    from reconciler.operations.rolling_back import list_backups, roll_back
    from reconciler.operations.run_recording import Recording, internal_error, recording, system_error
    from reconciler.operations.setting_sources import EffectiveSetting, effective_settings
    from reconciler.operations.settings import (
        RawOptions,
        Settings,
        SharedTenant,
        load_environments,
        load_settings,
        resolve_environments,
        resolve_settings,
    )
    from reconciler.operations.status_and_history import StatusResult, status
    from reconciler.operations.validating import validate
    from reconciler.operations.workflow_executions import (
        ExecutionResult,
        Executions,
        list_executions,
        run_execution,
        show_execution,
    )

__all__ = [
    "STOPPING",
    "AdoptOptions",
    "Adopted",
    "Applied",
    "ApplyOptions",
    "Captured",
    "DiffResult",
    "DiffSide",
    "EffectiveSetting",
    "Engine",
    "ExecutionRequest",
    "ExecutionResult",
    "Executions",
    "ExportedWorkflows",
    "ForecastOptions",
    "ForecastResult",
    "Listener",
    "PeakFolder",
    "Planned",
    "ProbeOptions",
    "RawOptions",
    "Recording",
    "RehearseOptions",
    "ScopeOptions",
    "Settings",
    "SharedTenant",
    "StatusResult",
    "adopt",
    "apply",
    "apply_plan_file",
    "capture",
    "check_settings",
    "diagnose",
    "diff",
    "effective_settings",
    "export",
    "find_executions",
    "find_peak_folder",
    "forecast",
    "internal_error",
    "list_backups",
    "list_executions",
    "listed_workflows",
    "load_environments",
    "load_settings",
    "plan",
    "probe",
    "reconcile",
    "recording",
    "rehearse",
    "render_manifests",
    "resolve_environments",
    "resolve_settings",
    "roll_back",
    "run_execution",
    "save_log",
    "show_execution",
    "show_logs",
    "status",
    "step_graphs",
    "system_error",
    "tenant_of",
    "validate",
]

__getattr__ = lazy_face(  # so that `validate` loads neither the client nor a plan
    __name__,
    adopting="Adopted AdoptOptions adopt",
    capturing="capture Captured",
    apply_and_reconcile="Applied apply apply_plan_file ApplyOptions check_settings reconcile",
    setting_sources="effective_settings EffectiveSetting",
    diagnosing="diagnose",
    diffing="diff DiffResult DiffSide",
    engine="Engine tenant_of",
    execution_logs="save_log show_logs",
    execution_parameters="ExecutionRequest",
    export_workflows="export ExportedWorkflows",
    forecasting="forecast ForecastOptions ForecastResult",
    graph_drawings="step_graphs",
    listener="Listener STOPPING",
    managed_executions="find_executions",
    peak_folder="find_peak_folder PeakFolder",
    plan_for_tenant="listed_workflows plan Planned ScopeOptions",
    probe_tenant="probe ProbeOptions",
    rehearsing="rehearse RehearseOptions",
    rendered_manifests="render_manifests",
    rolling_back="list_backups roll_back",
    run_recording="internal_error Recording recording system_error",
    settings="load_environments load_settings RawOptions resolve_environments resolve_settings Settings "
    "SharedTenant",
    status_and_history="status StatusResult",
    validating="validate",
    workflow_executions="ExecutionResult Executions list_executions run_execution show_execution",
)

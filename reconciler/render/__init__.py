"""Renderers: values to text, JSON, Markdown and the formats of CI systems.

Each is a pure function from a value to a text, free of secrets and of characters that could steer a
terminal. Importing the package is cheap: a renderer is loaded when its name is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy_face import lazy_face

if TYPE_CHECKING:
    from reconciler.render.actions import ACTIONS, action_method, action_name, count_actions, status_word
    from reconciler.render.apply_report import (
        AlikeErrors,
        StaleChange,
        apply_page,
        progress_line,
        report_document,
        report_json,
        report_text,
        reports_total,
    )
    from reconciler.render.backups import backups_in, backups_json, backups_page, backups_text
    from reconciler.render.diagnosis_report import diagnosis_json, diagnosis_text
    from reconciler.render.environments import (
        environment_heading,
        environments_json,
        environments_markdown,
        environments_page,
        environments_text,
        environments_total,
    )
    from reconciler.render.executions import (
        execution_json,
        execution_outcome,
        execution_text,
        executions_json,
        executions_lines,
        executions_text,
        log_lines,
        some_names,
        step_lines,
    )
    from reconciler.render.exports import export_lines
    from reconciler.render.findings import (
        finding_line,
        findings_document,
        findings_json,
        findings_text,
        findings_total,
        rules_json,
        rules_text,
        summary_line,
    )
    from reconciler.render.findings_for_ci import (
        findings_github,
        findings_gitlab,
        findings_junit,
        findings_sarif,
    )
    from reconciler.render.fleet_report import fleet_progress_text, fleet_text, unit_line
    from reconciler.render.forecast import (
        ForecastView,
        forecast_document,
        forecast_html,
        forecast_json,
        forecast_text,
    )
    from reconciler.render.forecast_as_calendar import MOST_EVENTS, forecast_calendar
    from reconciler.render.found_executions import found_json, found_lines, found_text
    from reconciler.render.graphs import Drawing, graph_dot, graph_json, graph_mermaid, graph_text
    from reconciler.render.layout import NARROWEST, Display, hanging
    from reconciler.render.markup import LEAST, LIMIT, paint
    from reconciler.render.plan_as_json import (
        change_json,
        changes_of,
        gitlab_counts,
        plan_document,
        plan_gitlab,
        plan_json,
        streamed_plan,
    )
    from reconciler.render.plan_as_page import plan_page
    from reconciler.render.plan_as_text import (
        plan_summary,
        plan_text,
        plans_total,
    )
    from reconciler.render.probe_report import PROBE_FORMATS, probe_in
    from reconciler.render.rehearsal_report import rehearsal_json, rehearsal_page, rehearsal_text
    from reconciler.render.rendered_manifests import (
        RenderedManifest,
        ValueSource,
        rendered_json,
        rendered_yaml,
    )
    from reconciler.render.report_as_html import html_report
    from reconciler.render.report_as_markdown import markdown_report
    from reconciler.render.report_page import Fact, ReportPage
    from reconciler.render.run_record import (
        RunRecord,
        request_document,
        request_line,
        run_record_json,
        run_record_page,
        run_record_text,
    )
    from reconciler.render.settings import settings_json, settings_text
    from reconciler.render.sides import sides_json, sides_page, sides_text
    from reconciler.render.status import (
        StatusView,
        changed_documents,
        status_changes,
        status_document,
        status_json,
        status_page,
        status_text,
        statuses_total,
    )
    from reconciler.render.times import duration_text, time_text

__all__ = [
    "ACTIONS",
    "LEAST",
    "LIMIT",
    "MOST_EVENTS",
    "NARROWEST",
    "PROBE_FORMATS",
    "AlikeErrors",
    "Display",
    "Drawing",
    "Fact",
    "ForecastView",
    "RenderedManifest",
    "ReportPage",
    "RunRecord",
    "StaleChange",
    "StatusView",
    "ValueSource",
    "action_method",
    "action_name",
    "apply_page",
    "backups_in",
    "backups_json",
    "backups_page",
    "backups_text",
    "change_json",
    "changed_documents",
    "changes_of",
    "count_actions",
    "diagnosis_json",
    "diagnosis_text",
    "duration_text",
    "environment_heading",
    "environments_json",
    "environments_markdown",
    "environments_page",
    "environments_text",
    "environments_total",
    "execution_json",
    "execution_outcome",
    "execution_text",
    "executions_json",
    "executions_lines",
    "executions_text",
    "export_lines",
    "finding_line",
    "findings_document",
    "findings_github",
    "findings_gitlab",
    "findings_json",
    "findings_junit",
    "findings_sarif",
    "findings_text",
    "findings_total",
    "fleet_progress_text",
    "fleet_text",
    "forecast_calendar",
    "forecast_document",
    "forecast_html",
    "forecast_json",
    "forecast_text",
    "found_json",
    "found_lines",
    "found_text",
    "gitlab_counts",
    "graph_dot",
    "graph_json",
    "graph_mermaid",
    "graph_text",
    "hanging",
    "html_report",
    "log_lines",
    "markdown_report",
    "paint",
    "plan_document",
    "plan_gitlab",
    "plan_json",
    "plan_page",
    "plan_summary",
    "plan_text",
    "plans_total",
    "probe_in",
    "progress_line",
    "rehearsal_json",
    "rehearsal_page",
    "rehearsal_text",
    "rendered_json",
    "rendered_yaml",
    "report_document",
    "report_json",
    "report_text",
    "reports_total",
    "request_document",
    "request_line",
    "rules_json",
    "rules_text",
    "run_record_json",
    "run_record_page",
    "run_record_text",
    "settings_json",
    "settings_text",
    "sides_json",
    "sides_page",
    "sides_text",
    "some_names",
    "status_changes",
    "status_document",
    "status_json",
    "status_page",
    "status_text",
    "status_word",
    "statuses_total",
    "step_lines",
    "streamed_plan",
    "summary_line",
    "time_text",
    "unit_line",
]

__getattr__ = lazy_face(
    __name__,
    actions="ACTIONS action_method action_name count_actions status_word",
    apply_report="AlikeErrors StaleChange apply_page progress_line report_document report_json report_text "
    "reports_total",
    backups="backups_in backups_json backups_page backups_text",
    diagnosis_report="diagnosis_json diagnosis_text",
    environments="environment_heading environments_json environments_markdown environments_page "
    "environments_text environments_total",
    executions="step_lines executions_json executions_lines executions_text execution_outcome "
    "execution_json execution_text "
    "log_lines some_names",
    exports="export_lines",
    findings="finding_line findings_document findings_json findings_text findings_total rules_json "
    "rules_text summary_line",
    findings_for_ci="findings_github findings_gitlab findings_junit findings_sarif",
    found_executions="found_json found_lines found_text",
    fleet_report="fleet_progress_text fleet_text unit_line",
    forecast="forecast_document forecast_html forecast_json forecast_text ForecastView",
    forecast_as_calendar="forecast_calendar MOST_EVENTS",
    graphs="Drawing graph_dot graph_json graph_mermaid graph_text",
    layout="Display hanging NARROWEST",
    markup="LEAST LIMIT paint",
    rehearsal_report="rehearsal_json rehearsal_page rehearsal_text",
    report_as_html="html_report",
    report_as_markdown="markdown_report",
    plan_as_json="change_json changes_of gitlab_counts plan_document plan_gitlab plan_json streamed_plan",
    plan_as_page="plan_page",
    report_page="Fact ReportPage",
    plan_as_text="plan_summary plan_text plans_total",
    probe_report="PROBE_FORMATS probe_in",
    rendered_manifests="RenderedManifest ValueSource rendered_json rendered_yaml",
    run_record="RunRecord request_document request_line run_record_json run_record_page run_record_text",
    settings="settings_json settings_text",
    sides="sides_json sides_page sides_text",
    status="changed_documents status_changes StatusView status_document status_json status_page "
    "status_text statuses_total",
    times="duration_text time_text",
)

"""The result of an apply in the formats of files: as text, as JSON, as a comment, and as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler import render

if TYPE_CHECKING:
    from reconciler.operations import Applied
    from reconciler.text import TextOrPieces

RESULT_FORMATS: Final = ("text", "json", "markdown", "html")
"""The formats of the file that an apply writes."""


def result_in(name: str, applied: Applied) -> TextOrPieces:
    """Return a result in the format `name`."""
    match name:
        case "html":
            return render.html_report(result_page(applied, applied.planned.environment))
        case "markdown":
            return render.markdown_report(result_page(applied, applied.planned.environment))
        case "json":
            return result_json(applied)
        case _:
            return result_text(applied)


def result_page(applied: Applied, environment: str | None) -> render.ReportPage:
    """Return a result as a report; that of a dry run is its plan.

    Args:
        applied: The result.
        environment: The name of the environment to show; empty for none.
    """
    planned = applied.planned
    if applied.report is None:
        page = render.plan_page(planned.plan, planned.redactor, environment=environment)
    else:
        page = render.apply_page(
            planned.plan,
            applied.report,
            applied.traffic,
            planned.redactor,
            environment=environment,
            left_out=[render.StaleChange(item.name, item.action, item.reason) for item in planned.dropped],
        )
    return page.with_facts(
        render.Fact("Tenant", planned.engine.session.base_url), render.Fact("Run", applied.run_id)
    )


def result_json(applied: Applied) -> TextOrPieces:
    """Return the JSON document of a result."""
    if applied.report is None:
        return render.plan_json(applied.planned.plan, applied.planned.redactor)
    return render.report_json(applied.report, applied.traffic, applied.planned.redactor)


def result_text(applied: Applied) -> str:
    """Return a result as text: the plan, then what became of it."""
    planned = applied.planned
    parts = [render.plan_text(planned.plan, planned.redactor)]
    if applied.report is not None:
        parts += [render.report_text(applied.report, applied.traffic, planned.redactor)]
    return "\n\n".join(parts)

"""Helpers of the tests of templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.templates import (
    MissingTemplateError,
    RenderContext,
    TemplateFile,
    TemplateProblemError,
    TemplateSettings,
    render,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.templates import Rendered

MAIN = "main.yaml.j2"


def rendered(
    text: str,
    values: Mapping[str, Any] | None = None,
    *,
    files: Mapping[str, str] | None = None,
    settings: TemplateSettings | None = None,
    env: Mapping[str, str] | None = None,
) -> Rendered:
    """Render `text`, which may include `files`."""

    def read(wanted: str, _parent: str) -> TemplateFile:
        if wanted not in (files or {}):
            raise MissingTemplateError(f"there is no file {wanted}")
        return TemplateFile(wanted, (files or {})[wanted])

    context = RenderContext(
        settings=settings or TemplateSettings(),
        parameters=dict(values or {}),
        variables=env or {},
        read=read,
        suggestion=lambda name: f"nothing is like {name}",
    )
    return render(TemplateFile(MAIN, text), context)


def problem(text: str, values: Mapping[str, Any] | None = None, **kwargs: Any) -> TemplateProblemError:
    """Return the error of a template."""
    try:
        found = rendered(text, values, **kwargs)
    except TemplateProblemError as error:
        return error
    raise AssertionError(f"no error, but {found.text[:200]!r}")

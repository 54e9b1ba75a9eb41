"""Templates: Jinja2 rendered in a sandbox, within bounds, with the origin of every character.

This package takes text, parameters and a reader of included files, and returns the rendered text. It opens no
file, and knows neither YAML nor workflows. An error in a template is a `TemplateProblemError` with its place.
Jinja2 is imported when the first template is rendered, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy_face import lazy_face

if TYPE_CHECKING:
    from reconciler.templates.origins import Origins
    from reconciler.templates.template_settings import (
        OS_ENV,
        PEAK_TEMPLATES,
        TEMPLATE_SUFFIX,
        RenderedFiles,
        TemplateSettings,
        Undefined,
    )
    from reconciler.templates.template_text import (
        MAX_TEMPLATE_CHARACTERS,
        MissingTemplateError,
        RenderContext,
        Rendered,
        TemplateFile,
        TemplateProblemError,
        has_expressions,
        render,
    )

__all__ = [
    "MAX_TEMPLATE_CHARACTERS",
    "OS_ENV",
    "PEAK_TEMPLATES",
    "TEMPLATE_SUFFIX",
    "MissingTemplateError",
    "Origins",
    "RenderContext",
    "Rendered",
    "RenderedFiles",
    "TemplateFile",
    "TemplateProblemError",
    "TemplateSettings",
    "Undefined",
    "has_expressions",
    "render",
]

__getattr__ = lazy_face(  # a literal manifest needs only the settings
    __name__,
    origins="Origins",
    template_settings="OS_ENV PEAK_TEMPLATES RenderedFiles TEMPLATE_SUFFIX TemplateSettings Undefined",
    template_text="has_expressions MAX_TEMPLATE_CHARACTERS MissingTemplateError render RenderContext "
    "Rendered TemplateFile TemplateProblemError",
)

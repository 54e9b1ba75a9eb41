"""Settings of templates: which files are rendered, undefined names, and environment variables."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

TEMPLATE_SUFFIX: Final = ".j2"

OS_ENV: Final = "os_env"
"""The name of the environment variables in templates."""


class RenderedFiles(str, Enum):
    """The files that are rendered."""

    J2 = "j2"
    ALL = "all"


class Undefined(str, Enum):
    """What an undefined name is: an error, empty text, or left to the platform as it is written."""

    ERROR = "error"
    EMPTY = "empty"
    KEEP = "keep"


class TemplateSettings(NamedTuple):
    """How templates are rendered.

    Args:
        files: The files that are rendered: those that end in `.j2`, or all.
        undefined: What an undefined name is.
        os_env: Whether templates may read environment variables, as `os_env.NAME`.
    """

    files: RenderedFiles = RenderedFiles.J2
    undefined: Undefined = Undefined.ERROR
    os_env: bool = False

    def renders(self, name: str) -> bool:
        """Return whether the file `name` is rendered."""
        return self.files is RenderedFiles.ALL or name.lower().endswith(TEMPLATE_SUFFIX)


PEAK_TEMPLATES: Final = TemplateSettings(files=RenderedFiles.ALL, undefined=Undefined.EMPTY, os_env=True)
"""The settings under which files of the public client render as it renders them."""

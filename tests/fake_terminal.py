"""A terminal in memory, in the place of a standard stream."""

from __future__ import annotations

import io


class FakeTerminal(io.StringIO):
    """A stream that says that it is a terminal, and keeps what is drawn on it."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Return that it is a terminal."""
        return True

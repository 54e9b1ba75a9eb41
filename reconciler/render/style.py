"""Colour for terminals: the few escapes that we write ourselves (everyone else's are made harmless)."""

from __future__ import annotations

from typing import Final

_CODES: Final = {"green": "32", "yellow": "33", "red": "31", "cyan": "36", "bold": "1", "dim": "2"}


def paint(text: str, colour: str) -> str:
    """Return `text` in a colour, or `bold` or `dim`; for anything but a terminal that is taken out."""
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"

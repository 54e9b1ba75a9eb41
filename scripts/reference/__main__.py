"""Command that writes the generated reference pages."""

from __future__ import annotations

from reference import FOLDER, PAGES

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")

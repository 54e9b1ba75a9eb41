"""Capture: a change that somebody made live, brought back into the manifest's own file, or into an overlay.

`capture_workflow` returns the text of the file in which only the values that differ are others, or why a
value cannot be written there; `capture_into_overlay` does so for an overlay's file. They write no file.
"""

from reconciler.capture.one_capture import (
    Capture,
    Differences,
    TenantView,
    capture_workflow,
)
from reconciler.capture.overlay_capture import capture_into_overlay

__all__ = ["Capture", "Differences", "TenantView", "capture_into_overlay", "capture_workflow"]

"""Capture: a change that somebody made live, brought back into the manifest's own file.

`capture_workflow` returns the text of the file in which only the values that differ are others, or why a
value cannot be written there. It reads no file and writes none.
"""

from reconciler.capture.one_capture import Capture, TenantView, capture_workflow

__all__ = ["Capture", "TenantView", "capture_workflow"]

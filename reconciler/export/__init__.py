"""Exports: live workflows written as manifests with an empty plan.

Each manifest is read back and compared with the workflow before it is returned. It never contains a secret:
an environment variable takes its place.
"""

from reconciler.export.exporting import Exporter, ExportResult
from reconciler.export.variables import Variable

__all__ = ["ExportResult", "Exporter", "Variable"]

"""Exports: live workflows written as manifests with an empty plan.

Each manifest is read back and compared with the workflow before it is returned. A secret is replaced by an
environment variable or left to the tenant; the name of a credential on the platform is no secret.
"""

from reconciler.export.exporting import Exporter, ExportResult
from reconciler.export.manifest_body import manifest_body as exported_body
from reconciler.export.variables import SecretHandling, Variable

__all__ = ["ExportResult", "Exporter", "SecretHandling", "Variable", "exported_body"]

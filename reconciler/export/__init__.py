"""Live workflows to manifests that plan clean.

What is written is read back and compared before it is given out. It never writes a secret: a variable stands
in its place. It knows what planning and backups know of what a platform does not tell, and nothing of
commands, files or the network.
"""

from reconciler.export.exporting import Exporter, ExportResult
from reconciler.export.variables import Variable

__all__ = ["ExportResult", "Exporter", "Variable"]

"""Saved documents: plan files, run records and backups, recognised by their content and read as values.

Nothing in them is trusted: they are bounded, checked against their schemas, and free of secrets as they are.
"""

from reconciler.saved.plans_from_json import report_of_document, saved_plan
from reconciler.saved.recognising import (
    SavedBackups,
    SavedDocument,
    SavedPlan,
    SavedRun,
    read_saved,
)

__all__ = [
    "SavedBackups",
    "SavedDocument",
    "SavedPlan",
    "SavedRun",
    "read_saved",
    "report_of_document",
    "saved_plan",
]

"""Probing: finding out by experiment what a tenant does where the API's documentation leaves it open.

A probe writes a few workflows that never run, reads them back, deletes them, and looks for the switches of
the emulator that explain what it saw. It touches no other workflow.
"""

from reconciler.probing.cleaning import DEFAULT_PREFIX, UnderPrefix, delete_each, new_name, under_prefix
from reconciler.probing.existing import shown_by_existing
from reconciler.probing.experiment import Clock, Experiment, Observations
from reconciler.probing.inference import Conclusion, Inference, infer
from reconciler.probing.keeping import NotKept, not_kept, not_returned
from reconciler.probing.questions import Ids

__all__ = [
    "DEFAULT_PREFIX",
    "Clock",
    "Conclusion",
    "Experiment",
    "Ids",
    "Inference",
    "NotKept",
    "Observations",
    "UnderPrefix",
    "delete_each",
    "infer",
    "new_name",
    "not_kept",
    "not_returned",
    "shown_by_existing",
    "under_prefix",
]

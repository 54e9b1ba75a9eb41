"""The canonical form: what is compared, and nothing else.

Desired and live bodies are brought to one form in which equal means equal: documented defaults, nulls and
empty values gone, sets sorted, triggers and watchers by name, each step with the retry options that take
effect. Pure and total: no input makes it raise, also none that a hostile server thinks of. It knows the
schemas, and nothing of manifests, plans or HTTP.
"""

from reconciler.workflow.canonical_form import canonical
from reconciler.workflow.hoisting import Aligned, hoist_retry_options, hoisted_form
from reconciler.workflow.named_lists import (
    OWN_TAG_PREFIX,
    by_name_path,
    is_own_tag,
    lists_back,
    lists_by_name,
)
from reconciler.workflow.retry_options import inheriting_steps
from reconciler.workflow.step_graph import StepGraph

__all__ = [
    "OWN_TAG_PREFIX",
    "Aligned",
    "StepGraph",
    "by_name_path",
    "canonical",
    "hoist_retry_options",
    "hoisted_form",
    "inheriting_steps",
    "is_own_tag",
    "lists_back",
    "lists_by_name",
]

"""The canonical form: what is compared, and nothing else.

Desired and live bodies are brought to one form in which equal means equal: documented defaults, nulls and
empty values gone, sets sorted, triggers and watchers by name, each step with the retry options that take
effect. Pure and total: no input makes it raise, also none that a hostile server thinks of. It knows the
schemas, and nothing of manifests, plans or HTTP.
"""

from reconciler.canonical.align import Aligned, align, lifted_form
from reconciler.canonical.form import canonical
from reconciler.canonical.keyed import OWN_TAG_PREFIX, is_own_tag, keyed, keyed_path, unkeyed
from reconciler.canonical.retry import inheriting_steps

__all__ = [
    "OWN_TAG_PREFIX",
    "Aligned",
    "align",
    "canonical",
    "inheriting_steps",
    "is_own_tag",
    "keyed",
    "keyed_path",
    "lifted_form",
    "unkeyed",
]

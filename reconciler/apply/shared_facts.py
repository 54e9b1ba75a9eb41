"""What is known of the tenant while a plan is carried out: it grows with every workflow that is read back."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable

from reconciler.plan import Tenancy
from reconciler.workflow.sent_digests import WriteOnlyField


class SharedFacts:
    """What holds for all workflows of the run, with what was learned; usable from many threads at once.

    Args:
        tenancy: What is known at the beginning.
    """

    def __init__(self, tenancy: Tenancy) -> None:
        self._tenancy = tenancy
        self._lock = threading.Lock()

    def tenancy(self) -> Tenancy:
        """Return what is known by now."""
        with self._lock:
            return self._tenancy

    def learn(self, untold: Iterable[WriteOnlyField]) -> None:
        """Know from now on that the platform does not tell these kinds of fields."""
        with self._lock:
            self._tenancy = dataclasses.replace(self._tenancy, untold=self._tenancy.untold | set(untold))

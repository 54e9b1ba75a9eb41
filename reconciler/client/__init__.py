"""The client of the Peak workflows API: the documented methods over HTTP, and nothing else.

It speaks to the API for whoever calls it and translates every failure into an exception of ours, once. It is
the only package that imports `requests`. It knows nothing of manifests, plans or the command line, keeps no
state but its connections, sends no telemetry, and never shows the token.
"""

from reconciler.client.session import Session
from reconciler.client.workflows import Workflow, get_client

__all__ = ["Session", "Workflow", "get_client"]

"""The public client's own loops, run by an interpreter that has `peak-sdk`.

    $PEAK_SDK_PYTHON benchmarks/public_client.py describe URL [MOST]
    $PEAK_SDK_PYTHON benchmarks/public_client.py update URL FOLDER

`describe` lists the tenant, describes each workflow, or MOST of them, and prints the seconds of the latter;
`update` calls create_or_update for each manifest.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path
from typing import Any

_TOKEN = "made-up-token-0123456789"  # noqa: S105 - of no tenant


def _client(url: str) -> Any:  # noqa: ANN401 - of another package
    """Return a client of the API at `url`, which replaces the client's own lookups of the address."""
    session = importlib.import_module("peak.session")
    for place in (
        session,
        importlib.import_module("peak.helpers"),
        importlib.import_module("peak.telemetry"),
    ):
        vars(place)["get_base_domain"] = lambda *_args, **_options: url
    workflows = importlib.import_module("peak.resources.workflows")
    return workflows.get_client(session.Session(_TOKEN, "prod"))


def main() -> None:
    """Do what the command line says."""
    what, url, *words = sys.argv[1:]
    client = _client(url)
    if what == "describe":
        listed = list(client.list_workflows())
        start = time.perf_counter()
        for item in listed[: int(words[0])] if words else listed:
            client.describe_workflow(item["id"])
        print(time.perf_counter() - start)
        return
    yaml = importlib.import_module("yaml")
    for file in sorted(Path(words[0]).rglob("*.yaml")):
        client.create_or_update_workflow(yaml.safe_load(file.read_text())["body"])


if __name__ == "__main__":
    main()

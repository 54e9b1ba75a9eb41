"""The command line as a separate process, and environments without credentials, for every kind of test."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-W", "error", "-m", "reconciler"]
COMMAND_WITHOUT_SLEEP = [
    *COMMAND[:3],
    "-c",
    "import time; time.sleep = lambda seconds: None; from reconciler.cli import main; main()",
]
"""The same, with sleeps that return at once."""

_CONNECTION = ("PEAK_AUTH_TOKEN", "API_KEY", "PEAK__STAGE", "STAGE", "PEAK_API_URL", "NETRC")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def inherited_environment(*names: str) -> dict[str, str]:
    """Return the variables of this process that a child process needs: `names`, or the usual ones."""
    return {
        name: os.environ[name]
        for name in names or ("PATH", "HOME", "LANG", "PYTHONPATH")
        if name in os.environ
    }


def clear_environment(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Unset every variable about connections, proxies and certificates; set the home directory to `home`."""
    for name in (*_CONNECTION, *_PROXIES, *_BUNDLES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(home))

"""Audit of the locked dependencies for known vulnerabilities; says so if no advisories are available.

    python scripts/audit.py requirements.lock [--required]

pip-audit leaves out what is "not found", and a mirror may have no advisories: then nothing would ever be
reported. So a version that is known to be vulnerable is looked up first.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

_KNOWN = "requests==2.19.0"
"""A version with advisories."""


def main() -> int:
    """Audit, and return the exit code."""
    parser = argparse.ArgumentParser(description="Audit locked packages for known vulnerabilities.")
    parser.add_argument("lock", nargs="+", help="requirement files with hashes")
    parser.add_argument("--required", action="store_true", help="fail if no advisories are available")
    chosen = parser.parse_args()
    reason = _why_not()
    if reason:
        print(f"NOT AUDITED: the advisories of PyPI are not available here ({reason})")
        return 1 if chosen.required else 0
    files = [word for lock in chosen.lock for word in ("--requirement", lock)]
    return _pip_audit("--require-hashes", "--strict", *files).returncode


def _why_not() -> str:
    """Return why no advisories are available; empty if they are."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "known.txt")
        file.write_text(_KNOWN, encoding="ascii")
        done = _pip_audit("--no-deps", "--format", "json", "--requirement", str(file), quiet=True)
    try:
        (found,) = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return "pip-audit gets no answer"
    return "" if found.get("vulns") else f"none is known of {_KNOWN}"


def _pip_audit(*options: str, quiet: bool = False) -> subprocess.CompletedProcess[bytes]:
    words = [sys.executable, "-m", "pip_audit", "--disable-pip", "--progress-spinner", "off", *options]
    return subprocess.run(words, check=False, capture_output=quiet)


if __name__ == "__main__":
    sys.exit(main())

"""The result of a probe: what a tenant does as text and JSON, and what has changed as findings for CI."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from reconciler.findings import CheckResult, Finding
from reconciler.render.findings_for_ci import findings_github, findings_gitlab, findings_sarif
from reconciler.tenant_profile import Probed
from reconciler.text import counted, printable

PROBE_FORMATS: Final = ("text", "json", "github", "gitlab", "sarif")


def probe_in(result: Probed, output_format: str, meanings: Mapping[str, str]) -> str:
    """Return the result of a probe; the formats of CI name only what has changed.

    Args:
        result: The result.
        output_format: One of `PROBE_FORMATS`.
        meanings: What each behaviour means, by name.
    """
    if output_format == "text":
        return "\n".join(map(printable, _lines(result, meanings)))
    if output_format == "json":
        return json.dumps(_document(result), indent=2)
    findings = tuple(
        Finding(file=str(result.file), rule="tenant-profile", message=change) for change in result.changes
    )
    write = {"github": findings_github, "gitlab": findings_gitlab, "sarif": findings_sarif}
    return write[output_format](CheckResult(findings=findings, files=1, manifests=0))


def _document(result: Probed) -> dict[str, object]:
    profile = None if result.profile is None else result.profile.document()
    return {
        "profile": profile,
        "changes": [*result.changes],
        "file": str(result.file),
        "written": result.written,
        "cleaned": result.cleaned,
        "requests": result.requests,
        "seconds": round(result.seconds, 1),
    }


def _lines(result: Probed, meanings: Mapping[str, str]) -> Iterator[str]:
    if result.cleaned or result.profile is None:
        yield f"Deleted {counted(result.cleaned, 'workflow')} that an earlier probe left."
    profile = result.profile
    if profile is None:
        return
    if not profile.found:
        yield "The tenant behaves as documented, as far as a probe shows."
    else:
        yield "The tenant:"
        width = max(map(len, profile.found))
        for name, item in profile.found.items():
            yield f"  {name:<{width}}  {meanings[name]}{_values(item.values)}"
    if profile.unexplained:
        yield f"No known behaviour explains {len(profile.unexplained)} places: {profile.unexplained[0]}, …"
    yield (
        f"{len(profile.found)} behaviours found, {len(profile.not_found)} not found, "
        f"{len(profile.unknown)} unknown ({result.requests} requests, {result.seconds:.0f} s)."
    )
    if result.changes:
        yield f"The platform has changed since {result.file} was written:"
        yield from (f"  {change}" for change in result.changes)
    if result.written:
        yield f"Wrote {result.file}."
    elif result.changes:
        yield f"To accept the changes, run it with --update and commit {result.file}."
    else:
        yield f"The platform behaves as {result.file} says."


def _values(values: tuple[str, ...]) -> str:
    return f" ({', '.join(values)})" if values else ""

"""Tenant profile: the document that says what one tenant does where the API's documentation leaves it open.

It holds names of behaviours, numbers and places in workflows, and nothing of the tenant's own data. The
behaviours are the switches of the emulator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.errors import ExitCode, InvalidInputError
from reconciler.files import write_text
from reconciler.manifests import manifest_text, read_single_document
from reconciler.schema import validate
from reconciler.values import JsonObject, as_list, as_object

PROFILE_FILE: Final = Path("tenant-profile.yaml")
"""Where a profile is written, and looked for, without another name."""

_HEADER: Final = (
    "What this tenant does where the documentation of the API leaves it open.",
    "Written by `peak-reconciler probe --write`.",
)
_VERSION: Final = 1


DELAYS: Final = ("describe-missing", "describe-lag", "list-lag")
"""The behaviours whose parameter is a measured time, in milliseconds."""

RATE_LIMIT: Final = "rate limit"
"""The name of the fact that a tenant refused requests for now, with the rate at which it did not."""

_SHORT: Final = 300
"""The milliseconds up to which a delay that comes or goes is no change of the platform."""

_FAR: Final = 3
"""How many times as long a delay is that is another one: each measurement differs."""

_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_RATE: Final = re.compile(r"about ([0-9]{1,6}) a second")


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One behaviour that a tenant has.

    Args:
        values: Its parameters, where it takes any.
        evidence: What showed it.
    """

    values: tuple[str, ...] = ()
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantProfile:
    """What is known of one tenant.

    Args:
        found: The behaviours that it has, by name.
        not_found: The behaviours that it does not have.
        unknown: The behaviours that may be there or not, with the reason.
        measured: Other facts, by name.
        unexplained: The places in workflows where it does what none of the behaviours does.
    """

    found: dict[str, Behaviour] = field(default_factory=dict)
    not_found: tuple[str, ...] = ()
    unknown: dict[str, str] = field(default_factory=dict)
    measured: dict[str, str] = field(default_factory=dict)
    unexplained: tuple[str, ...] = ()

    @property
    def switches(self) -> tuple[str, ...]:
        """The behaviours that it has as words of a profile of the emulator: `name` or `name=value`."""
        return tuple(
            f"{name}={value}" if value else name
            for name, finding in self.found.items()
            for value in finding.values or ("",)
        )

    @property
    def requests_per_second(self) -> int | None:
        """The requests a second that it accepted, at least one; `None` if it refused none."""
        found = _RATE.fullmatch(self.measured.get(RATE_LIMIT, ""))
        return None if found is None else max(1, int(found[1]))

    @property
    def longest_delay(self) -> int:
        """The longest delay that was measured, in milliseconds; 0 for none."""
        texts = (text for name in DELAYS if name in self.found for text in self.found[name].values)
        return max((int(text) for text in texts if _NUMBER.fullmatch(text)), default=0)

    def document(self) -> JsonObject:
        """Return the profile as a document."""
        found: JsonObject = {
            name: {**({"values": [*item.values]} if item.values else {}), "evidence": item.evidence}
            for name, item in self.found.items()
        }
        return {
            "format_version": _VERSION,
            "found": found,
            "not_found": [*self.not_found],
            "unknown": {**self.unknown},
            "measured": {**self.measured},
            "unexplained": [*self.unexplained],
        }

    def text(self) -> str:
        """Return the profile as the content of a file."""
        return manifest_text(self.document(), {}, _HEADER)

    def write(self, file: Path) -> None:
        """Write the profile to a file, replacing what is there.

        Raises:
            InvalidInputError: The file cannot be written.
        """
        write_text(file, self.text())

    def differences(self, before: TenantProfile) -> Iterator[str]:
        """Yield a sentence for each thing that this profile says otherwise than an earlier one."""
        for name in sorted({*before.found, *self.found}):
            old, new = before.found.get(name), self.found.get(name)
            if _is_short(name, old or new):
                continue
            if old is None and new is not None and name not in before.unknown:
                yield f"{_shown(name, new)}: the platform does this now, and did not"
            elif new is None and old is not None and name not in self.unknown:
                yield f"{_shown(name, old)}: the platform does this no more"
            elif old is not None and new is not None and _is_another(name, old, new):
                yield f"{_shown(name, old)} is now {_shown(name, new)}"
        for name in sorted({*before.measured} & {*self.measured} - {RATE_LIMIT}):
            if before.measured[name] != self.measured[name]:
                yield f"{name}: {before.measured[name]} is now {self.measured[name]}"
        yield from (
            f"{place}: the platform keeps this in a way that no known behaviour explains"
            for place in self.unexplained
            if place not in before.unexplained
        )


def _milliseconds(name: str, finding: Behaviour | None) -> int | None:
    """Return the value of a delay; `None` for any other behaviour."""
    values = finding.values if finding is not None and name in DELAYS else ()
    return next((int(value) for value in values if _NUMBER.fullmatch(value)), None)


def _is_short(name: str, finding: Behaviour | None) -> bool:
    """Return whether a behaviour is a delay that the network may make."""
    milliseconds = _milliseconds(name, finding)
    return milliseconds is not None and milliseconds <= _SHORT


def _is_another(name: str, old: Behaviour, new: Behaviour) -> bool:
    """Return whether a behaviour has changed: a delay, to three times as long or a third."""
    before, now = _milliseconds(name, old), _milliseconds(name, new)
    if before and now:
        return max(before, now) >= _FAR * min(before, now)
    return old.values != new.values


def _shown(name: str, finding: Behaviour) -> str:
    return name + (f"={','.join(finding.values)}" if finding.values else "")


def read_profile(file: Path) -> TenantProfile:
    """Return the profile in a file.

    Raises:
        InvalidInputError: The file cannot be read, or is not a profile; the message names each line.
    """
    document = read_single_document(file, "the tenant profile")
    value = {} if document is None else as_object(document.value)
    if document is not None:
        problems = [
            f"{document.place(problem.path, at_key=problem.at_key)}: {problem.message}{problem.found}"
            for problem in validate(value, "tenant-profile")
        ]
        if problems:
            raise InvalidInputError("invalid tenant profile:\n" + "\n".join(problems))
    if not value:
        raise InvalidInputError(f"{file} is empty: expected a tenant profile")
    return TenantProfile(
        found={
            name: Behaviour(
                values=tuple(str(item) for item in as_list(as_object(fields).get("values"))),
                evidence=str(as_object(fields).get("evidence", "")),
            )
            for name, fields in as_object(value["found"]).items()
        },
        not_found=tuple(str(name) for name in as_list(value.get("not_found"))),
        unknown={name: str(why) for name, why in as_object(value.get("unknown")).items()},
        measured={name: str(fact) for name, fact in as_object(value.get("measured")).items()},
        unexplained=tuple(str(place) for place in as_list(value.get("unexplained"))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """The result of a probe.

    Args:
        profile: What the tenant does; `None` when it was only cleaned.
        changes: A sentence for each thing that is not as the profile in the file says.
        file: The file of the profile.
        written: Whether the profile was written to it.
        cleaned: How many workflows of earlier probes were deleted.
        requests: How many requests were sent.
        seconds: How long it took.
    """

    profile: TenantProfile | None
    changes: tuple[str, ...] = ()
    file: Path = PROFILE_FILE
    written: bool = False
    cleaned: int = 0
    requests: int = 0
    seconds: float = 0.0

    @property
    def exit_code(self) -> ExitCode:
        """`DIFFERENCES` where the platform has changed, and the profile in the file was not updated."""
        return ExitCode.DIFFERENCES if self.changes and not self.written else ExitCode.OK

"""The document of a tenant profile: read as it was written, compared, and valid by its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.emulator import SWITCHES, parse_profiles
from reconciler.schema import validate
from reconciler.tenant_profile import RATE_LIMIT, Behaviour, TenantProfile, read_profile

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = TenantProfile(
    found={
        "token-masked": Behaviour(evidence="repository: steps.a.repository.token"),
        "text-cut": Behaviour(values=("200",), evidence="long-text: steps.a.command"),
        "hidden": Behaviour(values=("auth", "payload")),
    },
    not_found=("nulls",),
    unknown={"cron-upper": "it shows only in a trigger"},
    measured={"time of the last update": "in milliseconds"},
    unexplained=("texts: steps.a.command",),
)


def test_written_and_read(tmp_path: Path) -> None:
    """A profile is read as it was written, is valid, and names the emulator's switches."""
    file = tmp_path / "tenant-profile.yaml"
    PROFILE.write(file)
    assert read_profile(file) == PROFILE
    assert not list(validate(PROFILE.document(), "tenant-profile"))
    words = {"token-masked", "text-cut=200", "hidden=auth", "hidden=payload"}
    assert parse_profiles(PROFILE.switches) == words


def test_changes() -> None:
    """Each difference is a sentence; what was unknown, before or now, is none."""
    now = TenantProfile(
        found={
            "text-cut": Behaviour(values=("100",)),
            "hidden": Behaviour(values=("auth", "payload")),
            "cron-upper": Behaviour(),
            "nulls": Behaviour(),
        },
        unknown={},
        measured={"time of the last update": "in seconds"},
        unexplained=("texts: steps.a.command", "tags: tags"),
    )
    assert [*now.differences(PROFILE)] == [
        "nulls: the platform does this now, and did not",
        "text-cut=200 is now text-cut=100",
        "token-masked: the platform does this no more",
        "time of the last update: in milliseconds is now in seconds",
        "tags: tags: the platform keeps this in a way that no known behaviour explains",
    ]
    assert not [*PROFILE.differences(PROFILE)]


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        ("500", "750", False),
        ("500", "1500", True),
        ("3000", "1000", True),
        ("", "300", False),
        ("200", "", False),
        ("", "750", True),
        ("2000", "", True),
    ],
)
def test_measured_delays(before: str, now: str, *, changed: bool) -> None:
    """A delay that a busy network may make is no change of the platform."""
    profiles = [
        TenantProfile(found={"list-lag": Behaviour(values=(value,))} if value else {})
        for value in (before, now)
    ]
    assert bool([*profiles[1].differences(profiles[0])]) is changed


def test_rate_limit() -> None:
    """The rate that a tenant accepted is read, is never below one, and is no change of the platform."""

    def profile(text: str) -> TenantProfile:
        return TenantProfile(measured={RATE_LIMIT: text})

    limits = [profile(text).requests_per_second for text in ("about 5 a second", "about 0 a second", "fast")]
    assert limits == [5, 1, None]
    assert not [*profile("about 5 a second").differences(profile("about 10 a second"))]


_EXAMPLES = {
    "N": "7",
    "MS": "750",
    "STATUS": "422",
    "KEY": "payload",
    "ZONE": "Asia/Tokyo",
    "TEXT": "release",
}
"""A parameter of each kind."""


@pytest.mark.parametrize("parameters", [True, False], ids=["with a parameter", "without"])
def test_every_switch_of_the_emulator_has_a_form(tmp_path: Path, *, parameters: bool) -> None:
    """Whatever `emulator --profile` takes a profile says, and the other way round, through its file."""
    file = tmp_path / "tenant-profile.yaml"
    for name, switch in SWITCHES.items():
        stated = switch.takes and (parameters or not switch.default)
        values = (_EXAMPLES[switch.takes],) if stated else ()
        word = f"{name}={values[0]}" if values else name
        TenantProfile(found={name: Behaviour(values=values)}).write(file)
        assert {*read_profile(file).switches} == parse_profiles([word]) == {word}

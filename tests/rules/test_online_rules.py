"""The online rules as pure functions, and what must be read for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.findings import Finding, Severity
from reconciler.manifests import Manifest, ReadOptions, load_manifests
from reconciler.rules import ALL_RULES, ONLINE_RULES, RULES, check_online, rule_ids
from reconciler.rules.online import Lookup, Named, TenantFacts, Version, lookup_of

_IDS = (
    "image-unknown",
    "image-version-unknown",
    "image-version-not-ready",
    "instance-type-unknown",
    "workflow-name-twice",
    "image-name",
    "instance-type-name",
)
_VERSIONS = (
    Version(1, "1.0", "ready"),
    Version(2, "2.0", "in-use"),
    Version(3, "3.0", "not-ready"),
    Version(4, "4.0", "deleting"),
    Version(5, "5.0", "delete-failed"),
    Version(6, "6.0", "odd"),
)
_FACTS = TenantFacts(
    versions={10: _VERSIONS, 20: (), 100: (Version(1, "0.1", "ready"),)},
    images=(Named(10, "python"), Named(20, "empty"), Named(100, "r")),
    instance_types=(Named(21, "Pico"), Named(22, "")),
    workflows={"flow": (4,), "twin": (5, 8)},
)


def _manifests(folder: Path, text: str, **env: str) -> tuple[Manifest, ...]:
    file = folder / "flow.yaml"
    file.write_text(text, encoding="utf-8")
    loaded = load_manifests((str(file),), env, ReadOptions(require_env=False))
    assert loaded.valid, loaded.findings
    return loaded.manifests


def _found(folder: Path, text: str, facts: TenantFacts = _FACTS, **env: str) -> list[Finding]:
    (manifest,) = _manifests(folder, text, **env)
    return list(check_online(manifest, facts))


def _step(fields: str) -> str:
    return f"name: flow\nsteps:\n  s: {{{fields}}}\n"


def test_ids_and_severity() -> None:
    """The rules have the promised ids, are errors, and are known wherever a rule's id may be written."""
    assert tuple(rule.id for rule in ONLINE_RULES) == _IDS
    assert {rule.severity for rule in ONLINE_RULES} == {Severity.ERROR}
    assert rule_ids() >= set(_IDS)
    assert len(rule_ids()) == len(ALL_RULES) == len(RULES) + len(ONLINE_RULES)


@pytest.mark.parametrize(
    "fields",
    [
        "imageId: 10",
        "imageId: 20",
        "imageId: 10, imageVersionId: 1",
        "imageId: 10, imageVersionId: 2",
        "imageId: 10, imageVersionId: 6",
        "imageId: 10.0, imageVersionId: 1.0",
        "imageVersionId: 999",
        "resources: {instanceTypeId: 22}",
        "resources: {storage: 10GB}",
        "type: sql, sqlQueryPath: q.sql",
    ],
)
def test_what_exists_is_fine(tmp_path: Path, fields: str) -> None:
    """There is no finding for what exists and can run, nor for an undocumented status."""
    assert _found(tmp_path, _step(fields)) == []


@pytest.mark.parametrize(
    ("fields", "rule", "field", "message"),
    [
        (
            "imageId: 11, imageVersionId: 1",
            "image-unknown",
            ["imageId"],
            "image 11 does not exist in the tenant; nearest ids: 10 'python', 20 'empty', 100 'r'",
        ),
        (
            "imageId: 10, imageVersionId: 9",
            "image-version-unknown",
            ["imageVersionId"],
            "image 10 has no version 9; ready versions: 2 '2.0', 1 '1.0'",
        ),
        (
            "imageId: 20, imageVersionId: 9",
            "image-version-unknown",
            ["imageVersionId"],
            "image 20 has no version 9; no version is ready",
        ),
        (
            "resources: {instanceTypeId: 20}",
            "instance-type-unknown",
            ["resources", "instanceTypeId"],
            "instance type 20 does not exist in the tenant; nearest ids: 21 'Pico', 22",
        ),
    ],
)
def test_findings(tmp_path: Path, fields: str, rule: str, field: list[str], message: str) -> None:
    """Each error is one finding at the id, and suggests other ids."""
    text = _step(fields)
    (finding,) = _found(tmp_path, text)
    assert (finding.rule, finding.message) == (rule, message)
    assert finding.path == ("steps", "s", *field)
    assert finding.position is not None
    assert finding.position.line == 3
    line = text.splitlines()[2]
    assert line[: finding.position.column - 1].endswith(f"{field[-1]}: ")
    assert finding.excerpt == line


@pytest.mark.parametrize(("version", "status"), [(3, "not-ready"), (4, "deleting"), (5, "delete-failed")])
def test_a_version_that_cannot_run(tmp_path: Path, version: int, status: str) -> None:
    """A version that is not built, being deleted, or half deleted is an error that says its status."""
    (finding,) = _found(tmp_path, _step(f"imageId: 10, imageVersionId: {version}"))
    assert (finding.rule, finding.path) == ("image-version-not-ready", ("steps", "s", "imageVersionId"))
    assert finding.message == (
        f"version {version} of image 10 cannot run, its status is '{status}'; "
        "ready versions: 2 '2.0', 1 '1.0'"
    )


def test_at_most_five_candidates(tmp_path: Path) -> None:
    """The five candidates with the nearest ids are named, the lower of two equally near ones first."""
    many = tuple(Version(number, f"v{number}", "ready") for number in range(1000, 0, -1))
    facts = TenantFacts(versions={10: many[500:]}, images=(), instance_types=(), workflows={})
    (finding,) = _found(tmp_path, _step("imageId: 10, imageVersionId: 900"), facts)
    assert finding.message.endswith(
        "ready versions: 500 'v500', 499 'v499', 498 'v498', 497 'v497', 496 'v496'"
    )
    without_700 = tuple(version for version in many if version.id != 700)
    facts = TenantFacts(versions={10: without_700}, images=(), instance_types=(), workflows={})
    (finding,) = _found(tmp_path, _step("imageId: 10, imageVersionId: 700"), facts)
    assert finding.message.endswith(
        "ready versions: 699 'v699', 701 'v701', 698 'v698', 702 'v702', 697 'v697'"
    )


def test_a_tenant_without_anything(tmp_path: Path) -> None:
    """Where there is nothing to choose from, that is said."""
    facts = TenantFacts(versions={}, images=(), instance_types=(), workflows={})
    found = _found(tmp_path, _step("imageId: 1, imageVersionId: 2, resources: {instanceTypeId: 3}"), facts)
    assert [finding.message.split("; ")[1] for finding in found] == ["the tenant has none"] * 2


def test_names_of_the_tenant_are_harmless(tmp_path: Path) -> None:
    """A name is clipped, and nothing in it can steer a terminal."""
    odd = Named(1, "\x1b[31m\n\u202e" + "x" * 1000)
    facts = TenantFacts(versions={}, images=(odd,), instance_types=(), workflows={})
    (finding,) = _found(tmp_path, _step("imageId: 2"), facts)
    assert finding.message.isprintable()
    assert r"1 '\x1b[31m\n\u202exxx" in finding.message
    assert finding.message.endswith("…'")


def test_every_step_is_reported(tmp_path: Path) -> None:
    """The same error in two steps is found in both."""
    text = "name: flow\nsteps:\n  a: {imageId: 7}\n  b: {imageId: 7}\n"
    assert [finding.path[1] for finding in _found(tmp_path, text)] == ["a", "b"]


def test_findings_are_bounded(tmp_path: Path) -> None:
    """One rule reports at most two hundred findings in one manifest."""
    text = "name: flow\nsteps:\n" + "".join(f"  s{number}: {{imageId: 7}}\n" for number in range(250))
    assert len(_found(tmp_path, text)) == 200


def test_a_name_that_is_live_twice(tmp_path: Path) -> None:
    """A name that two live workflows have is an error that names both."""
    (finding,) = _found(tmp_path, "body:\n  name: twin\n  steps: {s: {}}\n")
    assert (finding.rule, finding.path, finding.position and finding.position.line) == (
        "workflow-name-twice",
        ("body", "name"),
        2,
    )
    assert finding.message == (
        "2 live workflows have this name (ids 5, 8); pin one of them with reconcile.id, or rename "
        "or delete the others"
    )


@pytest.mark.parametrize(
    "text",
    [
        "name: flow\nsteps: {s: {}}\n",
        "name: new\nsteps: {s: {}}\n",
        "name: Twin\nsteps: {s: {}}\n",
        "name: twin\nsteps: {s: {}}\nreconcile: {id: 5}\n",
        "name: !env UNSET\nsteps: {s: {}}\n",
    ],
)
def test_names_that_are_fine(tmp_path: Path, text: str) -> None:
    """A name that is live at most once passes, and so does a name with a pinned id."""
    assert _found(tmp_path, text) == []


def test_a_name_from_the_environment(tmp_path: Path) -> None:
    """A name that came through `!env` is looked up, and not shown."""
    (finding,) = _found(tmp_path, "name: !env NAME\nsteps: {s: {}}\n", NAME="twin")
    assert finding.rule == "workflow-name-twice"
    assert "twin" not in finding.message + finding.excerpt


def test_a_patch(tmp_path: Path) -> None:
    """A patch, for all steps or in its body, is checked where it sets image and version together."""
    text = (
        "patch:\n"
        "  name: twin\n"
        "  set:\n"
        "    imageId: 10\n"
        "    imageVersionId: 9\n"
        "    instanceTypeId: 7\n"
        "  body:\n"
        "    steps:\n"
        "      a: {imageId: 7}\n"
        "      b: {imageVersionId: 9, resources: {instanceTypeId: 8}}\n"
    )
    found = {finding.position and finding.position.line: finding for finding in _found(tmp_path, text)}
    assert {line: finding.rule for line, finding in found.items()} == {
        2: "workflow-name-twice",
        5: "image-version-unknown",
        6: "instance-type-unknown",
        9: "image-unknown",
        10: "instance-type-unknown",
    }
    assert found[6].path == ("patch", "set", "instanceTypeId")
    assert found[10].path == ("patch", "body", "steps", "b", "resources", "instanceTypeId")


def test_a_patch_of_the_version_alone(tmp_path: Path) -> None:
    """A version without its image is one of an image that only the live workflow knows."""
    assert _found(tmp_path, "patch: {name: flow, set: {imageVersionId: 999}}\n") == []


@pytest.mark.parametrize(
    ("comment", "rules"),
    [
        ("image-unknown", ["instance-type-unknown"]),
        ("instance-type-unknown, image-unknown", []),
        ("no-such-rule", ["image-unknown", "instance-type-unknown"]),
    ],
)
def test_a_comment_switches_a_rule_off(tmp_path: Path, comment: str, rules: list[str]) -> None:
    """The same comment that switches off any other rule for its line switches off these."""
    text = _step("imageId: 7, resources: {instanceTypeId: 7}").rstrip()
    found = _found(tmp_path, f"{text} # reconciler: ignore[{comment}]\n")
    assert [finding.rule for finding in found] == rules


def test_rules_that_are_off(tmp_path: Path) -> None:
    """A rule that is switched off for the run finds nothing."""
    (manifest,) = _manifests(tmp_path, _step("imageId: 7, resources: {instanceTypeId: 7}"))
    found = check_online(manifest, _FACTS, frozenset({"image-unknown"}))
    assert [finding.rule for finding in found] == ["instance-type-unknown"]


def test_lookup(tmp_path: Path) -> None:
    """Each id and name is needed once, whichever manifests name it."""
    text = (
        "name: a\nsteps: {s: {imageId: 1, imageVersionId: 2}, t: {imageId: 1}}\n---\n"
        "name: !env UNSET\nsteps: {s: {imageId: 3, resources: {instanceTypeId: 4}}}\n---\n"
        "name: pinned\nsteps: {s: {}}\nreconcile: {id: 7}\n---\n"
        "patch: {name: b, set: {imageId: 5, instanceTypeId: 6}}\n"
    )
    manifests = _manifests(tmp_path, text)
    assert lookup_of(manifests) == Lookup(
        images=frozenset({1, 3, 5}), instance_types=frozenset({4, 6}), names=frozenset({"a", "b"})
    )


def test_nothing_is_needed_of_nothing() -> None:
    """Without manifests nothing need be read."""
    assert lookup_of(()) == Lookup(images=frozenset(), instance_types=frozenset(), names=frozenset())


@pytest.mark.parametrize(
    ("off", "left"),
    [
        ({"image-unknown", "image-version-unknown"}, "images instance_types names"),
        ({"image-unknown", "image-version-unknown", "image-version-not-ready"}, "instance_types names"),
        ({"instance-type-unknown"}, "images names"),
        ({"workflow-name-twice"}, "images instance_types"),
        (set(_IDS), ""),
    ],
)
def test_rules_that_are_off_need_nothing(tmp_path: Path, off: set[str], left: str) -> None:
    """What only rules that are switched off would look at is not read."""
    manifests = _manifests(tmp_path, _step("imageId: 1, resources: {instanceTypeId: 2}"))
    needs = lookup_of(manifests, frozenset(off))
    assert [name for name in ("images", "instance_types", "names") if getattr(needs, name)] == left.split()

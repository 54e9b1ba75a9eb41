"""Plans and applies for a tenant with a profile: they say more, write less, and are not misled by it."""

from __future__ import annotations

import copy
import random
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import pytest
from flow_helpers import FakeTime, Git, body, rich, step
from strategies import DEPTH

from reconciler.apply import Status
from reconciler.configuration import Environment
from reconciler.emulator.profiles import SWITCHES, check_profile
from reconciler.emulator.server import EmulatorServer
from reconciler.operations import Listener
from reconciler.plan import Create, Update
from reconciler.tenant_profile import Behaviour, TenantProfile
from reconciler.workflow import Body

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from reconciler.apply import Report
    from reconciler.plan import Plan

_TOKEN_HIDDEN: Final = ("token-masked", "token-omitted", "token-null", "token-empty", "hidden")
_WITH_TOKEN: Final = body(
    metadata={"allowConcurrentExecution": True},
    steps={"load": step(repository={"url": "https://example.com/a", "branch": "main", "token": "vault"})},
)


def _many_fields() -> dict[str, Any]:
    """Return a workflow with most fields at the top, and two steps."""
    whole = rich()
    return {**whole, "steps": {name: whole["steps"][name] for name in ("load", "basic")}}


def _profile(*words: str, not_found: Iterable[str] = ()) -> TenantProfile:
    """Return a profile with behaviours as the emulator names them."""
    found: dict[str, Behaviour] = {}
    for word in words:
        name, _, value = word.partition("=")
        values = found[name].values if name in found else ()
        found[name] = Behaviour(values=(*values, value) if value else values)
    return TenantProfile(found=found, not_found=tuple(not_found))


def _knows(git: Git, profile: TenantProfile) -> None:
    """Give the environment of `git` a profile."""
    file = git.folder.parent / "tenant-profile.yaml"
    profile.write(file)
    git.choose(environment=Environment(name="dev", profile=file), concurrency=1)


def _writes(git: Git) -> list[str]:
    return [request.method for request in git.server.requests if request.method != "GET"]


def _notes(plan: Plan) -> list[str]:
    return [note for action in plan.actions for note in action.notes]


def _errors(report: Report) -> list[str]:
    return [result.error for result in report.results if result.status is not Status.DONE]


def test_the_first_plan_says_what_is_not_kept_or_returned(git: Git) -> None:
    """A create says it of all its fields, an update only of those that it changes."""
    git.server.profile = frozenset({"token-omitted", "metadata-hidden", "text-cut=24"})
    _knows(git, _profile("token-omitted", "metadata-hidden", "text-cut=24", "tags-lower"))
    git.write(_WITH_TOKEN)
    plan = git.plan()
    assert isinstance(plan.actions[0], Create)
    hidden, cut = "steps.load.repository.token", "texts are cut to 24 characters (tenant profile)"
    (note,) = _notes(plan)
    assert note == (
        f"this tenant does not return {hidden}, metadata.allowConcurrentExecution (tenant profile): "
        "a change at the platform does not show"
    )
    git.done(plan)
    changed = copy.deepcopy(_WITH_TOKEN)
    changed["steps"]["load"]["command"] = "python -m package.module.of.ours"
    git.write(changed)
    plan = git.plan()
    assert isinstance(plan.actions[0], Update)
    assert _notes(plan) == [f"steps.load.command: on this tenant {cut}"]
    git.done(plan)


@pytest.mark.parametrize("known", [True, False])
def test_digests_are_sent_with_the_create(git: Git, *, known: bool) -> None:
    """Where the profile says that fields are not returned, a create needs no second write."""
    git.server.profile = frozenset({"token-omitted", "metadata-hidden"})
    _knows(git, _profile("token-omitted", "metadata-hidden") if known else _profile())
    git.write(_WITH_TOKEN)
    git.done()
    assert _writes(git) == (["POST"] if known else ["POST", "PUT"])


@pytest.mark.parametrize(
    ("platform", "known"),
    [("put-merges", True), ("put-merges-deep", True), ("put-merges-deep", False), ("documented", True)],
)
def test_what_goes_is_sent_empty_at_once(git: Git, platform: str, *, known: bool) -> None:
    """Where PUT merges, the first update empties what goes; a profile that is wrong costs nothing."""
    git.server.profile = frozenset({platform} - {"documented"})
    _knows(
        git, _profile("put-merges-deep" if platform == "documented" else platform) if known else _profile()
    )
    git.write(_many_fields())
    git.done()
    git.server.clear_requests()
    changed = _many_fields()
    del changed["watchers"], changed["metadata"]
    git.write(changed)
    git.done()
    merges = platform != "documented"
    assert _writes(git) == ["PUT"] * (2 if merges and not known else 1)
    assert Body(git.server.store.workflows()[1]).form == Body(changed).form


@pytest.mark.parametrize("known", [True, False])
def test_a_list_that_is_known_to_be_late(git: Git, *, known: bool) -> None:
    """A create whose answer was lost is looked for as long as the list is known to be late."""
    git.server.profile = frozenset({"list-lag=5000"})
    _knows(git, _profile("list-lag=5000") if known else _profile())
    git.write(body())
    git.server.add_fault("drop-after:x1@POST")
    report = git.apply()
    assert [result.status for result in report.results] == [Status.DONE if known else Status.FAILED] or known
    assert len(git.server.store.workflows()) == 1 or not known


def test_what_the_tenant_answers_counts(git: Git) -> None:
    """A profile that is no longer so is named, in the report and then in the plan, and is not followed."""
    warned: list[str] = []

    class Heard(Listener):
        def warning(self, text: str) -> None:
            warned.append(text)

    _knows(git, _profile("token-masked"))
    git.write(_WITH_TOKEN)
    (result,) = git.done().results
    assert "no longer behaves as its profile says (token-masked)" in "".join(result.notes)
    with git.engine() as engine:
        object.__setattr__(engine, "listener", Heard())
        plan = engine.plan()
    assert not plan.changes_anything
    assert "(token-masked)" in "".join(warned)


def test_what_the_tenant_hides_now(git: Git) -> None:
    """A field that the profile says is returned, and that no longer is, is named in the report."""
    git.server.profile = frozenset({"token-null"})
    _knows(git, _profile(not_found=_TOKEN_HIDDEN))
    git.write(_WITH_TOKEN)
    (result,) = git.done().results
    assert "no longer behaves as its profile says (repository.token is returned)" in "".join(result.notes)


_HIDING: Final = (
    *("token-masked", "token-omitted", "token-null", "token-empty", "auth-masked", "auth-hidden"),
    *("metadata-hidden", "retry-hidden", "step-retry-hidden", "hidden=auth", "hidden=retryOptions"),
)


@pytest.mark.parametrize("platform", _HIDING if DEPTH > 1 else ("token-empty", "hidden=retryOptions"))
def test_a_right_profile_is_not_contradicted(git: Git, platform: str) -> None:
    """A tenant that behaves as its profile says gives no note."""
    git.server.profile = frozenset({platform})
    known = [name for name in SWITCHES if name != platform.partition("=")[0]]
    _knows(git, _profile(platform, not_found=known))
    git.write(_many_fields())
    report = git.done()
    plan = git.plan()
    assert not plan.facts.contradictions
    assert "no longer" not in "".join(note for result in report.results for note in result.notes)


_VALUES: Final = {"MS": ("1", "700", "999999999"), "N": ("1", "3", "50"), "STATUS": ("400", "422")}
_UNSOUND: Final = (
    *("no-such-behaviour", "list-lag=soon", "list-lag=-5", "tag-length-cut=x", "text-cut=", "hidden="),
    *("token-masked=7", "hidden=steps", "hidden=name", "describe-lag=1e9"),
)
_PLATFORMS: Final = (
    *((), ("token-masked",), ("put-merges",), ("put-merges-deep", "retry-hidden"), ("list-lag=1500",)),
    *(("metadata-hidden", "auth-hidden"), ("unknown-keys-refused", "unknown-fields"), ("floats", "nulls")),
)


def _any_profile(chance: random.Random) -> TenantProfile:
    """Return a profile of words that contradict each other and the tenant, or that say nothing."""
    words = chance.sample([*SWITCHES], chance.randint(1, 25)) + chance.sample(_UNSOUND, 3)
    words = [
        f"{word}={chance.choice(_VALUES[SWITCHES[word].takes])}"
        if word in SWITCHES and SWITCHES[word].takes in _VALUES
        else word
        for word in words
    ]
    return _profile(*words, not_found=chance.sample([*SWITCHES], chance.randint(0, 60)))


def _changed(manifest: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return a manifest without some of its fields, and with another value."""
    changed = copy.deepcopy(manifest)
    changed["steps"]["load"]["command"] = "python other.py"
    for key in chance.sample(["watchers", "metadata", "retryOptions", "triggers"], 2):
        del changed[key]
    del changed["steps"]["load"][chance.choice(["stepTimeout", "repository", "runConfiguration"])]
    return changed


def _after(
    server: EmulatorServer, folder: Path, time: FakeTime, profile: TenantProfile | None, seed: int
) -> Any:
    """Apply a manifest and a change of it, with a lost answer, and return what is stored."""
    folder.mkdir()
    git = Git(server, folder / "workflows", time)
    git.folder.mkdir()
    git.owned_by("team")
    git.choose(concurrency=1)
    if profile is not None:
        _knows(git, profile)
        git.choose(environment=git.settings.environment, concurrency=1)
    chance = random.Random(seed)  # noqa: S311 - a choice of examples
    manifest = _many_fields()
    server.add_fault(chance.choice(["drop-after:x1@POST", "503:x1@POST", "429-seconds:1:x1@POST"]))
    for wanted in (manifest, _changed(manifest, chance)):
        git.write(wanted)
        assert _errors(git.apply()) == []
        time.sleep(15)
        git.is_clean()
    _check_guards(server)
    return [Body(stored).form for stored in server.store.workflows().values()]


def _check_guards(server: EmulatorServer) -> None:
    """Check that each workflow is read just before it is written, and the list before a create."""
    read = ""
    for request in server.requests:
        if request.method == "PUT":
            assert read == request.path, "a write without a guard"
        elif request.method == "POST" and request.path.endswith("/workflows/"):
            assert read.endswith("/workflows/"), "a create without a look"
        refused = isinstance(request.status, int) and request.status >= HTTPStatus.BAD_REQUEST
        if request.method == "GET" or refused:
            read = request.path


@pytest.mark.parametrize("seed", range(2 if DEPTH == 1 else 40 * DEPTH))
def test_no_profile_misleads(tmp_path: Path, seed: int) -> None:
    """Law: with any profile, also a hostile one, an apply ends as without one, guarded and without a twin."""
    chance = random.Random(seed)  # noqa: S311 - a choice of examples
    platform = check_profile(_PLATFORMS[seed % len(_PLATFORMS)])
    ends = []
    for name, profile in (("without", None), ("with", _any_profile(chance))):
        time = FakeTime()
        with EmulatorServer(token=None, clock=time, profile=platform) as server:
            ends.append(_after(server, tmp_path / name, time, profile, seed))
    assert ends[0] == ends[1]
    assert len(ends[0]) == 1

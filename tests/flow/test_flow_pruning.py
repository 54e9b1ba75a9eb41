"""Pruning: which owned workflows go away, which never do, and that deletes come last."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import LIST, Git, body, errors, kinds, statuses
from strategies import DEPTH

from reconciler.apply_limits import Safety
from reconciler.errors import InvalidInputError
from reconciler.plan import Selection, Shard
from reconciler.workflow import owner_tag

if TYPE_CHECKING:
    from collections.abc import Iterable

OWNER = "team-a"
_DEFAULT = Safety()


def _live(git: Git, names: Iterable[str], owner: str | None = OWNER, **fields: Any) -> None:
    """Put workflows into the tenant, as an apply for `owner` would have left them."""
    tags = [{"name": owner_tag(owner)}] if owner else []
    for name in names:
        git.server.store.create(body(name, tags=tags, **fields))


def _manifests(git: Git, names: Iterable[str]) -> None:
    for name in names:
        git.write(body(name), f"{name}.yaml")


def _names(number: int) -> list[str]:
    return [f"w{index:02}" for index in range(number)]


def _left(git: Git) -> set[str]:
    return {record.name for record in git.server.store.records()}


def _allowed(owned: int, gone: int, safety: Safety = _DEFAULT, allow: int | None = None) -> bool:
    """Return what the contract says: a count and a ratio, never all there is, unless allowed by number."""
    if allow is not None and gone <= allow:
        return True
    within = gone <= safety.max_deletes and gone <= math.floor(owned * safety.max_delete_ratio + 1e-9)
    return within and gone < owned


_FLAGS: dict[str, dict[str, Any]] = {
    "default": {},
    "allow-deletes 1": {"allow_deletes": 1},
    "allow-deletes 4": {"allow_deletes": 4},
    "allow-deletes 12": {"allow_deletes": 12},
    "max-deletes 0": {"safety": Safety(max_deletes=0)},
    "max-deletes 12": {"safety": Safety(max_deletes=12)},
    "max-delete-ratio 1": {"safety": Safety(max_delete_ratio=1.0)},
    "both limits off": {"safety": Safety(max_deletes=12, max_delete_ratio=1.0)},
}


@pytest.mark.parametrize("flags", _FLAGS)
def test_the_limits_of_deletes(flags: str) -> None:
    """Of 1 to 12 owned workflows, each number of deletes is allowed or refused as the contract says."""
    scope = _FLAGS[flags]
    safety, allow = scope.get("safety", _DEFAULT), scope.get("allow_deletes")
    for owned in range(1, 13):
        for gone in range(1, owned + 1):
            refused = bool(safety.deletes_refused(gone, owned, allowed=allow))
            assert refused is not _allowed(owned, gone, safety, allow), (owned, gone)


@pytest.mark.parametrize("flags", _FLAGS)
@pytest.mark.parametrize("owned", range(1, 13) if DEPTH > 1 else [1, 4, 10])
def test_the_delete_table(git: Git, owned: int, flags: str) -> None:
    """Of some owned workflows, each number of manifests removed: what may go, goes; else nothing does."""
    scope = _FLAGS[flags]
    names = _names(owned)
    _live(git, names)
    _live(git, ["foreign"], "team-b")
    _live(git, ["nobody"], None)
    for gone in range(owned + 1):
        for file in git.folder.iterdir():
            file.unlink()
        _manifests(git, names[gone:])
        if gone == owned:
            git.write({"name": "keeper", "steps": {"one": {"command": "x"}}}, "keeper.yaml")
        git.owned_by(OWNER, **scope)
        plan = git.plan()
        deleted = [name for name, kind in kinds(plan).items() if kind == "delete"]
        refused = [name for name, kind in kinds(plan).items() if kind == "blocked"]
        expected = names[:gone]
        if _allowed(owned, gone, scope.get("safety", _DEFAULT), scope.get("allow_deletes")):
            assert (deleted, refused) == (expected, [])
        else:
            assert (deleted, refused) == ([], expected)
        assert plan.blocked is bool(refused)


def test_the_table_by_hand() -> None:
    """The limits at their defaults, in numbers that anybody can check."""
    most = {
        owned: max(k for k in range(owned + 1) if not Safety().deletes_refused(k, owned))
        for owned in range(1, 13)
    }
    assert most == {1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 6: 1, 7: 2, 8: 2, 9: 2, 10: 3, 11: 3, 12: 3}
    assert not Safety().deletes_refused(9, 9, allowed=9)
    assert Safety(max_deletes=9, max_delete_ratio=1.0).deletes_refused(9, 9)


def test_a_prune_deletes_and_verifies(git: Git) -> None:
    """An owned workflow without a manifest goes away; others' and nobody's stay; then nothing is left."""
    _manifests(git, _names(5))
    git.owned_by(OWNER)
    git.done()
    _live(git, ["theirs"], "team-b")
    _live(git, ["nobodys"], None)
    git.remove("w01.yaml")
    assert kinds(git.plan())["w01"] == "delete"
    git.done()
    assert _left(git) == {"w00", "w02", "w03", "w04", "theirs", "nobodys"}


def test_nothing_goes_without_prune(git: Git) -> None:
    """Without --prune a workflow without a manifest stays, and is listed: owned, or where asked for."""
    _live(git, _names(5))
    _live(git, ["nobodys"], None)
    _manifests(git, _names(4))
    git.owned_by(OWNER, prune=False, show_unmanaged=True)
    plan = git.plan()
    assert set(kinds(plan).values()) == {"unchanged"}
    assert [item.name for item in plan.orphaned] == ["w04"]
    assert [item.name for item in plan.unmanaged] == ["nobodys"]


def test_no_manifest_empties_no_tenant(git: Git) -> None:
    """Without a single workflow manifest nothing is pruned, however many deletes are allowed."""
    _live(git, _names(4))
    git.owned_by(OWNER, allow_deletes=4)
    with pytest.raises(InvalidInputError, match="invalid"):
        git.plan()
    git.write({"patch": {"name": "w00", "body": {"steps": {"one": {"command": "x"}}}}}, "patch.yaml")
    assert list(kinds(git.plan()).values()).count("blocked") == 3
    assert list(statuses(git.apply()).values()).count("blocked") == 3
    assert _left(git) == set(_names(4))


def test_an_empty_file_deletes_nothing(git: Git) -> None:
    """A manifest that lost its content, as on a full disk, is no wish to delete; a comment for it may be."""
    _live(git, _names(6))
    _manifests(git, _names(6))
    (git.folder / "w03.yaml").write_bytes(b"")
    git.owned_by(OWNER)
    with pytest.raises(InvalidInputError, match=r"w03\.yaml is an empty file"):
        git.plan()
    assert git.server.requests == []
    git.owned_by(OWNER, prune=False)
    assert set(kinds(git.plan()).values()) == {"unchanged"}
    git.owned_by(OWNER)
    git.write("# moved to another tenant", "w03.yaml")
    assert kinds(git.plan())["w03"] == "delete"


def test_a_workflow_that_a_manifest_may_mean_stays(git: Git) -> None:
    """A name or an id that occurs anywhere in a manifest is never pruned, whatever it is matched with."""
    _live(git, _names(10))
    names = _names(10)
    _manifests(git, names[5:])
    git.write(body(names[5]), f"{names[5]}.yaml", renamedFrom=[names[0]])
    git.write(body("new"), "pinned.yaml", id=git.live(names[1]))
    git.write({"patch": {"name": names[2], "set": {"name": names[3]}}}, "patch.yaml")
    git.owned_by(OWNER)
    found = kinds(git.plan())
    assert [name for name, kind in found.items() if kind == "delete"] == [names[4]]


def test_deletes_are_withheld_after_a_failure(git: Git) -> None:
    """When a create or an update fails or is blocked, no delete is tried; the next run does it."""
    _live(git, _names(5))
    _manifests(git, [*_names(4), "new"])
    git.owned_by(OWNER)
    plan = git.plan()
    git.server.faults = ("400@POST",)
    report = git.apply(plan)
    assert statuses(report) == {"new": "failed", "w04": "not_tried"}
    assert "deletes come last" in errors(report)["w04"]
    assert [request.method for request in git.server.requests].count("DELETE") == 0
    git.server.faults = ()
    git.write(body("w00", "echo 2"), "w00.yaml", whenRunning="skip")
    git.server.store.execute(git.live("w00"))
    assert statuses(git.apply())["w04"] == "not_tried"
    git.time.now += 100
    git.done()
    assert "w04" not in _left(git)


def test_deletes_come_last(git: Git) -> None:
    """All creates and updates have been written before the first delete is."""
    _live(git, _names(8))
    _manifests(git, [*_names(6), "new-1", "new-2"])
    git.write(body("w00", "echo 2"), "w00.yaml")
    git.owned_by(OWNER)
    git.done()
    methods = [request.method for request in git.writes()]
    assert (sorted(methods[:3]), methods[3:]) == (["POST", "POST", "PUT"], ["DELETE", "DELETE"])


@pytest.mark.parametrize("prune", [True, False])
def test_a_foreign_owner_is_never_touched(git: Git, prune: bool) -> None:
    """A workflow with another owner's tag is blocked, not taken over, also when it is in sync."""
    _live(git, ["w00", "w01"], "team-b")
    _manifests(git, ["w00"])
    git.write(body("w01", "echo 2"), "w01.yaml")
    before = {record.name: record.body for record in git.server.store.records()}
    git.owned_by(OWNER, prune=prune)
    assert kinds(git.plan()) == {"w00": "blocked", "w01": "blocked"}
    assert "it is owned by team-b" in errors(git.apply())["w01"]
    git.owned_by(None, prune=False)
    assert kinds(git.plan()) == {"w00": "blocked", "w01": "blocked"}
    assert {record.name: record.body for record in git.server.store.records()} == before


def test_a_patch_may_touch_a_foreign_workflow(git: Git) -> None:
    """A patch manifest owns only what it states: it neither takes ownership nor loses the owner's mark."""
    _live(git, ["w00"], "team-b")
    git.write({"patch": {"name": "w00", "body": {"steps": {"one": {"command": "echo 2"}}}}})
    git.owned_by(OWNER)
    git.done()
    assert git.stored("w00")["tags"] == [{"name": owner_tag("team-b")}]


def test_ownership_is_taken_once(git: Git) -> None:
    """A workflow of nobody's becomes ours: an update without fields, which says so, and is done once."""
    _live(git, ["w00"], None)
    _manifests(git, ["w00"])
    git.owned_by(OWNER)
    action = git.action()
    assert (action.changes, action.notes) == ((), ("it becomes owned by team-a",))
    git.done()
    assert git.tag_names("w00") == [owner_tag(OWNER)]


def test_protection_outlives_its_manifest(git: Git) -> None:
    """`prevent_delete` stays on the workflow when its line, or the manifest, goes; only a flag lifts it."""
    _manifests(git, _names(5))
    git.write(body("w00"), "w00.yaml", prevent_delete=True)
    git.owned_by(OWNER)
    git.done()
    git.write(body("w00"), "w00.yaml")
    git.is_clean()
    git.remove("w00.yaml")
    git.owned_by(OWNER, allow_deletes=5)
    assert "it is protected" in errors(git.apply())["w00"]
    git.marking["allow_protected"] = frozenset({"w01"})
    assert kinds(git.plan())["w00"] == "blocked"
    git.marking["allow_protected"] = frozenset({"w00"})
    git.done()
    assert "w00" not in _left(git)


def test_protection_is_lifted_by_name(git: Git) -> None:
    """`--allow-protected` takes the mark off a workflow whose manifest no longer asks for it."""
    git.write(body(), prevent_delete=True)
    git.done()
    assert git.stored()["tags"] == [{"name": "reconciler-protected"}]
    git.write(body())
    git.is_clean()
    git.marking["allow_protected"] = frozenset({"flow"})
    assert git.action().notes == ("its protection from being deleted is lifted (--allow-protected)",)
    git.done()
    assert git.stored().get("tags", []) == []


def test_a_delete_is_guarded(git: Git) -> None:
    """What was changed, taken over or protected after the plan was made is not deleted."""
    _live(git, _names(10))
    _manifests(git, _names(7))
    git.owned_by(OWNER)
    plan = git.plan()
    store = git.server.store
    store.replace(git.live("w07"), body("w07", "echo theirs", tags=[{"name": owner_tag(OWNER)}]))
    store.replace(git.live("w08"), body("w08", tags=[{"name": owner_tag("team-b")}]))
    store.delete(git.live("w09"))
    assert statuses(git.apply(plan)) == {"w07": "blocked", "w08": "blocked", "w09": "done"}
    assert {"w07", "w08"} <= _left(git)


def test_a_delete_waits_for_a_run(git: Git) -> None:
    """A workflow that runs is deleted once its run has ended."""
    _live(git, _names(5))
    _manifests(git, _names(4))
    git.owned_by(OWNER)
    git.server.store.execute(git.live("w04"))
    assert git.plan().actions[0].notes
    git.done()
    assert "w04" not in _left(git)
    assert git.time.sleeps


@pytest.mark.parametrize("fault", ["drop-after", "500-after", "truncated", "503-after", "drop-before", "500"])
def test_a_delete_with_a_lost_answer(git: Git, fault: str) -> None:
    """A delete whose answer is lost is looked after, and nothing else goes."""
    _live(git, _names(5))
    _manifests(git, _names(4))
    git.owned_by(OWNER)
    git.server.faults = (f"{fault}:x1@DELETE",)
    git.done()
    assert _left(git) == set(_names(4))


def test_a_delete_that_is_refused(git: Git) -> None:
    """A delete that the platform refuses permanently fails, and the workflow stays."""
    _live(git, _names(5))
    _manifests(git, _names(4))
    git.owned_by(OWNER)
    git.server.faults = (f"409@DELETE{LIST}*",)
    report = git.apply()
    assert statuses(report) == {"w04": "failed"}
    assert "409" in errors(report)["w04"]
    assert "w04" in _left(git)


def test_globs_and_shards(git: Git) -> None:
    """A run over a part plans only that part; all parts together plan everything; limits count them all."""
    names = _names(10)
    _live(git, names)
    _manifests(git, names[:8])
    git.owned_by(OWNER, selection=Selection(targets=("w0[0-3]", "w08"), exclude=("w00",)))
    plan = git.plan()
    assert list(kinds(plan)) == ["w08", "w01", "w02", "w03"]
    assert plan.unselected == 5
    seen: list[str] = []
    for number in range(1, 4):
        git.owned_by(OWNER, selection=Selection(shard=Shard(number=number, of=3)))
        seen += kinds(git.plan())
    assert sorted(seen) == names
    _manifests(git, names[:5])
    for name in names[5:8]:
        git.remove(f"{name}.yaml")
    for number in range(1, 4):
        git.owned_by(OWNER, selection=Selection(shard=Shard(number=number, of=3)))
        assert "delete" not in kinds(git.plan()).values()


def test_a_possible_rename_is_named(git: Git) -> None:
    """A create and a delete of nearly equal workflows are shown with the line that makes them a rename."""
    fields = {"steps": {name: {"imageId": 1, "imageVersionId": 2, "command": name} for name in "abcd"}}
    git.owned_by(OWNER)
    _manifests(git, _names(4))
    git.write(body("old", **fields), "moved.yaml")
    git.done()
    git.write(body("new", **fields), "moved.yaml")
    _manifests(git, ["other"])
    plan = git.plan()
    hinted = {action.name: action.warnings for action in plan.actions if action.warnings}
    assert list(hinted) == ["old", "new"]
    assert 'reconcile: {renamedFrom: ["old"]}' in hinted["new"][0]
    git.write(body("new", **fields), "moved.yaml", renamedFrom=["old"])
    git.remove("other.yaml")
    identity = git.live("old")
    git.done()
    assert git.live("new") == identity


def test_a_change_of_too_much(git: Git) -> None:
    """Past `max_change_ratio` nothing at all is done."""
    _manifests(git, _names(4))
    git.done()
    for name in _names(3):
        git.write(body(name, "echo 2"), f"{name}.yaml")
    git.owned_by(None, prune=False, safety=Safety(max_change_ratio=0.5))
    plan = git.plan()
    assert "3 of 4 live workflows would change" in plan.refusal
    assert plan.blocked


def test_a_pause_counts_as_a_change(git: Git) -> None:
    """Workflows that are only paused or resumed count for `max_change_ratio`, too."""
    _manifests(git, _names(4))
    git.done()
    for name in _names(3):
        git.write(body(name), f"{name}.yaml", paused=True)
    git.owned_by(None, prune=False, safety=Safety(max_change_ratio=0.5))
    assert "3 of 4 live workflows would change" in git.plan().refusal


@pytest.mark.parametrize(
    ("of", "shards"),
    [(1, [1, 1, 1, 1, 1, 1]), (2, [2, 1, 2, 1, 2, 2]), (3, [3, 2, 3, 2, 1, 3]), (7, [6, 5, 2, 5, 4, 5])],
)
def test_the_shard_of_a_name_is_the_same_forever(of: int, shards: list[int]) -> None:
    """Jobs that each take a shard agree, whatever machine or release they run on."""
    names = ("load-sales", "forecast", "träger", "a", "A", "nightly report")
    found = [next(n for n in range(1, of + 1) if Shard(number=n, of=of).takes(name)) for name in names]
    assert found == shards

"""Overlays: partial documents over the manifest of the same name, before it is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from manifest_helpers import names, only, write
from strategies import LAWS

from reconciler.manifests import LoadResult, OverlayOptions, Parameters, ReadOptions, load_manifests
from reconciler.operations import load_settings
from reconciler.values import lookup, nodes

_BASE = """\
body:
  name: train
  triggers: [{cron: 0 6 * * *}, {webhook: true}]
  watchers:
    - user: ann@example.com
      events: {fail: true, success: true}
    - user: bo@example.com
      events: {fail: true}
  tags: [{name: a}, {name: b}]
  steps:
    load: {imageId: 1, imageVersionId: 2, command: python load.py}
    fit:
      imageId: 1
      imageVersionId: 2
      command: python fit.py
      parents: [load]
      parameters: {env: {MODE: fast, SIZE: s}}
"""


def _load(folder: Path, *overlays: str, base: str = _BASE, **options: Any) -> LoadResult:
    """Load `base` with each of `overlays` in a file of its own."""
    write(folder / "flows" / "train.yaml", base)
    for number, text in enumerate(overlays):
        write(folder / "over" / f"{number}.yaml", text)
    paths = (str(folder / "over"),) if overlays else ()
    env = options.pop("env", {})
    parameters = options.pop("parameters", Parameters())
    chosen = OverlayOptions(paths=paths, root=folder.resolve(), **options)
    reading = ReadOptions(overlays=chosen, parameters=parameters)
    return load_manifests((str(folder / "flows"),), env, reading)


def _body(result: LoadResult) -> dict[str, Any]:
    assert result.findings == ()
    (manifest,) = result.manifests
    return manifest.body


def test_mappings_are_merged_and_null_removes(tmp_path: Path) -> None:
    """A key replaces the one below it, `null` removes one, and lists without names are replaced."""
    body = _body(
        _load(
            tmp_path,
            "patch:\n  name: train\n  body:\n    triggers: ~\n    steps:\n      fit:\n        parents: []\n"
            "        parameters: {env: {MODE: exact, SIZE: null, NEW: x}}\n      load: null\n"
            "      score: {imageId: 1, imageVersionId: 2, command: python score.py, parents: [fit]}\n",
        )
    )
    assert body["steps"] == {
        "fit": {
            "imageId": 1,
            "imageVersionId": 2,
            "command": "python fit.py",
            "parents": [],
            "parameters": {"env": {"MODE": "exact", "NEW": "x"}},
        },
        "score": {"imageId": 1, "imageVersionId": 2, "command": "python score.py", "parents": ["fit"]},
    }
    assert "triggers" not in body
    assert [tag["name"] for tag in body["tags"]] == ["a", "b"]


def test_lists_with_names_are_merged_by_them(tmp_path: Path) -> None:
    """A trigger replaces that of its kind, a watcher is merged into that of its user, a tag is added."""
    body = _body(
        _load(
            tmp_path,
            "patch:\n  name: train\n  body:\n    triggers: [{cron: 0 9 * * *}]\n"
            "    watchers: [{user: ANN@example.com, events: {success: false}},"
            " {user: cy@example.com, events: {fail: true}}]\n"
            "    tags: [{name: c}, {name: B}]\n",
        )
    )
    assert sorted(map(str, body["triggers"])) == sorted(map(str, [{"cron": "0 9 * * *"}, {"webhook": True}]))
    watchers = {watcher["user"].lower(): watcher["events"] for watcher in body["watchers"]}
    assert watchers == {
        "ann@example.com": {"fail": True, "success": False},
        "bo@example.com": {"fail": True},
        "cy@example.com": {"fail": True},
    }
    assert sorted(tag["name"].lower() for tag in body["tags"]) == ["a", "b", "c"]


def test_one_item_of_a_list_is_removed(tmp_path: Path) -> None:
    """Triggers, watchers and tags may be a mapping by name, whose `null` removes one."""
    body = _body(
        _load(
            tmp_path,
            "patch:\n  name: train\n  body:\n    triggers: {webhook: ~}\n"
            '    watchers: {"user:bo@example.com": ~}\n'
            "    tags: {A: ~}\n",
        )
    )
    assert body["triggers"] == [{"cron": "0 6 * * *"}]
    assert [watcher["user"] for watcher in body["watchers"]] == ["ann@example.com"]
    assert body["tags"] == [{"name": "b"}]


def test_keywords_and_settings(tmp_path: Path) -> None:
    """`set` goes into the named steps, or into all; `reconcile` overrides settings."""
    result = _load(
        tmp_path,
        "patch: {name: train, set: {imageVersionId: 7}}\nreconcile: {prevent_delete: true, id: 12}\n"
        "---\npatch: {name: train, stepNames: [fit], set: {branch: prod, instanceTypeId: 3}}\n",
    )
    (manifest,) = result.manifests
    steps = _body(result)["steps"]
    assert [steps[name]["imageVersionId"] for name in ("load", "fit")] == [7, 7]
    assert (steps["fit"]["repository"], steps["fit"]["resources"]) == (
        {"branch": "prod"},
        {"instanceTypeId": 3},
    )
    assert (manifest.settings.prevent_delete, manifest.settings.id) == (True, 12)


def test_each_value_keeps_its_place(tmp_path: Path) -> None:
    """A value from an overlay has the overlay's file and line, the other ones keep theirs."""
    overlay = (
        "patch:\n  name: train\n  body:\n    tags: [{name: c}]\n    watchers: {'user:ann@example.com': ~}\n"
        "    steps:\n      fit:\n        parameters:\n          env:\n            MODE: !env MODE\n"
    )
    (manifest,) = _load(tmp_path, overlay, env={"MODE": "canary"}).manifests
    source, base, over = manifest.source, str(tmp_path / "flows/train.yaml"), str(tmp_path / "over/0.yaml")
    path = ("steps", "fit", "parameters", "env")
    assert source.line((*path, "MODE")) == (over, 10)
    assert source.line((*path, "SIZE")) == (base, 17)
    assert source.line(("watchers", 0, "user")) == (base, 7)
    assert source.line(("tags", 1, "name")) == (base, 9)
    assert source.line(("tags", 2, "name")) == (over, 4)
    assert str(source) == f"{base}:2"
    assert manifest.sensitive == {(*path, "MODE")}
    assert source.variable((*path, "MODE")) == "MODE"


def test_overlays_that_disagree(tmp_path: Path) -> None:
    """Two overlays with different values for one field are an error that names both places."""
    one = "patch: {name: train, body: {steps: {fit: {command: one}}}}\n"
    two = "patch:\n  name: train\n  body:\n    steps: {fit: {command: two}}\n"
    finding = only(_load(tmp_path, one, two))
    assert (finding.rule, Path(finding.file).name) == ("overlay-conflict", "1.yaml")
    assert finding.position is not None
    assert finding.position.line == 4
    assert (
        f"steps.fit.command is changed by two overlays: the other is {tmp_path / 'over/0.yaml'}:1"
        in finding.message
    )


@pytest.mark.parametrize(
    ("one", "two", "agree"),
    [
        ("body: {steps: {fit: {command: x}}}", "body: {steps: {fit: {command: x, stepTimeout: 5}}}", True),
        ("body: {steps: {fit: ~}}", "body: {steps: {fit: {command: x}}}", False),
        ("body: {steps: {fit: {parents: []}}}", "body: {steps: {fit: {parents: [load]}}}", False),
        ("set: {imageVersionId: 3}", "body: {steps: {load: {imageVersionId: 4}}}", False),
        ("body: {triggers: [{cron: 0 1 * * *}]}", "body: {triggers: {cron: ~}}", False),
        ("body: {tags: [{name: x}]}", "body: {tags: [{name: y}]}", True),
        ("body: {watchers: {'user:bo@example.com': ~}}", "body: {tags: [{name: y}]}", True),
    ],
)
def test_which_overlays_agree(tmp_path: Path, one: str, two: str, *, agree: bool) -> None:
    """Overlays agree that touch other fields, or state the same; whatever their order."""
    first, second = (f"patch: {{name: train, {text}}}\n" for text in (one, two))
    for number, overlays in enumerate(((first, second), (second, first))):
        result = _load(tmp_path / str(number), *overlays)
        assert [finding.rule for finding in result.findings] == ([] if agree else ["overlay-conflict"])


def test_overlay_without_a_manifest(tmp_path: Path) -> None:
    """An overlay whose name no manifest has is an error with the nearest name, unless a part is read."""
    overlay = "patch: {name: trian, set: {command: x}}\n"
    finding = only(_load(tmp_path, overlay))
    assert (finding.rule, Path(finding.file).name) == ("overlay-without-manifest", "0.yaml")
    assert finding.message == (
        "the overlay is for 'trian', and no manifest has that name; did you mean 'train'?"
    )
    assert _load(tmp_path, overlay, whole=False).findings == ()


@pytest.mark.parametrize(
    ("overlay", "rule", "line", "said"),
    [
        (
            "patch:\n  name: train\n  body: {steps: {fit: {imageId: x}}}\n",
            "schema-type",
            3,
            "imageId must be a",
        ),
        ("patch:\n  name: train\n  body: {stepz: {}}\n", "schema-unknown-key", 3, "did you mean 'steps'?"),
        ("patch:\n  name: train\n  set: {imageVersion: 2}\n", "schema-unknown-key", 3, "imageVersionId"),
        (
            "patch:\n  name: train\n  stepNames: [fti]\n  set: {command: x}\n",
            "overlay-without-step",
            3,
            "'fit'?",
        ),
        ("name: train\nsteps: {}\n", "not-an-overlay", 1, "write patch: {name: NAME"),
        ("patch: {name: train}\n", "not-an-overlay", 1, "write patch: {name: NAME"),
        (
            "patch: {name: train, set: {command: x}}\nreconcile:\n  prevent_deletion: true\n",
            "schema-unknown-key",
            3,
            "prevent_delete",
        ),
        (
            "patch:\n  name: train\n  body: {steps: {fit: {nothing: ~}}}\n",
            "overlay-removes-nothing",
            3,
            "no steps.fit.nothing",
        ),
        (
            "patch:\n  name: train\n  body: {tags: {zz: ~}}\n",
            "overlay-removes-nothing",
            3,
            "no tags.zz to remove",
        ),
    ],
)
def test_wrong_overlay_is_reported_in_its_file(
    tmp_path: Path, overlay: str, rule: str, line: int, said: str
) -> None:
    """The result is checked like any manifest, and what an overlay brings is found in the overlay."""
    finding = only(_load(tmp_path, overlay))
    assert (finding.rule, Path(finding.file).name) == (rule, "0.yaml")
    assert finding.position is not None
    assert finding.position.line == line
    assert said in finding.message
    assert finding.excerpt == overlay.splitlines()[line - 1]


def test_names_of_an_environment(tmp_path: Path) -> None:
    """A prefix and a suffix go around names of workflows, also former ones, not around those of patches."""
    base = _BASE + "reconcile: {renamedFrom: [fit]}\n---\npatch: {name: theirs, set: {command: x}}\n"
    overlay = "patch: {name: train, set: {command: x}}\n"
    result = _load(tmp_path, overlay, base=base, prefix="prod-", suffix="-eu")
    assert (result.findings, names(result)) == ((), ["prod-train-eu", "theirs"])
    assert result.manifests[0].settings.renamed_from == ("prod-fit-eu",)


def test_overlay_of_a_bare_manifest_and_of_a_patch(tmp_path: Path) -> None:
    """An overlay finds a workflow at the top level, and a patch manifest."""
    base = (
        "name: a\nsteps: {s: {imageId: 1, imageVersionId: 2, command: x}}\n"
        "---\npatch: {name: b, set: {command: y}}\n"
    )
    result = _load(
        tmp_path,
        "patch: {name: a, body: {steps: {s: {command: z}}}}\n"
        "---\npatch: {name: b, body: {steps: {s: {stepTimeout: 5}}}}\n",
        base=base,
    )
    assert result.findings == ()
    assert result.manifests[0].body["steps"]["s"]["command"] == "z"  # type: ignore[index, call-overload]
    assert result.manifests[1].body == {"steps": {"s": {"stepTimeout": 5}}}


_SHARED = """\
manifests: [flows]
reconcile:
  workflows:
    - {match: tr*, ignore: [steps.*.resources], prevent_delete: true}
    - {match: train, whenRunning: wait, paused: true}
environments:
  dev: {}
  prod:
    names: {prefix: prod-}
    reconcile: {workflows: [{match: "*", prevent_delete: true}]}
"""


def test_settings_of_many_workflows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings go by glob to many workflows; a manifest's own win, and what either ignores is ignored."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "reconciler.yaml", _SHARED)
    write(tmp_path / "flows" / "a.yaml", _BASE + "reconcile: {ignore: [tags], paused: false}\n")
    write(tmp_path / "flows" / "b.yaml", _BASE.replace("name: train", "name: other"))
    train, other = load_manifests(("flows",), {}, load_settings().reading).manifests
    assert (train.settings.ignore, train.settings.prevent_delete) == (("steps.*.resources", "tags"), True)
    assert (train.settings.paused, train.settings.when_running.value) == (False, "wait")
    assert (other.settings.ignore, other.settings.prevent_delete) == ((), False)
    document = train.source.document
    assert document.place(("reconcile", "ignore", 0)) == f"{tmp_path / 'reconciler.yaml'}:4:29"
    assert document.place(("reconcile", "ignore", 1)) == "flows/a.yaml:18:22"
    reading = load_settings(environment="prod").reading
    train, other = load_manifests(("flows",), {}, reading).manifests
    assert [train.name, other.name] == ["prod-train", "prod-other"]
    assert (train.settings.ignore, other.settings.prevent_delete) == (("tags",), True)


_KEYS = st.sampled_from(["A", "B", "C"])
_PATCHES = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.lists(st.sampled_from(["a", "b", "c"]), unique=True).map(
            lambda found: [{"name": name} for name in found]
        ),
        "triggers": st.just([{"cron": "0 9 * * *"}]) | st.none(),
        "steps": st.fixed_dictionaries(
            {
                "fit": st.fixed_dictionaries(
                    {},
                    optional={
                        "command": st.sampled_from(["x", "y"]),
                        "parents": st.just([]),
                        "parameters": st.fixed_dictionaries(
                            {"env": st.dictionaries(_KEYS, st.sampled_from(["1", "2"]), min_size=1)}
                        ),
                    },
                )
            }
        ),
    },
)


@LAWS
@given(patches=st.lists(_PATCHES, min_size=1, max_size=3))
def test_every_value_is_where_its_source_says(
    tmp_path_factory: pytest.TempPathFactory, patches: list[dict[str, Any]]
) -> None:
    """Each value of the result is what its source states; a second time, an overlay changes nothing."""
    folder = tmp_path_factory.mktemp("overlays")
    overlays = [yaml.safe_dump({"patch": {"name": "train", "body": patch}}) for patch in patches]
    result = _load(folder, *overlays)
    if any(finding.rule == "overlay-conflict" for finding in result.findings):
        return
    (manifest,) = result.manifests
    document = manifest.source.document
    for path, value in nodes(manifest.body):
        if not isinstance(value, dict | list):
            stating, inside = document.stated(("body", *path))
            assert lookup(stating.value, inside) == value
    (again,) = _load(folder, *overlays, *overlays).manifests
    assert (again.body, again.settings) == (manifest.body, manifest.settings)

"""The reading of documents: both forms of a body, positions, and limits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from manifest_helpers import CANARY, file_rules, load, names, only, workflow, write

from reconciler.findings import Position
from reconciler.manifests import (
    PatchManifest,
    ReconcileSettings,
    WorkflowManifest,
    documents,
    load_manifests,
    yaml_nodes,
    yaml_values,
)
from reconciler.manifests.documents import MAX_DOCUMENTS
from reconciler.manifests.file_findings import MAX_FINDINGS
from reconciler.manifests.manifest import WhenRunning
from reconciler.manifests.yaml_nodes import MAX_DEPTH, MAX_NODES

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.values import Path as FieldPath

_PLACES = """\
# ünïcode before
reconcile:
  id: 7
body:
  name: places
  tags:
    - name: "é"
    - {name: two}
  retryOptions: &retry
    duration: 3
  steps:
    train: &train {imageId: 1, "command": x}
    again:
      <<: *train
      imageId: 2
      runConfiguration: {retryOptions: *retry}
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: a\nsteps: {b: {zzz: 1}} # reconciler: ignore[schema-unknown-key]", True),
        ("patch: {name: a, body: {zzz: 1}}", True),
        ("patch: {name: a, set: {zzz: 1}}", False),
        ("name: a\nsteps: {b: {comand: x}}", False),
        ("name: a\nsteps: {b: {}}\nreconcile: {zzz: 1}", False),
    ],
)
def test_unknown_key_says_where_a_new_field_goes(tmp_path: Path, text: str, said: bool) -> None:
    """A key that is neither known nor misspelled may be newer than this release."""
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    (finding,) = load_manifests((str(tmp_path / "a.yaml"),), {}).findings
    assert finding.rule == "schema-unknown-key"
    assert finding.message.endswith("a new field of the API goes under reconcile: {extra: …}") is said


def test_both_spellings_are_one_manifest(tmp_path: Path) -> None:
    """A body under `body:` and the same body at the top level give the same workflow and settings."""
    bare = workflow("a", "reconcile: {id: 4, paused: true}\n")
    wrapped = "reconcile: {id: 4, paused: true}\nbody:\n  name: a\n  steps:\n    train:\n      imageId: 1\n"
    first, second = (
        load(write(tmp_path / f"{index}.yaml", text)).manifests[0]
        for index, text in enumerate((bare, wrapped))
    )
    assert isinstance(first, WorkflowManifest)
    assert (first.name, first.body, first.settings) == (second.name, second.body, second.settings)
    assert first.body == {"name": "a", "steps": {"train": {"imageId": 1}}}
    assert (first.source.base, second.source.base) == ((), ("body",))
    assert first.wanted_name == "a"


def test_settings_are_read(tmp_path: Path) -> None:
    """Every setting under `reconcile:` arrives, and each has its default when it is left out."""
    text = (
        "reconcile: {id: 4, renamedFrom: [b, c], ignore: [tags], prevent_delete: true, paused: false, "
        "whenRunning: skip}\n"
    )
    file = write(tmp_path / "a.yaml", workflow("a", text) + "---\n" + workflow("d"))
    given, default = (manifest.settings for manifest in load(file).manifests)
    assert given == ReconcileSettings(
        id=4,
        renamed_from=("b", "c"),
        ignore=("tags",),
        prevent_delete=True,
        paused=False,
        when_running=WhenRunning.SKIP,
    )
    assert default == ReconcileSettings(when_running=WhenRunning.PROCEED)
    assert (default.id, default.paused, default.prevent_delete) == (None, None, False)


def test_patch_is_read(tmp_path: Path) -> None:
    """A patch keeps what it sets, for which steps, and what it merges; its new name is the wanted one."""
    text = "patch: {name: a, stepNames: [s], set: {name: b, imageId: 3}, body: {tags: [{name: t}]}}\n"
    (patch,) = load(write(tmp_path / "a.yaml", text)).manifests
    assert isinstance(patch, PatchManifest)
    assert (patch.name, patch.wanted_name, patch.step_names) == ("a", "b", ("s",))
    assert (dict(patch.keywords), patch.body) == ({"name": "b", "imageId": 3}, {"tags": [{"name": "t"}]})


def test_documents_of_one_file(tmp_path: Path) -> None:
    """A file holds any number of manifests; an invalid one is reported and does not hide the others."""
    text = workflow("a") + "---\n" + workflow("b", "wrong: 1\n") + "---\n# empty\n---\n" + workflow("c")
    result = load(write(tmp_path / "all.yaml", text))
    assert names(result) == ["a", "c"]
    assert (only(result).rule, only(result).position) == ("schema-unknown-key", Position(10, 1))
    assert [str(manifest.source).rpartition(":")[2] for manifest in result.manifests] == ["1", "14"]


def test_documents_before_broken_yaml_keep_their_places(tmp_path: Path) -> None:
    """An error in a document before a syntax error is still reported with its position."""
    text = workflow("a", "wrong: 1\n") + "---\nname: [b\n"
    result = load(write(tmp_path / "a.yaml", text))
    assert [(finding.rule, finding.position) for finding in result.findings] == [
        ("schema-unknown-key", Position(5, 1)),
        ("yaml-syntax", Position(8, 1)),
    ]


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ((), (2, 1), (2, 1)),
        (("body", "name"), (5, 3), (5, 9)),
        (("body", "tags", 0), (7, 7), (7, 7)),
        (("body", "tags", 0, "name"), (7, 7), (7, 13)),
        (("body", "tags", 1, "name"), (8, 8), (8, 14)),
        (("body", "steps", "train", "command"), (12, 32), (12, 43)),
        (("body", "steps", "again", "command"), (12, 32), (12, 43)),
        (("body", "steps", "again", "imageId"), (15, 7), (15, 16)),
        (("body", "steps", "again", "runConfiguration", "retryOptions", "duration"), (10, 5), (10, 15)),
        (("body", "steps", "again", "parents", 0), (14, 7), (14, 7)),
        (("body", "tags", 9, "name"), (7, 5), (7, 5)),
        (("reconcile", "id"), (3, 3), (3, 7)),
    ],
)
def test_places_of_keys_and_values(
    tmp_path: Path, path: FieldPath, key: tuple[int, int], value: tuple[int, int]
) -> None:
    """Any key or value is found again: through lists, aliases and merge keys; a missing one at its parent."""
    (manifest,) = load(write(tmp_path / "a.yaml", _PLACES)).manifests
    document = manifest.source.document
    assert document.position(path, at_key=True) == Position(*key)
    assert document.position(path) == Position(*value)
    if path[:1] == ("body",):
        assert manifest.source.position(path[1:]) == Position(*value)


@pytest.mark.parametrize("prefix", ["\ufeff", "\r\n\r\n", "---\r\n", "# é\u2603\U0001f600\n"])
def test_places_after_odd_beginnings(tmp_path: Path, prefix: str) -> None:
    """A byte order mark, Windows line ends and characters of several bytes do not shift a place."""
    text = prefix + 'name: "é"\r\nsteps: {"a": {"ünï": 1}}\r\n'
    finding = only(load(write(tmp_path / "a.yaml", text)))
    assert finding.position == Position(2 + prefix.count("\n"), 15)
    assert finding.path == ("steps", "a", "ünï")


def test_finding_has_its_path_from_the_document_root(tmp_path: Path) -> None:
    """A finding's path starts at the document, its message at the body that the user thinks of."""
    finding = only(load(write(tmp_path / "a.yaml", "body:\n  name: a\n  steps: {t: {parents: [1]}}\n")))
    assert finding.path == ("body", "steps", "t", "parents", 0)
    assert finding.message.startswith("steps.t.parents[0] must be text")


def test_json_files(tmp_path: Path) -> None:
    """JSON is read as it is: tabs, escaped slashes and escaped characters beyond the first plane too."""
    body = {"name": "a\U0001f600\\ud83d\\ude00\t", "steps": {"s": {"command": "\u2028 \x7f /"}}}
    text = json.dumps({"body": body}, indent="\t").replace("/", "\\/")
    assert "\\ud83d\\ude00" in text
    (manifest,) = load(write(tmp_path / "a.json", text)).manifests
    assert manifest.body == body


def test_json_errors_have_positions(tmp_path: Path) -> None:
    """An error in a JSON file is reported with line and column."""
    text = '{\n  "name": "a",\n  "steps": {"s": {"imageId": "1"}}\n}\n'
    assert only(load(write(tmp_path / "a.json", text))).position == Position(3, 30)


def test_half_of_an_escaped_pair_is_refused(tmp_path: Path) -> None:
    """A lone surrogate is no text, in JSON neither."""
    finding = only(load(write(tmp_path / "a.json", '{"name": "\\ud83d", "steps": {"s": {}}}')))
    assert (finding.rule, finding.position) == ("yaml-syntax", Position(1, 13))


_FEWER_NODES = MAX_NODES // 20


@pytest.fixture
def _fewer_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the limit of values, which is too high for a short test."""
    for module in (yaml_nodes, yaml_values):
        monkeypatch.setattr(module, "MAX_NODES", _FEWER_NODES)


@pytest.mark.usefixtures("_fewer_nodes")
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("--- a\n" * (MAX_DOCUMENTS + 10_000), "too-many-documents"),
        ("--- a\n" * (_FEWER_NODES + 1), "too-large"),
        ("[" * 200_000, "too-deep"),
        ("- " * 200_000, "too-deep"),
        ("".join(" " * depth + "a:\n" for depth in range(1200)), "too-deep"),
        ("[" + "a," * (_FEWER_NODES + 1) + "]", "too-large"),
        ("name: &a [" + "x," * 2000 + "]\nsteps: [" + "*a," * (_FEWER_NODES // 2000 + 1) + "]", "too-large"),
    ],
    ids=["documents", "documents-and-values", "brackets", "dashes", "indentation", "values", "aliases"],
)
def test_bounds(tmp_path: Path, text: str, rule: str) -> None:
    """A file past a bound is refused with the bound's own rule; nothing of it is a manifest."""
    result = load(write(tmp_path / "a.yaml", text))
    assert not result.manifests
    assert not result.valid
    assert rule in {finding.rule for finding in result.findings}
    assert len(result.findings) <= MAX_FINDINGS + 1


def test_documents_up_to_the_bound_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The documents up to the limit are read, one more is reported."""
    limit = MAX_DOCUMENTS // 20
    monkeypatch.setattr(documents, "MAX_DOCUMENTS", limit)
    text = "".join(f"---\npatch: {{name: w{index}, set: {{imageId: 1}}}}\n" for index in range(limit))
    assert len(load(write(tmp_path / "a.yaml", text)).manifests) == limit
    more = load(write(tmp_path / "b.yaml", text + "---\na: b\n"))
    assert (only(more).rule, only(more).position) == (
        "too-many-documents",
        Position(2 * limit + 2, 1),
    )
    assert f"more than {limit} documents in one file; split the file" in only(more).message


def test_depth_up_to_the_bound_is_read(tmp_path: Path) -> None:
    """A document nested to the limit is read (and is not a workflow); one more level is reported."""
    deep = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert only(load(write(tmp_path / "a.yaml", workflow("a", f"tags: {deep}\n")))).rule == "schema-type"
    assert only(load(write(tmp_path / "b.yaml", workflow("a", f"tags: [{deep}]\n")))).rule == "too-deep"


def test_a_million_empty_documents_are_nothing(tmp_path: Path) -> None:
    """Empty documents are left out, however many."""
    assert only(load(write(tmp_path / "a.yaml", "---\n" * 200_000))).rule == "no-manifests"


def test_long_chain_of_merge_keys_is_bounded(tmp_path: Path) -> None:
    """Mappings that merge one another, thousands deep, are reported as too large, not a crash."""
    chain = ["a0: &a0 {x: y}"] + [f"a{i}: &a{i} {{<<: *a{i - 1}}}" for i in range(1, 3000)]
    assert only(load(write(tmp_path / "a.yaml", "name: a\n" + "\n".join(chain)))).rule == "too-large"


def test_wide_merge_keys_are_bounded(tmp_path: Path) -> None:
    """A list of mappings merged again and again counts each time, though it brings nothing new."""
    sources = "l: &l [" + ", ".join("{x: y}" for _ in range(2000)) + "]\n"
    users = "".join(f"u{i}: {{<<: *l}}\n" for i in range(300))
    assert only(load(write(tmp_path / "a.yaml", "name: a\n" + sources + users))).rule == "too-large"


def test_merge_of_itself_ends(tmp_path: Path) -> None:
    """A mapping that merges itself, or two that merge one another, are read like any other."""
    text = workflow("a") + "    <<: &m {command: x}\n  other: &o\n    imageId: 1\n    <<: *o\n"
    (manifest,) = load(write(tmp_path / "a.yaml", text)).manifests
    assert manifest.body["steps"] == {"train": {"imageId": 1, "command": "x"}, "other": {"imageId": 1}}


def test_own_keys_win_over_merged_ones(tmp_path: Path) -> None:
    """A mapping's own key, then the first merged one, wins; an own empty value takes the merged one away."""
    text = (
        "name: a\nsteps:\n  one: &one {command: one, imageId: 1}\n"
        "  two: {<<: [{command: two}, *one], imageId: ~}\n"
    )
    (manifest,) = load(write(tmp_path / "a.yaml", text)).manifests
    assert manifest.body["steps"] == {"one": {"command": "one", "imageId": 1}, "two": {"command": "two"}}


def test_aliases_are_copies(tmp_path: Path) -> None:
    """Each use of an alias is a separate value: changing one leaves the other unchanged."""
    text = "name: a\nsteps:\n  one: &one {parents: [x]}\n  two: *one\n"
    (manifest,) = load(write(tmp_path / "a.yaml", text)).manifests
    steps = manifest.body["steps"]
    assert isinstance(steps, dict)
    assert steps["one"] == steps["two"]
    assert steps["one"] is not steps["two"]


def test_findings_of_one_file_are_limited(tmp_path: Path) -> None:
    """A file with thousands of errors gives the first findings and says that there are more."""
    text = workflow("a", "".join(f"wrong{index}: 1\n" for index in range(5000)))
    result = load(write(tmp_path / "a.yaml", text))
    assert len(result.findings) == MAX_FINDINGS + 1
    assert result.findings[0].rule == "too-many-findings"
    assert f"more than {MAX_FINDINGS} findings in this file" in result.findings[0].message
    assert result.findings[1].position == Position(5, 1)


def test_too_many_warnings_stay_warnings(tmp_path: Path) -> None:
    """Many variables that are not set fail a check as little as one does."""
    names_ = "".join(f"        V{index}: !env V{index}\n" for index in range(MAX_FINDINGS + 50))
    text = workflow("a", "    parameters:\n      env:\n" + names_)
    result = load(write(tmp_path / "a.yaml", text), require_env=False)
    assert (len(result.findings), result.valid, names(result)) == (MAX_FINDINGS + 1, True, ["a"])


def test_forty_bad_files_give_forty_findings(tmp_path: Path) -> None:
    """Each bad file is reported; the good one among them is read."""
    for index in range(40):
        write(tmp_path / f"{index:02}.yaml", workflow(f"w{index}", "wrong: 1\n"))
    write(tmp_path / "good.yaml", workflow("good"))
    result = load(tmp_path)
    assert file_rules(result) == [(f"{index:02}.yaml", "schema-unknown-key") for index in range(40)]
    assert (names(result), result.files) == (["good"], 41)


def test_two_manifests_of_one_name_report_each_other(tmp_path: Path) -> None:
    """Each of them names the file and line of the other; manifests of other names are left alone."""
    first = write(tmp_path / "a.yaml", "# one\n" + workflow("same"))
    second = write(tmp_path / "b.yaml", "body:\n  name: same\n  steps: {s: {imageId: 1}}\n")
    write(tmp_path / "c.yaml", workflow("other"))
    result = load(tmp_path)
    assert [(finding.rule, finding.file, finding.position) for finding in result.findings] == [
        ("duplicate-name", str(first), Position(2, 7)),
        ("duplicate-name", str(second), Position(2, 9)),
    ]
    assert [finding.message for finding in result.findings] == [
        f"the name 'same' is also used in {second}:2",
        f"the name 'same' is also used in {first}:2",
    ]
    assert [finding.path for finding in result.findings] == [("name",), ("body", "name")]
    assert not result.valid


def test_two_manifests_of_one_pinned_id_report_each_other(tmp_path: Path) -> None:
    """Each is reported at its `reconcile.id`, also if the same number is written differently."""
    write(tmp_path / "a.yaml", workflow("a", "reconcile:\n  id: 7\n"))
    write(tmp_path / "b.yaml", "reconcile: {id: 7.0}\npatch: {name: b, set: {imageId: 1}}\n")
    write(tmp_path / "c.yaml", workflow("c", "reconcile: {id: 8}\n"))
    result = load(tmp_path)
    assert [(finding.rule, finding.path, finding.position) for finding in result.findings] == [
        ("duplicate-id", ("reconcile", "id"), Position(6, 7)),
        ("duplicate-id", ("reconcile", "id"), Position(1, 17)),
    ]
    assert f"also used in {tmp_path / 'b.yaml'}:2" in result.findings[0].message


def test_many_manifests_of_one_name_stay_readable(tmp_path: Path) -> None:
    """With hundreds of one name each finding names some of the others and how many more there are."""
    file = write(tmp_path / "a.yaml", "---\n".join([workflow("same")] * 300))
    result = load(file)
    assert len(result.findings) == 300
    assert result.findings[0].message.endswith(
        f"{file}:6, {file}:11, {file}:16, {file}:21, {file}:26 and 294 more"
    )


def test_values_are_not_in_the_repr(tmp_path: Path) -> None:
    """What a traceback or a log would show of a manifest does not hold its values."""
    text = workflow("a", f"    command: {CANARY}\n    repository: {{token: {CANARY}}}\n")
    result = load(write(tmp_path / "a.yaml", text + f"---\npatch: {{name: b, set: {{token: {CANARY}}}}}\n"))
    assert result.valid
    assert CANARY not in repr(result)

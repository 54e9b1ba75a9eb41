"""The case files: every file gives the findings that it expects; see `case_files` for how to add one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from case_files import BAD, GOOD, environment, expected

from reconciler.findings import Severity
from reconciler.manifests import load_manifests

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.stem)
def test_bad_case_gives_its_findings(case: Path) -> None:
    """A bad manifest gives exactly the findings that its comments expect, without a value of `!env`."""
    env = environment(case)
    result = load_manifests((str(case),), env)
    wanted = expected(case)
    assert wanted, "the file states the expected findings"
    missing = [one for one in wanted if not any(one.matches(finding) for finding in result.findings)]
    assert (missing, len(result.findings)) == ([], len(wanted)), result.findings
    assert {finding.severity for finding in result.findings} == {Severity.ERROR}
    assert {finding.file for finding in result.findings} == {str(case)}
    assert not result.valid
    said = " ".join(finding.message for finding in result.findings)
    assert not [value for value in env.values() if value.startswith("canary") and value in said]


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.stem)
def test_good_case_gives_no_finding(case: Path) -> None:
    """A good manifest is loaded without a finding."""
    result = load_manifests((str(case),), environment(case))
    assert (result.findings, result.valid, result.files) == ((), True, 1)
    assert result.manifests


def test_there_are_many_cases() -> None:
    """The case directories were found, and no case was lost."""
    assert len(BAD) >= 200
    assert len(GOOD) >= 25

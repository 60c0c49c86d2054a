"""Each distribution carries its licence and its types, and names its own parts by their exact version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROJECTS = {
    ".": "src/outrider",
    "agent": "src/outrider_agent",
    "embedded": "src/outrider_embedded",
    "ground": "src/outrider_ground",
    "harness": "src/outrider_harness",
    "trace": "src/outrider_trace",
}
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "src").rglob("*.py"),
    *(ROOT / "examples").rglob("*.md"),
]


def project(folder: str) -> dict[str, object]:
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("folder", PROJECTS)
def test_a_distribution_has_its_licence_and_its_types(folder: str) -> None:
    assert project(folder)["license"] == "Apache-2.0"
    assert project(folder)["license-files"] == ["LICENSE"]
    text = (ROOT / folder / "LICENSE").read_text()
    assert "Apache License" in text
    assert text == (ROOT / "LICENSE").read_text()
    assert (ROOT / folder / PROJECTS[folder] / "py.typed").is_file()


def test_the_agent_is_wanted_in_the_version_that_lies_beside() -> None:
    assert f"outrider-agent=={project('agent')['version']}" in list(project(".")["dependencies"])  # type: ignore[call-overload]


def test_nobody_is_told_to_install_what_is_on_no_index() -> None:
    for page in PAGES:
        assert not re.search(r"pip install\s+\S*['\"]?outrider", page.read_text(encoding="utf-8")), page

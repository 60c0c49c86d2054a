"""What people copy is right in every environment it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from outrider.spec.reading.files import read_platform, read_service

EXAMPLES = Path(__file__).parents[3] / "examples"
SERVICES = sorted(path for path in EXAMPLES.glob("*/*.yaml") if path.parent.name != "platforms")


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: f"{path.parent.name}/{path.name}")
@pytest.mark.parametrize("environment", [None, "stage", "production"])
def test_each_example_is_a_spec_in_every_environment(path: Path, environment: str | None) -> None:
    assert read_service(path.read_text(), str(path), environment).service.service


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("platforms/*.yaml")), ids=lambda path: path.name)
def test_each_example_platform_has_both_environments(path: Path) -> None:
    assert set(read_platform(path.read_text(), str(path)).environments) == {"stage", "production"}


@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in SERVICES} - {EXAMPLES / "shop"}), ids=lambda path: path.name
)
def test_each_example_begins_with_what_it_is_for(folder: Path) -> None:
    assert (folder / "outrider.yaml").read_text().startswith("# ")

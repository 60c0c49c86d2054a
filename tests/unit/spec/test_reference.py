"""The generated reference pages are those of today's models."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from outrider.spec.reference import platform_reference, service_reference

DOCS = Path(__file__).parents[3] / "docs" / "reference"
PAGES = {"service-spec.md": service_reference, "platform.md": platform_reference}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_models_say_today(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "stale: run make docs"


@pytest.mark.parametrize("name", PAGES)
def test_every_link_inside_a_page_leads_to_a_section(name: str) -> None:
    text = PAGES[name]()
    sections = {heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.*)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([a-z0-9-]+)\)", text)) <= sections


@pytest.mark.parametrize("name", PAGES)
def test_every_link_to_a_file_leads_to_one(name: str) -> None:
    targets = re.findall(r"\]\(([^#)][^)]*)\)", PAGES[name]())
    assert [target for target in targets if not (DOCS / target).resolve().exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_row_says_what_its_key_means(name: str) -> None:
    rows = re.findall(r"^\| `.*$", PAGES[name](), re.MULTILINE)
    assert rows
    assert [row for row in rows if row.count(" | ") != 3 or row.rstrip(" |").endswith(" |")] == []

from __future__ import annotations

from pathlib import Path

from outrider.portal.app import api_app
from outrider.portal.reference import api_reference

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "api.md"


def test_the_page_is_what_the_api_says_of_itself() -> None:
    assert PAGE.read_text() == api_reference(api_app().openapi()), "stale: run make docs"


def test_every_call_says_what_it_is_for() -> None:
    sections = api_reference(api_app().openapi()).split("\n## ")[1:]
    assert len(sections) > 15
    assert [section.splitlines()[0] for section in sections if not section.splitlines()[2]] == []

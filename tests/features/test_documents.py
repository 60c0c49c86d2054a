"""The documents that programs read from `plan` and `diff`: their form changes with its number only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from outrider.cli.document_reference import document_reference, schemas

FORMS = Path(__file__).parent / "documents"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "plan.md"


@pytest.mark.parametrize("form", list(schemas()))
def test_the_form_of_a_document_is_the_one_that_was_reviewed(form: str, is_updating: bool) -> None:
    text = json.dumps(schemas()[form], indent=2, sort_keys=True) + "\n"
    path = FORMS / f"{form.replace('/', '-')}.schema.json"
    if is_updating:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text, (
        f"{form} has another form: raise its number where a field goes or means something else, then `make golden`"
    )


def test_the_reference_page_is_that_of_todays_records() -> None:
    assert PAGE.read_text() == document_reference(), "run `make docs`"

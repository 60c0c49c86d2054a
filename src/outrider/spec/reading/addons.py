"""From the text of an add-on's file to the add-on, or to all problems at once, each with its place."""

from __future__ import annotations

from outrider.spec.addon import AddOn
from outrider.spec.mistakes import Kind
from outrider.spec.reading.document import document
from outrider.spec.reading.files import refused
from outrider.spec.reading.places import problem
from outrider.spec.reading.validation import checked

ADDON = Kind(AddOn, (), {"addon": "an-addon", "description": "…", "lost": "…", "caller": ""})


def read_addon(text: str, file: str) -> AddOn:
    """The add-on in ``text``. Raises SpecError with all problems, each with its line and column."""
    source = document(text, file)
    addon, wrong = checked(source.data, ADDON)
    if wrong or addon is None:
        raise refused([problem(mistake, source, file) for mistake in wrong])
    return addon

"""How a map tells which of several shapes it has: by the key that only that shape knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, cast

from pydantic import Discriminator


def near_miss(text: str, known: list[str] | tuple[str, ...]) -> str | None:
    """The known word that the person probably meant, if there is one."""
    plain = {word.lower().replace("_", "-"): word for word in known}
    found = get_close_matches(text[:100].lower().replace("_", "-"), plain, n=1, cutoff=0.7)
    return plain[found[0]] if found else None


def shape_of(tags: Mapping[str, str], text: str | None = None) -> Callable[[Any], str | None]:
    """A function from a value to the name of its shape: ``tags`` maps deciding keys to shapes, ``text`` is for text.

    The first in ``tags`` wins. A mistyped key decides too, so that the error speaks of the key, not of the shape.
    """

    def shape(value: Any) -> str | None:
        if isinstance(value, dict):
            keys = [str(key) for key in cast("dict[Any, Any]", value)]
            exact = next((tag for key, tag in tags.items() if key in keys), None)
            return exact or next((tags[near] for key in keys if (near := near_miss(key, tuple(tags)))), None)
        if type(value).__name__ in tags.values():
            return type(value).__name__
        return text if isinstance(value, (str, int, float)) else None

    return shape


def by_key(tags: Mapping[str, str], wanted: str, text: str | None = None) -> Discriminator:
    """The pydantic discriminator for ``shape_of``; ``wanted`` completes the sentence "must be …"."""
    return Discriminator(shape_of(tags, text), custom_error_type="shape", custom_error_message=f"must be {wanted}")

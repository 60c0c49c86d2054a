"""What the tests of specs share: a small spec that is right, and the messages for one that is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from outrider_ground.errors import SpecError

from outrider.spec.reading.files import read_platform, read_service

SMALL = "service: checkout\nrun: {image: 'x:1'}\n"


@pytest.fixture
def small() -> str:
    """A spec that is right, in two lines; whatever is added begins on line 3."""
    return SMALL


@pytest.fixture
def said() -> Callable[..., list[str]]:
    """A function from a whole spec to what is said of it, without the file's name."""

    def messages(text: str, environment: str | None = None, known: tuple[str, ...] = ()) -> list[str]:
        try:
            read_service(text, "f", environment, known=known)
        except SpecError as error:
            return [str(problem).removeprefix("f:") for problem in error.problems]
        return []

    return messages


@pytest.fixture
def said_of_platform() -> Callable[[str], list[str]]:
    """A function from a whole platform file to what is said of it."""

    def messages(text: str) -> list[str]:
        try:
            read_platform(text, "f")
        except SpecError as error:
            return [str(problem).removeprefix("f:") for problem in error.problems]
        return []

    return messages

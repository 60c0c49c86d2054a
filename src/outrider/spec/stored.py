"""The one place where a stored spec is read: JSON and the number of its format in, models out; and made of models.

The JSON is a spec as one could write it, of one environment, with every default filled in; instead of the names of
patches it has their content.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from outrider_ground.errors import OutriderError
from pydantic import Field, Strict, TypeAdapter, ValidationError

from outrider.documents import Json, nested
from outrider.spec.patch import Patch
from outrider.spec.run import CommandRun
from outrider.spec.service import Service
from outrider.spec.upstream import Upstream
from outrider.spec.values import Written

FORMAT = 2
"""Rises when a field goes or means something else, so that JSON of before is read otherwise. A new optional field needs none."""
PATCHES = "patches"
STEP = "Another Outrider has written it: run that one, or deploy the service's file again."


class UnreadableSpecError(OutriderError):
    """A stored spec is in a format that this Outrider does not read, or not what its format says."""


class Declared(Written):
    """What a stored spec says to its neighbours; the names of the fields are keys of its JSON."""

    upstreams: dict[str, Upstream] = Field(default_factory=dict)
    shard: Annotated[bool, Strict(False)] = False
    """SQLite hands out 1 for the true of a JSON."""


class Outlined(Written):
    """What is shown of a stored spec beside what runs; the names of the fields are keys of its JSON."""

    team: str | None = None
    description: str | None = None
    upstreams: dict[str, Upstream] = Field(default_factory=dict)
    links: dict[str, str] = Field(default_factory=dict)


Part = TypeVar("Part", Declared, Outlined)


@dataclass(frozen=True, slots=True)
class StoredSpec:
    """A spec of one environment, with the content of the patches that it names, in their order."""

    service: Service
    patches: Mapping[str, Patch]

    @property
    def document(self) -> Json:
        """Its JSON, in the format of today."""
        content = {name: patch.model_dump(mode="json") for name, patch in self.patches.items()}
        return {**self.service.model_dump(mode="json"), PATCHES: content}

    @property
    def has_directory(self) -> bool:
        """Whether it runs a directory that was packed."""
        run = self.service.run
        return isinstance(run, CommandRun) and bool(run.directory)


def stored_spec(document: Json, number: int, whose: str) -> StoredSpec:
    """The spec in a stored JSON of that format; UnreadableSpecError, which names ``whose`` it is."""
    _check_format(number, whose)
    content = nested(document, PATCHES)
    service = _read(Service, {**document, PATCHES: list(content)}, whose)
    return StoredSpec(service, _read(dict[str, Patch], content, whose))


def stored_part(kind: type[Part], part: Mapping[str, Any], number: int, whose: str) -> Part:
    """What the fields of ``kind`` say, taken from a stored JSON of that format; UnreadableSpecError."""
    _check_format(number, whose)
    return _read(kind, {name: part[name] for name in kind.model_fields if part.get(name) is not None}, whose)


def _check_format(number: int, whose: str) -> None:
    if number != FORMAT:
        raise UnreadableSpecError(
            f"the spec of {whose} is stored in format {number}, and this Outrider reads format {FORMAT}", next_step=STEP
        )


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _read(kind: Any, document: Any, whose: str) -> Any:
    try:
        return _adapter(kind).validate_python(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UnreadableSpecError(
            f"the stored spec of {whose} cannot be read: {place}: {first['msg']}", next_step=STEP
        ) from error

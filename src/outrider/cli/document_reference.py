"""The reference page of the documents that `plan` and `diff` print, and their JSON Schema: made of the records themselves."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from outrider.cli.changes import Packed
from outrider.documents import Json
from outrider.operations.answers.difference import DIFF, Difference
from outrider.operations.answers.plan import PLAN, Plan

WORDS: Mapping[Any, str] = {str: "text", int: "number", bool: "true or false", type(None): "null"}
HEAD = f"""<!-- Written by `make docs` from src/outrider/operations/answers. Change the records there. -->

# The documents of plan and diff

`outrider plan -o json` prints a `Plan`, `outrider diff -o json` a `Difference`; `-o yaml` the same as YAML. The field `schema`
names the form: `{PLAN}`, `{DIFF}`. A field that goes, or that means something else, raises the number; a field that is added
does not, so read what you know and leave the rest. `raw` is null without `--raw`.

What may be a secret is the text `(sensitive value)`, on both sides where both are one; a value that is read elsewhere is
`(sensitive value) from vault PATH#FIELD`, or from the Nomad variable. A field that is null was not there.

With `run.directory` in the spec, the document of `plan` has a field `directory` of the kind `Packed`.
"""


def document_reference() -> str:
    """The whole page."""
    kinds = [*_kinds(Plan), *(kind for kind in _kinds(Difference) if kind not in set(_kinds(Plan))), Packed]
    return "\n".join([HEAD, *(_section(kind) for kind in kinds)])


def schemas() -> dict[str, Json]:
    """The JSON Schema of each document by its form."""
    return {
        form: TypeAdapter[Any](kind).json_schema(mode="serialization")
        for form, kind in ((PLAN, Plan), (DIFF, Difference))
    }


def _kinds(kind: type) -> tuple[type, ...]:
    """The record and those within it, each once, as they are met."""
    found: dict[type, None] = {kind: None}
    for hint in typing.get_type_hints(kind).values():
        for inner in _records(hint):
            found |= dict.fromkeys(_kinds(inner))
    return tuple(found)


def _records(hint: Any) -> Iterator[type]:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        yield hint
    for part in typing.get_args(hint):
        yield from _records(part)


def _section(kind: Any) -> str:
    said = inspect.cleandoc(kind.__doc__ or "").replace("``", "`")
    hints = typing.get_type_hints(kind)
    rows = [f"| `{field.name}` | {_type(hints[field.name])} |" for field in dataclasses.fields(kind)]
    return "\n".join([f"## {kind.__name__}", "", said, "", "| field | type |", "|---|---|", *rows, ""])


def _type(hint: Any) -> str:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " or ".join(f'`"{part}"`' for part in parts)
    if origin is tuple:
        return f"list of {_type(parts[0])}"
    if origin in {dict, Mapping}:
        return f"map of {_type(parts[1])}"
    if parts:
        return " or ".join(_type(part) for part in parts)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    return WORDS.get(hint, "any value")

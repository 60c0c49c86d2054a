"""The grammar of differences: fields flattened to text, objects with their fields, sets (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from outrider_embedded.scheduler.documents import Document

Flat = dict[str, str]


def flat(document: Document, names: Iterable[str]) -> Flat:
    """The named fields as text, maps as ``Meta[key]`` and lists as ``args[0]``; what is None is left out."""
    result: Flat = {}
    for name in names:
        result |= _flat_value(name, document.get(name))
    return result


def _flat_value(name: str, value: Any) -> Flat:
    if value is None:
        return {}
    result: Flat = {}
    if isinstance(value, dict):
        entries = cast("Document", value)
        for key, one in entries.items():
            result |= _flat_value(f"{name}[{key}]", one)
        return result
    if isinstance(value, list):
        items = cast("list[Any]", value)
        for index, one in enumerate(items):
            result |= _flat_value(f"{name}[{index}]", one)
        return result
    return {name: str(value).lower() if isinstance(value, bool) else str(value)}


def typed_fields(old: Flat, new: Flat, *, is_contextual: bool) -> list[Document]:
    """The fields by name with what became of them; unchanged ones only with context."""
    found = [_field(name, old.get(name, ""), new.get(name, "")) for name in sorted({*old, *new})]
    return [one for one in found if is_contextual or one["Type"] != "None"]


def _field(name: str, old: str, new: str) -> Document:
    kind = "None" if old == new else "Added" if not old else "Deleted" if not new else "Edited"
    return {"Annotations": None, "Name": name, "New": new, "Old": old, "Type": kind}


def object_diff(
    name: str,
    old: Document | None,
    new: Document | None,
    is_contextual: bool,  # noqa: FBT001
    hidden: tuple[str, ...] = (),
    nested: list[Document | None] | None = None,
) -> Document | None:
    """The difference of two objects of one kind, or None where there is none."""
    objects = [one for one in nested or [] if one is not None]
    before, after = _object_flat(old, hidden), _object_flat(new, hidden)
    if (not old and not new) or (before == after and not objects and bool(old) == bool(new)):
        return None
    kind = "Added" if not old else "Deleted" if not new else "Edited"
    fields = typed_fields(before, after, is_contextual=is_contextual)
    return {"Fields": fields or None, "Name": name, "Objects": objects or None, "Type": kind}


def _object_flat(document: Document | None, hidden: tuple[str, ...]) -> Flat:
    return flat(document or {}, [name for name in document or {} if name not in hidden])


def set_diffs(
    name: str,
    old: list[Document] | None,
    new: list[Document] | None,
    is_contextual: bool,  # noqa: FBT001
) -> list[Document | None]:
    """What was added to and deleted from a list of objects that have no identity."""
    before, after = old or [], new or []
    added = [object_diff(name, None, one, is_contextual) for one in after if one not in before]
    deleted = [object_diff(name, one, None, is_contextual) for one in before if one not in after]
    return [*added, *deleted]


def text_set_diff(name: str, old: list[str] | None, new: list[str] | None) -> Document | None:
    """What was added to and deleted from a list of words."""
    before, after = set(old or ()), set(new or ())
    if before == after:
        return None
    fields = [_field(name, "", one) for one in sorted(after - before)]
    fields += [_field(name, one, "") for one in sorted(before - after)]
    kind = "Added" if not before else "Deleted" if not after else "Edited"
    return {"Fields": fields, "Name": name, "Objects": None, "Type": kind}


def paired_diffs(
    old: list[Document], new: list[Document], identity: tuple[str, ...]
) -> list[tuple[Document | None, Document | None]]:
    """Objects of two lists brought together by the fields that identify them."""

    def keyed(documents: list[Document]) -> dict[tuple[Any, ...], Document]:
        return {tuple(one[name] for name in identity): one for one in documents}

    before, after = keyed(old), keyed(new)
    keys = [*after, *(key for key in before if key not in after)]
    return [(before.get(key), after.get(key)) for key in keys]

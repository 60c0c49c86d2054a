"""Operators' patches laid over a finished bootstrap: JSON Merge Patch and JSON Patch, with lists addressed by name.

Nothing is changed in place, and what only the allocation knows (slots) is a value like any other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from outrider_ground.errors import Problem, SpecError

from outrider.documents import Json
from outrider.spec.patch import MergePatch
from outrider.spec.shapes import near_miss
from outrider.topology.sidecar import NamedPatch

Pointer = tuple[str, ...]
Change = Callable[[Any, str, Pointer], Any]
END = "-"
TYPE = "@type"


class PatchError(ValueError):
    """A patch that cannot be applied to this bootstrap: where, why, and perhaps what was meant."""

    def __init__(self, at: Pointer, why: str, suggestion: str | None = None) -> None:
        super().__init__(f"{written(at) or 'the whole bootstrap'}: {why}")
        self.suggestion = suggestion


def patched(document: Json, patches: Sequence[NamedPatch]) -> Json:
    """The document with the patches in their order. SpecError names the patch, the place in the document, and why."""
    for index, chosen in enumerate(patches):
        try:
            document = _applied(document, chosen)
        except PatchError as refused:
            message = f"the patch {chosen.name} cannot be applied here: {refused}"
            raise SpecError((Problem(f"patches.{index}", message, refused.suggestion),)) from refused
    return document


def written(pointer: Iterable[str]) -> str:
    """The JSON pointer (RFC 6901)."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in pointer)


def _applied(document: Json, chosen: NamedPatch) -> Json:
    if isinstance(chosen.patch, MergePatch):
        return cast("Json", _merged(document, chosen.patch.merge, ()))
    for operation in chosen.patch.json_patch:
        document = _operated(document, operation)
    return document


def _merged(below: Any, above: Any, at: Pointer) -> Any:
    """RFC 7396. A map that meets a list changes the elements that it names; so does a list of named maps."""
    if isinstance(below, list) and isinstance(above, list) and _are_named(below) and _are_named(above):
        above = {element["name"]: element for element in cast("list[Json]", above)}
    if not isinstance(above, dict):
        return cast("Any", above)
    change = cast("Json", above)
    if isinstance(below, list):
        return _merged_list(cast("list[Any]", below), change, at)
    kept: Json = dict(cast("Json", below)) if isinstance(below, dict) and not _is_retyped(below, change) else {}
    for key, value in change.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = _merged(kept.get(key), value, (*at, key))
    return kept


def _merged_list(below: list[Any], change: Json, at: Pointer) -> list[Any]:
    changed = {_key(below, token, (*at, token)): (token, value) for token, value in change.items()}
    return [
        _merged(element, changed[index][1], (*at, changed[index][0])) if index in changed else element
        for index, element in enumerate(below)
        if index not in changed or changed[index][1] is not None
    ]


def _are_named(elements: Any) -> bool:
    return bool(elements) and all(isinstance(element, dict) and "name" in element for element in elements)


def _is_retyped(below: Any, above: Json) -> bool:
    """Whether a typed configuration gives way to one of another type, whose fields do not mix."""
    return TYPE in above and TYPE in below and above[TYPE] != below[TYPE]


def _operated(document: Json, operation: Json) -> Json:
    """One operation of RFC 6902."""
    path = _pointer(operation["path"])
    match operation["op"]:
        case "add":
            return _changed(document, path, _adding(operation["value"]))
        case "replace":
            return _changed(document, path, _replacing(operation["value"]))
        case "remove":
            return _changed(document, path, _without)
        case "copy":
            return _changed(document, path, _adding(_found(document, _pointer(operation["from"]))))
        case "move":
            source = _pointer(operation["from"])
            return _changed(_changed(document, source, _without), path, _adding(_found(document, source)))
        case _:
            return _tested(document, path, operation["value"])


def _pointer(text: str) -> Pointer:
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in text.split("/")[1:])


def _tested(document: Json, path: Pointer, wanted: Any) -> Json:
    found = _found(document, path)
    if _text(found) != _text(wanted):
        raise PatchError(path, f"is {_text(found)[:200]}, and the patch expects {_text(wanted)[:200]}")
    return document


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _found(document: Any, path: Pointer) -> Any:
    for depth, token in enumerate(path):
        document = document[_key(document, token, path[: depth + 1])]
    return document


def _changed(container: Any, path: Pointer, change: Change, depth: int = 0) -> Any:
    """The container with the change made to what holds the end of the path."""
    if not path:
        raise PatchError(path, "cannot be replaced: name a place in it")
    token, at = path[depth], path[: depth + 1]
    if depth == len(path) - 1:
        return change(container, token, at)
    key = _key(container, token, at)
    return _with(container, key, _changed(container[key], path, change, depth + 1))


def _adding(value: Any) -> Change:
    """In a list, before the element that the path names, or at its end (``-``)."""

    def add(container: Any, token: str, at: Pointer) -> Any:
        if isinstance(container, dict):
            return {**cast("Json", container), token: value}
        elements = cast("list[Any]", container)
        is_end = isinstance(container, list) and token in {END, str(len(elements))}
        index = len(elements) if is_end else cast("int", _key(container, token, at))
        return [*elements[:index], value, *elements[index:]]

    return add


def _replacing(value: Any) -> Change:
    return lambda container, token, at: _with(container, _key(container, token, at), value)


def _without(container: Any, token: str, at: Pointer) -> Any:
    key = _key(container, token, at)
    if isinstance(container, dict):
        return {name: value for name, value in cast("Json", container).items() if name != key}
    return [element for index, element in enumerate(container) if index != key]


def _with(container: Any, key: str | int, value: Any) -> Any:
    if isinstance(container, dict):
        return {**cast("Json", container), key: value}
    return [value if index == key else element for index, element in enumerate(container)]


def _key(container: Any, token: str, at: Pointer) -> str | int:
    """The key or number of what a token names in a map or a list; in a list, a name or a number."""
    if isinstance(container, dict):
        known = tuple(cast("Json", container))
        if token not in known:
            raise PatchError(at, f"there is no such key; there are {', '.join(known)}", near_miss(token, known))
        return token
    if isinstance(container, list):
        return _index(cast("list[Any]", container), token, at)
    raise PatchError(at, "what is above is a single value, and has nothing inside")


def _index(elements: list[Any], token: str, at: Pointer) -> int:
    names = [str(cast("Json", element).get("name", "")) if isinstance(element, dict) else "" for element in elements]
    if token in names:
        return names.index(token)
    if token.isdecimal() and token == str(int(token)) and int(token) < len(elements):
        return int(token)
    known = tuple(name for name in names if name)
    listed = f"there are {', '.join(known)}" if known else f"its elements have no names; it has {len(elements)}"
    raise PatchError(at, f"the list has no such element; {listed}", near_miss(token, known))

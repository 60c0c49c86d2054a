"""What differs between two JSON documents, place by place: lists of named things are compared by name; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from outrider.operations.answers.plan import Change
from outrider.operations.redaction import masked

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("name", "Name", "Label", "label", "ID")
"""What a thing in a list of foreign documents is told apart by, in this order."""


def structural(before: Any, after: Any) -> tuple[Change, ...]:
    """Every place that was added (+), removed (-) or changed (~), in the order of the newer document; secrets are masked.

    Paths are like ``static_resources.clusters[payments].connect_timeout``. What is there on one side only is one place,
    whatever it consists of.
    """
    return tuple(_masked(change, names) for change, names in _differences(before, after, "", ()))


Found = tuple[Change, tuple[str, ...]]


def _differences(before: Any, after: Any, path: str, names: tuple[str, ...]) -> Iterator[Found]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _parts(cast("dict[str, Any]", before), cast("dict[str, Any]", after), path, names)
        return
    old, new = _named(before), _named(after)
    if old is not None and new is not None:
        yield from _items(old, new, path, names)
        if list(old) != list(new) and sorted(old) == sorted(new):
            yield Change("~", path, [*old], [*new], note="another order"), names
    elif before is None or after is None:
        yield Change("+" if before is None else "-", path, before, after), names
    else:
        yield Change("~", path, before, after), names


def _parts(old: dict[str, Any], new: dict[str, Any], path: str, names: tuple[str, ...]) -> Iterator[Found]:
    for key in (*new, *(one for one in old if one not in new)):
        yield from _differences(old.get(key), new.get(key), f"{path}.{key}" if path else key, (*names, key))


def _items(old: dict[str, Any], new: dict[str, Any], path: str, names: tuple[str, ...]) -> Iterator[Found]:
    for key in (*new, *(one for one in old if one not in new)):
        yield from _differences(old.get(key), new.get(key), f"{path}[{key}]", names)


def _named(value: Any) -> dict[str, Any] | None:
    """The things of a list by their names, or by their places where they have none; None for what is no list of things."""
    if not isinstance(value, list):
        return None
    things = cast("list[Any]", value)
    if not things or not all(isinstance(one, dict) for one in things):
        return {} if not things else None
    names = [_name(one) for one in things]
    if None in names or len(set(names)) != len(names):
        return {str(place): one for place, one in enumerate(things)}
    return dict(zip(cast("list[str]", names), things, strict=True))


def _name(thing: dict[str, Any]) -> str | None:
    found = next((thing[key] for key in NAMES if isinstance(thing.get(key), str)), None)
    return str(found) if found else None


def _masked(change: Change, names: tuple[str, ...]) -> Change:
    return Change(change.sign, change.path, masked(change.before, names), masked(change.after, names), change.note)

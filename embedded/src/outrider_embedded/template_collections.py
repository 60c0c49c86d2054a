"""consul-template's functions on collections: lists that are searched, maps that are merged and folded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from outrider_embedded.template_objects import AnyMap, Texts


def collection_functions() -> dict[str, Callable[..., Any]]:
    """By the name that templates call them."""
    return _COLLECTIONS


def _is_in(items: Any, value: Any) -> bool:
    """As Go compares: texts and numbers of one kind, and nothing else; in a text, a part of it."""
    if isinstance(items, str):
        return isinstance(value, str) and value in items
    if not isinstance(items, (list, tuple)):
        return False
    return any(_is_same(one, value) for one in cast("Sequence[Any]", items))


def _is_same(first: Any, second: Any) -> bool:
    kinds = next((kind for kind in (bool, str, int, float) if isinstance(first, kind)), type(None))
    return kinds in {str, int, float} and isinstance(second, kinds) and not isinstance(second, bool) and first == second


def _contains(value: Any, items: Any) -> bool:
    return _is_in(items, value)


def _has_all(wanted: Sequence[Any], items: Sequence[Any]) -> bool:
    return all(_is_in(items, one) for one in _anything(wanted))


def _has_any(wanted: Sequence[Any], items: Sequence[Any]) -> bool:
    return any(_is_in(items, one) for one in _anything(wanted))


def _anything(items: Sequence[Any]) -> Sequence[Any]:
    """Go takes a list of texts for no list of anything."""
    if isinstance(items, Texts) or not isinstance(items, (list, tuple)):
        raise TypeError("wrong type for value; expected []interface {}; got []string")
    return items


def _has_none(wanted: Sequence[Any], items: Sequence[Any]) -> bool:
    return not _has_any(wanted, items)


def _has_not_all(wanted: Sequence[Any], items: Sequence[Any]) -> bool:
    return not _has_all(wanted, items)


def _exploded(pairs: Sequence[Mapping[str, str]] | None) -> dict[str, Any]:
    """Keys with slashes as maps in maps."""
    return _exploded_map({pair["Key"]: pair["Value"] for pair in pairs or ()})


def _exploded_map(flat: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in sorted(flat.items()):
        *folders, name = key.split("/")
        inner = found
        for folder in folders:
            below: Any = inner.setdefault(folder, {})
            if not isinstance(below, dict):
                raise TypeError(f'explode: not a map: "{key}": "{folder}" already has value "{below}"')
            inner = cast("dict[str, Any]", below)
        if name:
            inner[name] = value
    return found


def _by_key(pairs: Sequence[Mapping[str, str]] | None) -> dict[str, dict[str, Mapping[str, str]]]:
    """Pairs by the first part of their key, then by the rest."""
    found: dict[str, dict[str, Mapping[str, str]]] = {}
    for pair in pairs or ():
        folder, slash, name = pair["Key"].partition("/")
        if slash:
            found.setdefault(folder, {})[name] = {**pair, "Key": name}
    return found


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """The first, with what only the second has: a map in it too, and what is empty counts as not there."""
    return _filled(first, second, lambda old, new: old or new)


def _overridden(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """The first, with what the second has."""
    return _filled(first, second, lambda _, new: new)


def _filled(first: Any, second: Any, chosen: Callable[[Any, Any], Any]) -> dict[str, Any]:
    for one in (first, second):
        if not isinstance(one, Mapping) or isinstance(one, AnyMap):
            raise TypeError("wrong type for value; expected map[string]interface {}")
    found = dict(first)
    for key, new in second.items():
        old = found.get(key)
        is_inner = isinstance(old, Mapping) and isinstance(new, Mapping)
        found[key] = _filled(old, new, chosen) if is_inner else chosen(old, new) if key in found else new
    return found


def split_map(between: str, inside: str, text: str) -> dict[str, str]:
    """Texts of texts."""
    pairs = [part.partition(inside) for part in text.strip().split(between)]
    return {key: value for key, sign, value in pairs if sign}


_COLLECTIONS: dict[str, Callable[..., Any]] = {
    "contains": _contains,
    "in": _is_in,
    "containsAll": _has_all,
    "containsAny": _has_any,
    "containsNone": _has_none,
    "containsNotAll": _has_not_all,
    "explode": _exploded,
    "explodeMap": _exploded_map,
    "byKey": _by_key,
    "mergeMap": _merged,
    "mergeMapWithOverride": _overridden,
}

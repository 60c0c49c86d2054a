"""Go's own template functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, cast
from urllib.parse import quote_plus

from outrider_embedded.template_printf import as_bytes, as_text, formatted, printed

_ORDERED = ("int", "float", "string")
_SCRIPT = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "\\'\""},
        **{sign: f"\\u{ord(sign):04X}" for sign in "<>&="},
        **{chr(number): f"\\u{number:04X}" for number in range(32)},
    }
)


def go_functions() -> dict[str, Callable[..., Any]]:
    """By the name that templates call them; ``and`` and ``or`` are the evaluation's, which stops early."""
    return _GO


def _kind(value: Any) -> str:
    kinds: dict[type, str] = {bool: "bool", int: "int", float: "float", type(None): "nil"}
    return "string" if isinstance(value, str) else kinds.get(cast("object", value).__class__, "other")


def _is_equal(first: Any, *others: Any) -> bool:
    """To one of the others; what is of another kind cannot be compared, and a number is never a text or a truth."""
    if not others:
        raise ValueError("missing argument for comparison")
    return any(_is_same(first, other) for other in others)


def _is_same(first: Any, second: Any) -> bool:
    kinds = {_kind(first), _kind(second)}
    if "nil" in kinds:
        return kinds == {"nil"}
    if len(kinds) > 1:
        raise TypeError("incompatible types for comparison")
    if kinds == {"other"}:
        raise TypeError("non-comparable types")
    return first == second


def _is_unequal(first: Any, second: Any) -> bool:
    return not _is_equal(first, second)


def _is_less(first: Any, second: Any) -> bool:
    if _kind(first) not in _ORDERED:
        raise TypeError("invalid type for comparison")
    if _kind(first) != _kind(second):
        raise TypeError("incompatible types for comparison")
    return first < second


def _is_at_most(first: Any, second: Any) -> bool:
    return _is_less(first, second) or _is_equal(first, second)


def _is_more(first: Any, second: Any) -> bool:
    return not _is_at_most(first, second)


def _is_at_least(first: Any, second: Any) -> bool:
    return not _is_less(first, second)


def _negated(value: Any) -> bool:
    return not value


def _length(value: Any) -> int:
    """Of a text in bytes."""
    if isinstance(value, str):
        return len(as_bytes(value))
    if not isinstance(value, (list, tuple, Mapping)):
        raise TypeError("len of nil pointer" if value is None else f"len of type {_kind(value)}")
    return len(cast("Sequence[Any]", value))


def _joined(*values: Any) -> str:
    """A space stands between two values of which neither is text."""
    out = ""
    for number, value in enumerate(values):
        is_apart = number and not isinstance(value, str) and not isinstance(values[number - 1], str)
        out += f"{' ' if is_apart else ''}{printed(value)}"
    return out


def _line(*values: Any) -> str:
    return " ".join(printed(value) for value in values) + "\n"


def _as_html(*values: Any) -> str:
    return escape(_joined(*values), quote=False).replace('"', "&#34;").replace("'", "&#39;").replace("\0", "\ufffd")


def _as_query(*values: Any) -> str:
    return quote_plus(as_bytes(_joined(*values)))


def _as_script(*values: Any) -> str:
    return _joined(*values).translate(_SCRIPT)


def _item(collection: Any, *keys: Any) -> Any:
    for key in keys:
        if collection is None:
            raise TypeError("index of untyped nil")
        collection = _in_map(collection, key) if isinstance(collection, Mapping) else _in_list(collection, key)
    return collection


def _in_map(mapping: Any, key: Any) -> Any:
    known = next(iter(mapping), "")
    if _kind(key) != _kind(known):
        raise TypeError(f"value has type {_kind(key)}; should be {_kind(known)}")
    return mapping[key] if hasattr(mapping, "__missing__") else mapping.get(key)


def _in_list(collection: Any, key: Any) -> Any:
    """Of a text one byte, as a number."""
    items: Any = as_bytes(collection) if isinstance(collection, str) else collection
    if not isinstance(items, (list, tuple, bytes)):
        raise TypeError("can't index item of this type")
    listed = cast("Sequence[Any]", items)
    if _kind(key) != "int":
        raise TypeError(f"cannot index slice/array with type {_kind(key)}")
    if not 0 <= key < len(listed):
        raise IndexError(f"index out of range: {key}")
    return listed[key]


def _part(value: Any, start: int = 0, end: int | None = None) -> Any:
    items = as_bytes(value) if isinstance(value, str) else value
    last = len(items) if end is None else end
    for bound in (start, last):
        if not 0 <= bound <= len(items):
            raise IndexError(f"index out of range: {bound}")
    if start > last:
        raise IndexError(f"invalid slice index: {start} > {last}")
    part = items[start:last]
    return as_text(part) if isinstance(part, bytes) else type(items)(part)


_GO: dict[str, Callable[..., Any]] = {
    "eq": _is_equal,
    "ne": _is_unequal,
    "lt": _is_less,
    "le": _is_at_most,
    "gt": _is_more,
    "ge": _is_at_least,
    "not": _negated,
    "len": _length,
    "index": _item,
    "slice": _part,
    "print": _joined,
    "println": _line,
    "printf": formatted,
    "html": _as_html,
    "js": _as_script,
    "urlquery": _as_query,
}

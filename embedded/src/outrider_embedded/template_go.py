"""Go's own template functions, and how Go prints values."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

_VERB = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>\d*)(?:\.(?P<precision>\d+))?(?P<verb>[a-zA-Z%])")


def shown(value: Any) -> str:
    """A value as Go's fmt prints it with %v."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        pairs = sorted(cast("Mapping[str, Any]", value).items())
        return f"map[{' '.join(f'{key}:{shown(item)}' for key, item in pairs)}]"
    if isinstance(value, (list, tuple)):
        return f"[{' '.join(shown(item) for item in cast('Sequence[Any]', value))}]"
    return str(value)


def go_functions() -> dict[str, Callable[..., Any]]:
    """By the name that templates call them; ``and`` and ``or`` are the evaluation's, which stops early."""
    return _GO


def _is_equal(first: Any, *others: Any) -> bool:
    return any(first == other for other in others)


def _printed(*values: Any) -> str:
    return "".join(shown(value) for value in values)


def _line(*values: Any) -> str:
    return " ".join(shown(value) for value in values) + "\n"


def _printf(layout: str, *values: Any) -> str:
    rest = iter(values)
    return _VERB.sub(lambda verb: _formatted(verb, rest), layout)


def _formatted(verb: re.Match[str], values: Iterator[Any]) -> str:
    if verb["verb"] == "%":
        return "%"
    value = next(values, "%!(MISSING)")
    spec = f"%{verb['flags']}{verb['width']}" + (f".{verb['precision']}" if verb["precision"] else "")
    if verb["verb"] == "q":
        return json.dumps(shown(value), ensure_ascii=False)
    if verb["verb"] in {"v", "s", "t"}:
        return f"{spec}s" % shown(value)
    return f"{spec}{verb['verb']}" % value


def _item(collection: Any, *keys: Any) -> Any:
    for key in keys:
        mapping = cast("Mapping[Any, Any]", collection)
        collection = mapping.get(key) if isinstance(collection, Mapping) else collection[key]
    return collection


def _part(value: Any, start: int = 0, end: int | None = None) -> Any:
    return value[start:end]


_GO: dict[str, Callable[..., Any]] = {
    "eq": _is_equal,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "not": operator.not_,
    "len": len,
    "index": _item,
    "slice": _part,
    "print": _printed,
    "println": _line,
    "printf": _printf,
}

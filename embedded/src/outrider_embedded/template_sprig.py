"""The functions of sprig that jobs use; consul-template has them under the prefix ``sprig_``."""

from __future__ import annotations

import base64
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from outrider_embedded.template_objects import Texts
from outrider_embedded.template_printf import as_bytes, as_text, printed, quoted, type_name


def sprig_functions() -> dict[str, Callable[..., Any]]:
    """By the name that templates call them, prefix included."""
    return {f"sprig_{name}": function for name, function in (_TEXT | _COLLECTIONS | _NUMBERS).items()}


def _default(otherwise: Any, *values: Any) -> Any:
    return values[0] if values and values[0] else otherwise


def _first_of(*values: Any) -> Any:
    return next((value for value in values if value), None)


def _chosen(yes: Any, no: Any, condition: Any) -> Any:
    if not isinstance(condition, bool):
        raise TypeError(f"wrong type for value; expected bool; got {type_name(condition)}")
    return yes if condition else no


def _quoted(*values: Any) -> str:
    return " ".join(quoted(printed(value)) for value in values if value is not None)


def _single_quoted(*values: Any) -> str:
    return " ".join(f"'{printed(value)}'" for value in values if value is not None)


def _indented(spaces: int, text: str) -> str:
    return " " * spaces + text.replace("\n", "\n" + " " * spaces)


def _indented_below(spaces: int, text: str) -> str:
    return "\n" + _indented(spaces, text)


def _cut(length: int, text: str) -> str:
    """In bytes."""
    content = as_bytes(text)
    return as_text(content[length:] if length < 0 else content[:length])


def _joined(separator: str, items: Any) -> str:
    listed = cast("Sequence[Any]", items) if isinstance(items, (list, tuple)) else [items]
    return separator.join(printed(item) for item in listed if item is not None)


def _mapping(*pairs: Any) -> dict[str, Any]:
    return {printed(pairs[at]): pairs[at + 1] if at + 1 < len(pairs) else "" for at in range(0, len(pairs), 2)}


def _got(mapping: Mapping[str, Any], key: str) -> Any:
    return mapping.get(key, "")


def _has_key(mapping: Mapping[str, Any], key: str) -> bool:
    return key in mapping


def _number(value: Any) -> int:
    """Of a text as Go's ParseInt reads it; nothing where it is none."""
    try:
        if isinstance(value, str):
            return int(value, 8) if re.fullmatch(r"[+-]?0[0-7]+", value) else int(value, 0)
        return int(value or 0)
    except (TypeError, ValueError):
        return 0


def _plain_number(text: str) -> int:
    """To the base of ten."""
    return int(text) if re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII) else 0


def _once(items: Sequence[Any]) -> list[Any]:
    return list(dict.fromkeys(_listing("uniq", items)))


def _sum(*values: Any) -> int:
    return sum(_number(value) for value in values)


def _product(*values: Any) -> int:
    return math.prod(_number(value) for value in values)


def _difference(first: Any, second: Any) -> int:
    return _number(first) - _number(second)


def _largest(*values: Any) -> int:
    return max(map(_number, values))


def _smallest(*values: Any) -> int:
    return min(map(_number, values))


def _without_prefix(prefix: str, text: str) -> str:
    return text.removeprefix(prefix)


def _without_suffix(suffix: str, text: str) -> str:
    return text.removesuffix(suffix)


def _trimmed(text: str) -> str:
    return text.strip()


def _replaced(old: str, new: str, text: str) -> str:
    return text.replace(old, new)


def _repeated(count: int, text: str) -> str:
    return text * count


def _is_inside(part: str, text: str) -> bool:
    return part in text


def _begins(prefix: str, text: str) -> bool:
    return text.startswith(prefix)


def _ends(suffix: str, text: str) -> bool:
    return text.endswith(suffix)


def _split(separator: str, text: str) -> list[str]:
    return Texts(text.split(separator))


def _listed(*items: Any) -> list[Any]:
    return list(items)


def _first(items: Sequence[Any]) -> Any:
    return _listing("first", items)[0] if items else None


def _last(items: Sequence[Any]) -> Any:
    return _listing("last", items)[-1] if items else None


def _has(item: Any, items: Sequence[Any]) -> bool:
    return item in _listing("has", items)


def _sorted(items: Any) -> list[str]:
    return Texts(sorted(printed(item) for item in cast("list[Any]", items if isinstance(items, list) else [items])))


def _listing(name: str, items: Any) -> Sequence[Any]:
    if not isinstance(items, (list, tuple)):
        raise TypeError(f"Cannot find {name} on type {type_name(items)}")
    return cast("Sequence[Any]", items)


def _encoded(text: str) -> str:
    return base64.b64encode(as_bytes(text)).decode()


def _decoded(text: str) -> str:
    """The reason in place of the text where it cannot be decoded, as sprig has it."""
    try:
        return as_text(base64.b64decode(text, validate=True))
    except ValueError:
        wrong = re.search("[^A-Za-z0-9+/]", text)
        return f"illegal base64 data at input byte {wrong.start() if wrong else len(text) // 4 * 4}"


_TEXT: dict[str, Callable[..., Any]] = {
    "upper": str.upper,
    "lower": str.lower,
    "trim": _trimmed,
    "trimPrefix": _without_prefix,
    "trimSuffix": _without_suffix,
    "replace": _replaced,
    "repeat": _repeated,
    "contains": _is_inside,
    "hasPrefix": _begins,
    "hasSuffix": _ends,
    "quote": _quoted,
    "squote": _single_quoted,
    "indent": _indented,
    "nindent": _indented_below,
    "trunc": _cut,
    "toString": printed,
    "b64enc": _encoded,
    "b64dec": _decoded,
    "default": _default,
    "coalesce": _first_of,
    "ternary": _chosen,
    "empty": operator.not_,
}
_COLLECTIONS: dict[str, Callable[..., Any]] = {
    "list": _listed,
    "join": _joined,
    "splitList": _split,
    "first": _first,
    "last": _last,
    "has": _has,
    "uniq": _once,
    "sortAlpha": _sorted,
    "dict": _mapping,
    "get": _got,
    "hasKey": _has_key,
}
_NUMBERS: dict[str, Callable[..., Any]] = {
    "int": _number,
    "atoi": _plain_number,
    "add": _sum,
    "mul": _product,
    "sub": _difference,
    "max": _largest,
    "min": _smallest,
}

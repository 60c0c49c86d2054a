"""consul-template's functions on JSON: read and written as Go's encoding/json does it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from outrider_embedded.json_text import finite, no_constant
from outrider_embedded.template_objects import AnyMap

_LARGEST_PLAIN, _SMALLEST_PLAIN = 1e21, 1e-6
"""Beyond these Go writes a number with an exponent."""
_LONE = re.compile("[\ud800-\udfff]")
_OF_PAGES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
_SEPARATORS = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029"})


def json_functions() -> dict[str, Callable[..., Any]]:
    """Those that write, by the name that templates call them."""
    return {
        "toJSON": _json,
        "toJSONPretty": _pretty_json,
        "toUnescapedJSON": _plain_json,
        "toUnescapedJSONPretty": _plain_pretty_json,
    }


def _json(value: Any) -> str:
    """With HTML's signs escaped."""
    return _plain_json(value).translate(_OF_PAGES)


def _pretty_json(value: Any) -> str:
    return _plain_pretty_json(value).translate(_OF_PAGES)


def _plain_json(value: Any) -> str:
    return "".join(_written(value, None, ""))


def _plain_pretty_json(value: Any) -> str:
    return "".join(_written(value, "  ", "\n"))


def _written(value: Any, indent: str | None, line: str) -> Iterator[str]:
    """In pieces; ``line`` is how a line begins here."""
    value = getattr(value, "document", value)
    if isinstance(value, AnyMap):
        raise TypeError("json: unsupported type: map[interface {}]interface {}")
    if isinstance(value, Mapping):
        pairs = sorted(cast("Mapping[Any, Any]", value).items())
        colon = ": " if indent else ":"
        yield from _enclosed("{}", [(_text(str(key)) + colon, one) for key, one in pairs], indent, line)
    elif isinstance(value, (list, tuple)):
        yield from _enclosed("[]", [("", one) for one in cast("Sequence[Any]", value)], indent, line)
    else:
        yield _scalar(value)


def _enclosed(brackets: str, parts: list[tuple[str, Any]], indent: str | None, line: str) -> Iterator[str]:
    if not parts:
        yield brackets
        return
    inner = line + (indent or "")
    yield brackets[0]
    for number, (name, one) in enumerate(parts):
        yield ("," if number else "") + inner + name
        yield from _written(one, indent, inner)
    yield line + brackets[1]


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, (bool, int)):
        return json.dumps(value)
    return _number(value) if isinstance(value, float) else _text(str(value))


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"json: unsupported value: {value}")
    if value == 0 or _SMALLEST_PLAIN <= abs(value) < _LARGEST_PLAIN:
        return str(int(value)) if value.is_integer() else _without_exponent(value)
    return re.sub(r"e([+-])0", r"e\1", repr(value))


def _without_exponent(value: float) -> str:
    text = repr(value)
    if "e" not in text:
        return text
    digits, _, exponent = text.partition("e")
    return f"{value:.{len(digits.replace('-', '').replace('.', '')) - 1 - int(exponent)}f}"


def _text(text: str) -> str:
    written = _LONE.sub(r"\\ufffd", json.dumps(text, ensure_ascii=False))
    return written.translate(_SEPARATORS)


def parsed_json(text: str) -> Any:
    """Every number is a float, as Go reads JSON into what it does not know."""
    return (
        json.loads(_LONE.sub("\ufffd", text), parse_int=finite, parse_float=finite, parse_constant=no_constant)
        if text
        else {}
    )

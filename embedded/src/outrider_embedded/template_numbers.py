"""consul-template's functions on numbers, and texts read as numbers: Go's arithmetic, and its errors."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from outrider_embedded.template_printf import type_name

_TRUTHS = dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True) | dict.fromkeys(
    ("", "0", "f", "F", "false", "FALSE", "False"), False
)
_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)
_FRACTION = re.compile(
    r"[+-]?(?:[0-9]+(?:_[0-9]+)*\.?[0-9]*(?:e[+-]?[0-9]+)?|\.[0-9]+(?:e[+-]?[0-9]+)?|inf|infinity|nan)",
    re.ASCII | re.IGNORECASE,
)
_LOWEST, _HIGHEST, _HIGHEST_UNSIGNED = -(2**63), 2**63 - 1, 2**64 - 1


def number_functions() -> dict[str, Callable[..., Any]]:
    """By the name that templates call them. It takes the operand that a pipe brings last: ``5 | subtract 2`` is 3."""
    return _NUMBERS


def parsing_functions() -> dict[str, Callable[[str], Any]]:
    """Those that read a text, by the same names."""
    return {
        "parseInt": _parsed_whole,
        "parseUint": _whole("parseUint", 0, _HIGHEST_UNSIGNED),
        "parseFloat": _fraction,
        "parseBool": _truth,
    }


def _arithmetic(name: str, operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def function(second: Any, first: Any) -> Any:
        for one in (first, second):
            if not is_number(one):
                raise TypeError(f'{name}: unknown type for "{one}" ({type_name(one)})')
        return operation(first, second)

    return function


def is_number(value: Any) -> bool:
    """Whether Go takes it for a number; it does not take truths for ones."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _sum(first: Any, second: Any) -> Any:
    return first + second


def _difference(first: Any, second: Any) -> Any:
    return first - second


def _product(first: Any, second: Any) -> Any:
    return first * second


def _quotient(first: Any, second: Any) -> Any:
    """Of whole numbers without what is left over; of fractions by zero there is infinity."""
    if isinstance(first, int) and isinstance(second, int):
        return _whole_quotient(first, second)
    if second:
        return first / second
    return math.nan if not first or math.isnan(first) else math.copysign(math.inf, first) * math.copysign(1, second)


def _whole_quotient(first: int, second: int) -> int:
    if not second:
        raise ValueError("runtime error: integer divide by zero")
    return abs(first) // abs(second) * (1 if (first < 0) == (second < 0) else -1)


def _remainder(first: Any, second: Any) -> int:
    """With the sign of the first."""
    for one in (first, second):
        if not isinstance(one, int):
            raise TypeError(f'modulo: unknown type for "{one}" ({type_name(one)})')
    return first - _whole_quotient(first, second) * second


def _whole(name: str, lowest: int, highest: int) -> Callable[[str], int]:
    def parsed(text: str) -> int:
        if not text:
            return 0
        if not _WHOLE.fullmatch(text) or (lowest == 0 and text[0] in "+-"):
            raise ValueError(f'{name}: strconv.P{name[1:]}: parsing "{text}": invalid syntax')
        if not lowest <= int(text) <= highest:
            raise ValueError(f'{name}: strconv.P{name[1:]}: parsing "{text}": value out of range')
        return int(text)

    return parsed


def _fraction(text: str) -> float:
    if not text:
        return 0.0
    if not _FRACTION.fullmatch(text):
        raise ValueError(f'parseFloat: strconv.ParseFloat: parsing "{text}": invalid syntax')
    return float(text)


def _truth(text: str) -> bool:
    if text not in _TRUTHS:
        raise ValueError(f'parseBool: strconv.ParseBool: parsing "{text}": invalid syntax')
    return _TRUTHS[text]


_parsed_whole = _whole("parseInt", _LOWEST, _HIGHEST)


def _counted(*bounds: Any) -> list[int]:
    if len(bounds) not in {1, 2}:
        raise ValueError(f"loop: wrong number of arguments, expected 1 or 2, but got {len(bounds)}")
    return list(range(*(_bound(one) for one in bounds)))


def _bound(value: Any) -> int:
    if isinstance(value, str):
        return _parsed_whole(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"loop: bad argument type: {type_name(value)}")
    return value


_NUMBERS: dict[str, Callable[..., Any]] = {
    "add": _arithmetic("add", _sum),
    "subtract": _arithmetic("subtract", _difference),
    "multiply": _arithmetic("multiply", _product),
    "divide": _arithmetic("divide", _quotient),
    "modulo": _arithmetic("modulo", _remainder),
    "minimum": _arithmetic("minimum", min),
    "maximum": _arithmetic("maximum", max),
    "loop": _counted,
}

"""JSON that anybody has sent, read as Go's parser reads it: whatever is wrong with it is one kind of error."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, cast

INT64 = range(-(2**63), 2**63)
LONGEST_INTEGER = 20
# Jobs have a dozen levels; what copies them later takes several of Python's for each.
MOST_DEPTH = 100
# Halves of a sign that stand alone become U+FFFD, as Go has it; no text that we write out could hold them.
ESCAPES = re.compile(
    r"\\(?:u(?=d[89ab][0-9a-f]{2}\\ud[c-f])d[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(?P<half>ud[89a-f][0-9a-f]{2})|.)",
    re.IGNORECASE | re.DOTALL,
)
# Looked for first: a bootstrap inside a job has a million other escapes, and each would be looked at.
A_HALF = re.compile(r"\\ud[89a-f]", re.IGNORECASE)


class NumberError(ValueError):
    """A number that Go has no type for."""


class DepthError(ValueError):
    """A value that is nested too deep to be read."""


def first_value(text: str) -> tuple[Any, int]:
    """The first JSON value and where it ends. Raises JSONDecodeError, NumberError, DepthError: ValueErrors, all of them."""
    try:
        value, end = _DECODER.raw_decode(ESCAPES.sub(_whole_sign, text) if A_HALF.search(text) else text)
    except RecursionError:
        raise DepthError("exceeded max depth") from None
    _check_depth(value)
    return value, end


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [child for one in level for child in _children(one)]
        if not level:
            return
    raise DepthError("exceeded max depth")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).values()
    return cast("list[Any]", value) if isinstance(value, list) else ()


def _whole_sign(found: re.Match[str]) -> str:
    return r"\ufffd" if found["half"] else found[0]


def _integer(text: str) -> int:
    number = int(text) if len(text) <= LONGEST_INTEGER else INT64.stop
    if number not in INT64:
        raise NumberError(f"json: cannot unmarshal number {text[:LONGEST_INTEGER]} into Go value of type int64")
    return number


def finite(text: str) -> float:
    """A number as Go's float64. Raises NumberError."""
    number = float(text)
    if not math.isfinite(number):
        raise NumberError(f"json: cannot unmarshal number {text[:LONGEST_INTEGER]} into Go value of type float64")
    return number


def no_constant(name: str) -> float:
    """NaN and Infinity are no JSON. Raises NumberError."""
    raise NumberError(f"invalid character {name[0]!r} looking for beginning of value")


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=finite, parse_constant=no_constant)

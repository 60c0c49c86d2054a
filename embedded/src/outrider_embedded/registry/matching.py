"""How a filter's selector and operator look at one document (go-bexpr's rules: of a list, any item may match)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from outrider_embedded.registry.refusal import Refused, failed

_MAPS = frozenset({"Meta", "NodeMeta", "ServiceMeta", "TaggedAddresses", "ServiceTaggedAddresses"})
_MISSING = ""
_FAILURE = "Failed to create boolean expression evaluator"


@dataclass(frozen=True, slots=True)
class Operator:
    """``name`` as go-bexpr prints it; ``kinds`` are the types of values that it can look at."""

    name: str
    is_met: Callable[[Any, str], bool]
    kinds: tuple[type, ...]
    is_negative: bool = False


def comparison(path: tuple[str, ...], operator: Operator, value: str) -> Callable[[Any], bool]:
    """Whether any value that ``path`` selects meets the operator; raises Refused where its type cannot."""
    if operator is MATCHES or operator is NOT_MATCHES:
        _require_pattern(value)
    return lambda document: any(_is_met(found, operator, value, path) for found in _selected(document, path, path))


def unreadable(text: str) -> Refused:
    """The answer to an expression that cannot be used."""
    return failed(f"{_FAILURE}: {text}")


def _is_met(found: Any, operator: Operator, value: str, path: tuple[str, ...]) -> bool:
    if not isinstance(found, operator.kinds):
        raise unreadable(f'Invalid match operator "{operator.name}" for selector "{".".join(path)}"')
    if isinstance(found, int) and not isinstance(found, bool) and not re.fullmatch(r"-?\d+", value):
        reason = f'strconv.ParseInt: parsing "{value}": invalid syntax'
        raise unreadable(f'Failed to coerce value "{value}" for selector "{".".join(path)}": {reason}')
    return operator.is_met(found, value) != operator.is_negative


def _is_equal(found: Any, value: str) -> bool:
    if isinstance(found, bool):
        return found == (value.lower() in {"true", "1", "t"})
    return str(found) == value


def _is_empty(found: Any, value: str) -> bool:  # noqa: ARG001  # the operators share one shape
    return not found


def _is_holding(found: Any, value: str) -> bool:
    return value in found


def _is_matching(found: str, value: str) -> bool:
    return re.search(value, found) is not None


EQUAL = Operator("Equal", _is_equal, (str, int))
NOT_EQUAL = Operator("Not Equal", _is_equal, (str, int), is_negative=True)
IS_EMPTY = Operator("Is Empty", _is_empty, (list, dict))
IS_NOT_EMPTY = Operator("Is Not Empty", _is_empty, (list, dict), is_negative=True)
IN = Operator("In", _is_holding, (str, list, dict))
NOT_IN = Operator("Not In", _is_holding, (str, list, dict), is_negative=True)
MATCHES = Operator("Matches", _is_matching, (str,))
NOT_MATCHES = Operator("Not Matches", _is_matching, (str,), is_negative=True)


def _require_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise unreadable(f'Failed to compile regular expression "{pattern}": {error}') from error


def _selected(document: Any, path: tuple[str, ...], whole: tuple[str, ...]) -> Iterable[Any]:
    if isinstance(document, list) and path:
        for item in cast("list[Any]", document):
            yield from _selected(item, path, whole)
    elif not path:
        yield document
    elif isinstance(document, dict) and path[0] in document:
        yield from _selected(_child(cast("dict[str, Any]", document), path[0]), path[1:], whole)
    elif path[0] in _MAPS or (len(whole) > len(path) and whole[-len(path) - 1] in _MAPS):
        yield _MISSING
    else:
        raise unreadable(f'Selector "{".".join(whole)}" is not valid')


def _child(document: dict[str, Any], key: str) -> Any:
    child = document[key]
    return {} if child is None and key in _MAPS else child

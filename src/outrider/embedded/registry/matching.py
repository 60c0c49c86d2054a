"""How a filter's selector and operator look at one document (go-bexpr's rules: of a list, any item may match)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from outrider.embedded.registry.refusal import failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MAPS = frozenset({"Meta", "NodeMeta", "ServiceMeta", "TaggedAddresses", "ServiceTaggedAddresses"})
_MISSING = object()


def comparison(path: tuple[str, ...], compare: Callable[[Any, str], bool], value: str) -> Callable[[Any], bool]:
    """Whether any value that ``path`` selects compares well."""
    return lambda document: any(compare(found, value) for found in _selected(document, path, path))


def is_equal(found: Any, value: str) -> bool:
    if isinstance(found, bool):
        return found == (value.lower() in {"true", "1", "t"})
    return found is not _MISSING and not isinstance(found, (dict, list)) and _text(found) == value


def is_not_equal(found: Any, value: str) -> bool:
    return not is_equal(found, value)


def is_empty(found: Any, value: str) -> bool:  # noqa: ARG001  # the operators share one shape
    return found is _MISSING or not found


def is_not_empty(found: Any, value: str) -> bool:
    return not is_empty(found, value)


def is_holding(found: Any, value: str) -> bool:
    return found is not _MISSING and found is not None and value in found


def is_not_holding(found: Any, value: str) -> bool:
    return not is_holding(found, value)


def is_matching(found: Any, value: str) -> bool:
    return isinstance(found, str) and re.search(value, found) is not None


def is_not_matching(found: Any, value: str) -> bool:
    return not is_matching(found, value)


def _selected(document: Any, path: tuple[str, ...], whole: tuple[str, ...]) -> Iterable[Any]:
    if isinstance(document, list) and path:
        for item in cast("list[Any]", document):
            yield from _selected(item, path, whole)
    elif not path:
        yield document
    elif isinstance(document, dict) and path[0] in document:
        yield from _selected(_child(cast("dict[str, Any]", document), path[0]), path[1:], whole)
    elif len(whole) > len(path) and whole[-len(path) - 1] in _MAPS:
        yield _MISSING
    else:
        raise failed(f'Failed to create boolean expression evaluator: Selector "{".".join(whole)}" is not valid')


def _child(document: dict[str, Any], key: str) -> Any:
    child = document[key]
    return {} if child is None and key in _MAPS else child


def _text(found: Any) -> str:
    return "" if found is None else str(found)

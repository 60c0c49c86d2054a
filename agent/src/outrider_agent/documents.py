"""JSON without the json package: its decoder loads re and enum, 0.5 MB for what the C scanner below it does alone.

And parts of foreign JSON, of whatever shape it comes in: what is not there, or of another kind, is empty.
"""

from __future__ import annotations

from _json import encode_basestring_ascii, make_scanner

LITERALS = {True: "true", False: "false", None: "null"}

WHITESPACE = " \t\r\n"  # JSON's own; str.strip would take more

Json = dict[str, object]


class Plain:
    """What the C scanner asks of its context: no hooks, Python's own numbers (as json.decoder.JSONDecoder has it)."""

    strict = True
    array_hook = None
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


_scan = make_scanner(Plain)  # pyright: ignore[reportArgumentType]  any object with these attributes will do


def scanned(text: str, position: int) -> tuple[object, int]:
    """The value that starts at ``position`` and where it ends; raise ValueError where none does."""
    try:
        return _scan(text, position)
    except (StopIteration, SystemError, RecursionError) as problem:
        # SystemError: 3.10 and 3.11 look for the decoder's exception among loaded modules, and do not find it.
        raise ValueError(f"{type(problem).__name__} at or after {position}") from problem


def parsed(text: str) -> object:
    """The one value in ``text``; raise ValueError where it is not exactly one."""
    value, stop = scanned(text, len(text) - len(text.lstrip(WHITESPACE)))
    if text[stop:].strip(WHITESPACE):
        raise ValueError("more than one value")
    return value


def rendered(value: object) -> str:
    """Compact JSON of objects, lists, text, numbers, true, false and null; keys in their order."""
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if isinstance(value, dict):
        entries: Json = value  # pyright: ignore[reportUnknownVariableType]  what its keys are is asked below
        return "{" + ",".join(f"{rendered(str(key))}:{rendered(one)}" for key, one in entries.items()) + "}"
    if isinstance(value, (list, tuple)):
        items: list[object] = list(value)  # pyright: ignore[reportUnknownArgumentType]  rendered one by one
        return "[" + ",".join([rendered(one) for one in items]) + "]"
    if value is None or isinstance(value, bool):
        return LITERALS[value]
    return repr(value)


def object_in(value: object) -> Json:
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]  JSON's keys are text


def list_in(value: object) -> list[object]:
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]  asked again where used


def text_in(value: object) -> str:
    return value if isinstance(value, str) else ""

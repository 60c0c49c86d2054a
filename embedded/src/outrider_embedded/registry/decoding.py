"""Request bodies as Consul reads them: Go's JSON decoder with its error texts, unknown fields refused."""

from __future__ import annotations

import json
import re
from typing import Any, cast

from outrider_embedded.json_text import first_value
from outrider_embedded.registry import durations
from outrider_embedded.registry.refusal import Refused, bad_request

TEXT = "string"
WHOLE = "int"
TRUTH = "bool"
TEXTS = "[]string"
TEXT_MAP = "map[string]string"
LISTS_MAP = "map[string][]string"
PLACES_MAP = "map[string]structs.ServiceAddress"
DURATION = "duration"
ANY = "interface {}"

Fields = dict[str, str]
"""A field's name, as the API writes it, to its type, as Go names it."""

_GO_KINDS = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}
_PYTHON_KINDS: dict[str, tuple[type, ...]] = {
    TEXT: (str,),
    WHOLE: (int,),
    TRUTH: (bool,),
    TEXTS: (list,),
    TEXT_MAP: (dict,),
    LISTS_MAP: (dict,),
    PLACES_MAP: (dict,),
    DURATION: (str, int, float),
}
_ITEM_KINDS = {TEXTS: TEXT, TEXT_MAP: TEXT}
_SYNTAX = (
    (re.compile("property name"), "looking for beginning of object key string"),
    (re.compile("Expecting value"), "looking for beginning of value"),
    (re.compile("':' delimiter"), "after object key"),
    (re.compile("',' delimiter"), "after object key:value pair"),
)


def document(body: bytes) -> Any:
    """The first JSON value of a body; what follows it is not read."""
    text = body.decode("utf-8", "replace").lstrip(" \t\r\n")
    if not text:
        raise _undecodable("EOF")
    try:
        return first_value(text)[0]
    except json.JSONDecodeError as error:
        raise _undecodable(_syntax_text(error, text)) from error
    except ValueError as error:
        raise _undecodable(str(error)) from error


def fields_of(value: Any, fields: Fields, go_type: str) -> dict[str, Any]:
    """The named fields of an object, whatever the case and underscores of their names; null is left out."""
    if not isinstance(value, dict):
        raise _undecodable(f"json: cannot unmarshal {_kind(value)} into Go value of type {go_type}")
    names = {_plain(name): name for name in fields}
    found: dict[str, Any] = {}
    for key, item in cast("dict[str, Any]", value).items():
        name = names.get(_plain(key))
        if name is None:
            raise _undecodable(f'json: unknown field "{key}"')
        if item is not None:
            found[name] = _checked(name, fields[name], item)
    return found


def _checked(name: str, kind: str, value: Any) -> Any:
    if kind == ANY:
        return value
    if not isinstance(value, _PYTHON_KINDS[kind]) or (isinstance(value, bool) and kind != TRUTH):
        raise _mistyped(name, kind, value)
    for item in _children(value) if kind in _ITEM_KINDS else ():
        if not isinstance(item, str):
            raise _mistyped(name, _ITEM_KINDS[kind], item)
    return _seconds(value) if kind == DURATION else value


def _seconds(value: str | float) -> float:
    try:
        return durations.seconds(value)
    except ValueError as error:
        raise _undecodable(str(error)) from error


def _children(value: Any) -> list[Any]:
    return list(cast("dict[str, Any]", value).values()) if isinstance(value, dict) else cast("list[Any]", value)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _kind(value: Any) -> str:
    return _GO_KINDS.get(value.__class__, "null")


def _mistyped(name: str, kind: str, value: Any) -> Refused:
    return _undecodable(f"json: cannot unmarshal {_kind(value)} into Go struct field .{name} of type {kind}")


def _undecodable(text: str) -> Refused:
    return bad_request(f"Request decode failed: {text}")


def _syntax_text(error: json.JSONDecodeError, text: str) -> str:
    if error.pos >= len(text):
        return "unexpected EOF"
    place = next((place for pattern, place in _SYNTAX if pattern.search(error.msg)), "looking for beginning of value")
    return f"invalid character {text[error.pos]!r} {place}"

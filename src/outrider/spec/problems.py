"""From pydantic's errors to problems in words for a person: what is wrong, with which key, and the near miss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from outrider.spec.shapes import near_miss
from outrider.spec.structure import Location, keys_of, located_in, places_of, summary_of
from outrider.spec.values import shown

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

    from outrider.spec.document import Path

YES_NO = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
NUMBER_LIMITS = {
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
}
LENGTH_LIMITS = {
    "string_too_long": "at most {max_length} signs long",
    "string_too_short": "at least {min_length} sign long",
    "too_short": "a list with at least {min_length} entry",
    "too_long": "a map or list with at most {max_length} entries",
}


class Finding(NamedTuple):
    """One problem before it has its place in the file; ``of_key`` says that the key itself is wrong."""

    path: Path
    message: str
    suggestion: str | None = None
    of_key: bool = False


def findings(error: ValidationError, model: type[BaseModel]) -> list[Finding]:
    """All findings of one validation, in the order of the model."""
    return [finding(detail, model) for detail in error.errors() if detail["type"] != "default_factory_not_called"]


def finding(detail: ErrorDetails, model: type[BaseModel]) -> Finding:
    """One pydantic error in our words."""
    loc, of_key = detail["loc"], detail["loc"][-1:] == ("[key]",)
    place = located_in(model, loc[:-1] if of_key else loc)
    path, around = place.path, place.around
    kind, value, limits = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown_key(place, model)
    if kind == "missing":
        return Finding(path, f"is missing: {summary_of(around, str(path[-1]))}")
    if kind == "literal_error":
        return wrong_word(path, value, limits["expected"])
    if kind == "bool_type":
        return wrong_boolean(path, value)
    if wanted := NUMBER_LIMITS.get(kind):
        return Finding(path, f"must be {wanted.format(**limits)}; found {shown(value)}")
    if wanted := LENGTH_LIMITS.get(kind):
        return Finding(path, f"must be {wanted.format(**limits)}", of_key=of_key)
    return Finding(path, wrong_type(kind, value) or detail["msg"] + found_where_due(kind, value), of_key=of_key)


def found_where_due(kind: str, value: Any) -> str:
    """What was found, unless the message says it already."""
    return "" if kind == "refused" else f"; found {shown(value)}"


def wrong_type(kind: str, value: Any) -> str | None:
    """The message for a value of the wrong kind, with what to write instead."""
    if value is None:
        return "has no value: write one, write {} for the defaults, or remove the line"
    match kind:
        case "string_type":
            quoted = f': put it in quotes, "{shown(value)}"' if isinstance(value, (int, float)) else ""
            return f"must be text{quoted or f'; found {shown(value)}'}"
        case "int_type" | "int_from_float":
            return f"must be a whole number{': leave out the quotes' if is_number(value) else ''}; found {shown(value)}"
        case "float_type":
            return f"must be a number; found {shown(value)}"
        case "tuple_type" | "list_type":
            return (
                f"must be a list: write [{value}]"
                if isinstance(value, str)
                else f"must be a list; found {shown(value)}"
            )
        case "dict_type" | "model_type":
            return f"must be a map of keys and values; found {shown(value)}"
        case _:
            return None


def is_number(value: Any) -> bool:
    """Whether the text would be a whole number without its quotes."""
    return isinstance(value, str) and value.isascii() and value.isdigit()


def wrong_boolean(path: Path, value: Any) -> Finding:
    """``no`` is text here, as in every YAML after 1.1."""
    if value is None:
        return Finding(path, str(wrong_type("", value)))
    meant = YES_NO.get(str(value).lower(), str(value).lower() if str(value).lower() in {"true", "false"} else None)
    return Finding(path, f"must be true or false; found {shown(value)}", meant)


def wrong_word(path: Path, value: Any, expected: str) -> Finding:
    """A word that is not in the list of words."""
    if value is None:
        return Finding(path, str(wrong_type("", value)))
    words = expected.replace("'", "")
    known = words.replace(" or ", ", ").split(", ")
    suggestion = near_miss(value, tuple(known)) if isinstance(value, str) else None
    verb = "one of " if len(known) > 1 else ""
    return Finding(path, f"must be {verb}{words}; found {shown(value)}", suggestion)


def unknown_key(place: Location, model: type[BaseModel]) -> Finding:
    """A key that no field has: the near miss, the shape it belongs to, or the place it belongs to."""
    path, key = place.path, str(place.path[-1])
    known = keys_of(place.around)
    suggestion = near_miss(key, known)
    if suggestion:
        return Finding(path, "unknown key", suggestion, of_key=True)
    if key in place.others:
        return Finding(path, f"does not go with {' and '.join(known[:1])}: use one of them", of_key=True)
    places = places_of(key, model)[:3]
    elsewhere = f"; it is known under {' and '.join(places)}" if places else ""
    return Finding(path, f"unknown key{elsewhere or '; known here: ' + ', '.join(known)}", of_key=True)

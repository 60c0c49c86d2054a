"""From pydantic's errors to findings in words for a person: what is wrong, with which key, and the near miss."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from outrider.spec.shapes import near_miss
from outrider.spec.structure import Location, keys_of, located_in, places_of, summary_of
from outrider.spec.values import shown

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

    from outrider.spec.document import Path

YES_NO = {
    "yes": "true",
    "on": "true",
    "y": "true",
    "no": "false",
    "off": "false",
    "n": "false",
    "true": "true",
    "false": "false",
}
NO_VALUE = "has no value: write one, write {} for the defaults, or remove the line"
Words = tuple[str, str | None]


class Finding(NamedTuple):
    """One problem before it has its place in the file; ``of_key`` says that the key itself is wrong."""

    path: Path
    message: str
    suggestion: str | None = None
    of_key: bool = False


def findings(error: ValidationError, model: type[BaseModel]) -> list[Finding]:
    """All findings of one validation, in the order of the model; what follows from another one is left out."""
    details = [detail for detail in error.errors() if detail["type"] != "default_factory_not_called"]
    found = [finding(detail, model) for detail in details]
    meant = {(*each.path[:-1], each.suggestion) for each in found if each.of_key and each.suggestion}
    return [
        each
        for each, detail in zip(found, details, strict=True)
        if detail["type"] != "missing" or each.path not in meant
    ]


def finding(detail: ErrorDetails, model: type[BaseModel]) -> Finding:
    """One pydantic error in our words."""
    loc, of_key = detail["loc"], detail["loc"][-1:] == ("[key]",)
    place = located_in(model, loc[:-1] if of_key else loc)
    if detail["type"] == "extra_forbidden":
        return unknown_key(place, model)
    if detail["type"] == "missing":
        return Finding(place.path, f"is missing: {summary_of(place.around, str(place.path[-1]))}")
    message, suggestion = words(detail)
    return Finding(place.path, message, suggestion, of_key)


def words(detail: ErrorDetails) -> Words:
    """What is wrong with a value, and perhaps what was meant."""
    value, context = detail["input"], detail.get("ctx", {})
    if value is None:
        return NO_VALUE, None
    known = WORDS.get(detail["type"])
    return known(value, context) if known else (f"{detail['msg']}; found {shown(value)}", None)


def text_due(value: Any, _: dict[str, Any]) -> Words:
    is_number = isinstance(value, int | float)
    return (
        f'must be text: put it in quotes, "{shown(value)}"' if is_number else f"must be text; found {shown(value)}",
        None,
    )


def whole_number_due(value: Any, _: dict[str, Any]) -> Words:
    is_quoted = isinstance(value, str) and value.isascii() and value.isdigit()
    return f"must be a whole number{': leave out the quotes' if is_quoted else ''}; found {shown(value)}", None


def boolean_due(value: Any, _: dict[str, Any]) -> Words:
    """``no`` is text here, as in every YAML after 1.1."""
    return f"must be true or false; found {shown(value)}", YES_NO.get(str(value).lower())


def list_due(value: Any, _: dict[str, Any]) -> Words:
    hint = f": write [{value}]" if isinstance(value, str) and len(value) <= 40 and value.isalnum() else ""  # noqa: PLR2004
    return f"must be a list{hint}; found {shown(value)}", None


def map_due(value: Any, _: dict[str, Any]) -> Words:
    return f"must be a map of keys and values; found {shown(value)}", None


def word_due(value: Any, context: dict[str, Any]) -> Words:
    """One of a list of words is due."""
    expected = str(context["expected"]).replace("'", "").lower()
    expected = expected if expected == "true" else str(context["expected"]).replace("'", "")
    known = expected.replace(" or ", ", ").split(", ")
    suggestion = near_miss(value, tuple(known)) if isinstance(value, str) else None
    return f"must be {'one of ' if len(known) > 1 else ''}{expected}; found {shown(value)}", suggestion


def limited(wanted: str) -> Callable[[Any, dict[str, Any]], Words]:
    """Words for a value out of bounds."""

    def words_of(value: Any, context: dict[str, Any]) -> Words:
        plain = {key: int(limit) if isinstance(limit, float) else limit for key, limit in context.items()}
        return f"must be {wanted.format(**plain)}; found {shown(value)}", None

    return words_of


def own_words(_: Any, context: dict[str, Any]) -> Words:
    """The message that one of our own kinds of values gave."""
    return str(context["text"]), None


WORDS: dict[str, Callable[[Any, dict[str, Any]], Words]] = {
    "refused": own_words,
    "string_type": text_due,
    "int_type": whole_number_due,
    "int_from_float": whole_number_due,
    "float_type": limited("a number"),
    "bool_type": boolean_due,
    "tuple_type": list_due,
    "list_type": list_due,
    "dict_type": map_due,
    "model_type": map_due,
    "model_attributes_type": map_due,
    "literal_error": word_due,
    "greater_than_equal": limited("at least {ge}"),
    "less_than_equal": limited("at most {le}"),
    "string_too_long": limited("at most {max_length} signs long"),
    "string_too_short": limited("at least {min_length} sign long"),
    "too_short": limited("at least {min_length} long"),
    "too_long": limited("at most {max_length} long"),
}


def unknown_key(place: Location, model: type[BaseModel]) -> Finding:
    """A key that no field has: the near miss, the shape it belongs to, or the place it belongs to."""
    path, key, known = place.path, str(place.path[-1]), keys_of(place.around)
    if suggestion := near_miss(key, known):
        return Finding(path, "unknown key", suggestion, of_key=True)
    if key in place.others:
        return Finding(path, f"does not go with {place.deciding}: use one of them", of_key=True)
    places = places_of(key, model)[:3]
    elsewhere = f"; it is known under {listed(places)}" if places else f"; known here: {', '.join(known)}"
    return Finding(path, f"unknown key{elsewhere}", of_key=True)


def listed(texts: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join(part for part in (", ".join(texts[:-1]), texts[-1]) if part)

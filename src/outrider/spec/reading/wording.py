"""What is said of a wrong value: what is due, what was found, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

from outrider.spec.reading.structure import example_of, is_list, is_map, is_shape, is_text, summary_of
from outrider.spec.shapes import near_miss
from outrider.spec.values import A_LIST, A_MAP, shown

YES_NO = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
WITH_UNIT = re.compile(r"[0-9]+[^0-9.,]+", re.ASCII)
PLAIN_WORDS = re.compile(r"[\w./:=@-]+( [\w./:=@-]+){0,5}", re.ASCII)
SHORT = 40
Words = tuple[str, str | None]
# pydantic's context of the error, then the model around the value and the value's key in it.
Writer = Callable[[Any, dict[str, Any], Any, str], Words]


def no_value(around: Any, key: str) -> str:
    """What is said of a key with nothing behind its colon."""
    if is_map(around, key):
        return "has no value: indent what belongs to it, write {} for the defaults, or remove the line"
    if is_list(around, key) or is_shape(around, key):
        return "has no value: indent what belongs to it, or remove the line"
    empty = ', write "" for an empty text,' if is_text(around, key) else ""
    return f"has no value: write one{empty} or remove the line"


def text_due(value: Any, _: dict[str, Any], around: Any, key: str) -> Words:
    if isinstance(value, int | float):
        return f'must be text: put it in quotes, "{shown(value)}"', None
    example = example_of(around, key)
    return f"must be text{f', as in {shown(example)}' if example else ''}; found {shown(value)}", None


def whole_number_due(value: Any, _: dict[str, Any], around: Any, key: str) -> Words:
    summary = summary_of(around, key).strip()
    of = f" ({summary})" if len(summary) <= SHORT else ""
    text = value if isinstance(value, str) else ""
    is_quoted = text.isascii() and text.isdigit()
    hint = ": leave out the quotes" if is_quoted else ": leave out the unit" if WITH_UNIT.fullmatch(text) else ""
    return f"must be a whole number{of}{hint}; found {shown(value)}", None


def boolean_due(value: Any, _: dict[str, Any], __: Any, ___: str) -> Words:
    """``no`` is text here, as in every YAML after 1.1."""
    if value in ("true", "false"):
        return f"must be true or false: leave out the quotes; found {shown(value)}", None
    text = str(value).lower()
    meant = text if text in {"true", "false"} else YES_NO.get(text)
    return f"must be true or false; found {shown(value)}", meant


def list_due(value: Any, _: dict[str, Any], __: Any, ___: str) -> Words:
    is_plain = isinstance(value, str) and PLAIN_WORDS.fullmatch(value)
    hint = f": write [{', '.join(value.split())}]" if is_plain else ""
    found = shown(value)
    return f"must be a list{': begin each entry with a dash' if found == A_MAP else hint}; found {found}", None


def map_due(value: Any, _: dict[str, Any], __: Any, ___: str) -> Words:
    found = shown(value)
    hint = ": write KEY: VALUE, without dashes" if found == A_LIST else ""
    return f"must be a map of keys and values{hint}; found {found}", None


def shape_due(value: Any, context: dict[str, Any], _: Any, __: str) -> Words:
    """A map with one of several shapes is due; ``context`` has the wanted ones in words."""
    found = shown(value)
    keys = ", ".join(list(cast("dict[str, Any]", value))[:5]) if found == A_MAP else ""
    return f"{context['wanted']}; found {found}{f' with {keys}' if keys else ''}", None


def word_due(value: Any, context: dict[str, Any], _: Any, __: str) -> Words:
    """One of a list of words is due."""
    expected = str(context["expected"])
    words = "true" if expected == "True" else expected.replace("'", "")
    known = words.replace(" or ", ", ").split(", ")
    suggestion = near_miss(value, tuple(known)) if isinstance(value, str) else None
    return f"must be {'one of ' if len(known) > 1 else ''}{words}; found {shown(value)}", suggestion


def limited(wanted: str) -> Writer:
    """Words for a value out of bounds."""

    def words_of(value: Any, context: dict[str, Any], _: Any, __: str) -> Words:
        plain = {key: int(limit) if isinstance(limit, float) else limit for key, limit in context.items()}
        return f"must be {wanted.format(**plain)}; found {shown(value)}", None

    return words_of


def empty(value: Any, _: dict[str, Any], __: Any, ___: str) -> Words:
    return f"must not be empty; found {shown(value)}", None


def own_words(_: Any, context: dict[str, Any], __: Any, ___: str) -> Words:
    """The message that one of our own kinds of values gave."""
    return str(context["text"]), context.get("suggestion")


WORDS: dict[str, Writer] = {
    "refused": own_words,
    "shape": shape_due,
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
    "too_short": empty,
    "too_long": limited("at most {max_length} long"),
}

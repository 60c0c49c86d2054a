"""From pydantic's errors to findings in words for a person: what is wrong, with which key, and the near miss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.spec.mistakes import Mistake
from outrider.spec.reading.structure import Location, keys_of, located_in, places_of, summary_of
from outrider.spec.reading.wording import WORDS, Words, no_value
from outrider.spec.shapes import near_miss
from outrider.spec.values import shown

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails


# More than anybody reads; a file with thousands of wrong keys must not cost minutes.
MOST_FINDINGS = 150
# What other tools call it: the key here, where this model has it.
ELSEWHERE = {
    "name": "service",
    "replicas": "count",
    "instances": "count",
    "scale": "count",
    "retry": "retries",
    "attempts": "retries",
    "max_retries": "retries",
    "max_connections": "limit",
    "max_requests": "limit",
    "concurrency": "limit",
    "environment": "env",
    "variables": "env",
    "dependencies": "upstreams",
    "depends_on": "upstreams",
    "calls": "upstreams",
    "healthcheck": "checks",
    "health": "checks",
    "owner": "team",
    "url": "address",
    "host": "address",
    "mem": "memory",
    "cpus": "cpu",
    "args": "command",
    "entrypoint": "command",
    "grace_period": "delay",
    "kill_timeout": "timeout",
    "kill_signal": "signal",
    "deadline": "timeout",
}


def mistakes(error: ValidationError, model: type[BaseModel]) -> list[Mistake]:
    """All findings of one validation, in the order of the model; what follows from another one is left out."""
    details = [detail for detail in error.errors() if detail["type"] != "default_factory_not_called"][:MOST_FINDINGS]
    found = [mistake(detail, model) for detail in details]
    meant = {(*each.path[:-1], each.suggestion) for each in found if each.of_key and each.suggestion}
    return [
        each
        for each, detail in zip(found, details, strict=True)
        if detail["type"] != "missing" or each.path not in meant
    ]


def mistake(detail: ErrorDetails, model: type[BaseModel]) -> Mistake:
    """One pydantic error in our words."""
    loc, of_key = detail["loc"], detail["loc"][-1:] == ("[key]",)
    place = located_in(model, loc[:-1] if of_key else loc)
    if detail["type"] == "extra_forbidden":
        return unknown_key(place, model)
    if detail["type"] == "missing":
        return Mistake(place.path, f"is missing: {summary_of(place.around, str(place.path[-1]))}")
    message, suggestion = words(detail, place)
    return Mistake(place.path, message, suggestion, of_key)


def words(detail: ErrorDetails, place: Location) -> Words:
    """What is wrong with a value, and perhaps what was meant."""
    value, key = detail["input"], str(place.path[-1]) if place.path else ""
    if value is None:
        return no_value(place.around, key), None
    known = WORDS.get(detail["type"])
    context = {"wanted": detail["msg"], **detail.get("ctx", {})}
    return known(value, context, place.around, key) if known else (f"{detail['msg']}; found {shown(value)}", None)


def unknown_key(place: Location, model: type[BaseModel]) -> Mistake:
    """A key that no field has: the near miss, the shape it belongs to, or the place it belongs to."""
    path, key, known = place.path, str(place.path[-1]), keys_of(place.around)
    if suggestion := near_miss(key, known) or next((here for here in known if ELSEWHERE.get(key) == here), None):
        return Mistake(path, "unknown key", suggestion, of_key=True)
    if key in place.others:
        return Mistake(path, f"does not go with {place.deciding}: use one of them", of_key=True)
    places = places_of(key, model)[:3]
    elsewhere = f" here; it is a key of {listed(places)}" if places else f"; known here: {', '.join(known)}"
    return Mistake(path, f"unknown key{elsewhere}", of_key=True)


def listed(texts: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join(part for part in (", ".join(texts[:-1]), texts[-1]) if part)

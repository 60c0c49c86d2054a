"""Data against a model and its rules: the model where all is well, and every finding where it is not."""

from __future__ import annotations

from functools import reduce
from typing import Any, cast

from pydantic import ValidationError

from outrider.spec.mistakes import Kind, Mistake, Model, Path
from outrider.spec.reading.problems import MOST_FINDINGS, mistakes
from outrider.spec.reading.structure import is_model, located_in


def checked(data: Any, kind: Kind[Model]) -> tuple[Model | None, list[Mistake]]:
    """The model of the data, or None and what is wrong with it: wrong values and broken rules together."""
    if not isinstance(data, dict):
        return None, [Mistake((), "the file must be a map of keys and values, one KEY: VALUE per line")]
    written = cast("dict[str, Any]", data)
    try:
        model = kind.model.model_validate(written)
    except ValidationError as error:
        wrong = mistakes(error, kind.model)
        return None, wrong + (broken_beside(written, kind, wrong) if len(wrong) < MOST_FINDINGS else [])
    broken = broken_rules(model, kind, set())
    return (None if broken else model), broken


def broken_rules(model: Model, kind: Kind[Model], unknown: set[str]) -> list[Mistake]:
    """What the rules say that read none of the ``unknown`` keys."""
    return [mistake for rule in kind.rules if not set(rule.reads) & unknown for mistake in rule.check(model)]


def broken_beside(data: dict[str, Any], kind: Kind[Model], wrong: list[Mistake]) -> list[Mistake]:
    """Broken rules in data that has wrong values too.

    Those values are left out, with every rule that reads a key that is wrong as a whole, and with everything that is
    said of their neighbours, which may be a consequence.
    """
    cuts = {cut(data, mistake.path) for mistake in wrong}
    rest = reduce(removed, cuts, data)
    unknown = {str(path[0]) for path in cuts if len(path) == 1}
    try:
        model = kind.model.model_validate({key: kind.stand_ins[key] for key in unknown if key in kind.stand_ins} | rest)
    except ValidationError:
        return []
    beside = {path[:-1] if is_model(located_in(kind.model, path).around) else path for path in cuts if len(path) > 1}
    return [
        mistake
        for mistake in broken_rules(model, kind, unknown)
        if not any(mistake.path[: len(path)] == path for path in beside)
    ]


def cut(data: Any, path: Path) -> Path:
    """What has to go so that the rest holds: the path, or what is above it up to the first list or missing key."""
    for depth, part in enumerate(path):
        if not isinstance(data, dict):
            return path[:depth]
        if part not in data:
            return path[: max(depth, 1)]
        data = cast("dict[Any, Any]", data)[part]
    return path


def removed(data: Any, path: Path) -> Any:
    """The data without what stands at the path."""
    if not isinstance(data, dict) or not path:
        return cast("Any", data)
    written = cast("dict[Any, Any]", data)
    if len(path) == 1:
        return {key: value for key, value in written.items() if key != path[0]}
    return {key: removed(value, path[1:]) if key == path[0] else value for key, value in written.items()}


def nulls(data: Any, path: Path = ()) -> list[Path]:
    """The paths of all keys without a value, in maps only."""
    if not isinstance(data, dict):
        return []
    pairs = cast("dict[str, Any]", data).items()
    return [
        found for key, value in pairs for found in ([(*path, key)] if value is None else nulls(value, (*path, key)))
    ]

"""What differs between two merged specs, field by field, in the words of the spec: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from outrider.topology.version import BESIDE

if TYPE_CHECKING:
    from outrider.documents import Json

Sign = Literal["+", "-", "~"]


@dataclass(frozen=True, slots=True)
class Change:
    """One field that a deployment would change; ``path`` is dotted as in the spec."""

    sign: Sign
    path: str
    before: Any
    after: Any
    note: str = ""


def differences(before: Json, after: Json, beyond_defaults: Json | None = None) -> tuple[Change, ...]:
    """Every field that was added (+), removed (-) or changed (~), in the order of the newer spec.

    With ``beyond_defaults``, the part of ``after`` that differs from its defaults, a field that ``before`` does not
    know and that is at its default is no change: it is one that an earlier Outrider did not have.
    """
    old, new = dict(_leaves(before)), dict(_leaves(after))
    if beyond_defaults is not None:
        new = _without_new_defaults(new, old, dict(_leaves(beyond_defaults)))
    paths = [*new, *(path for path in old if path not in new)]
    return tuple(_change(path, old, new) for path in paths if old.get(path, _ABSENT) != new.get(path, _ABSENT))


_ABSENT = object()


def _without_new_defaults(new: dict[str, Any], old: dict[str, Any], stated: dict[str, Any]) -> dict[str, Any]:
    """What is new as a whole, an upstream say, is shown with its defaults."""
    known = {"", *(path[:end] for path in old for end, sign in enumerate(path) if sign == ".")}
    return {
        path: value
        for path, value in new.items()
        if path in old or path in stated or path.rpartition(".")[0] not in known
    }


def _change(path: str, old: dict[str, Any], new: dict[str, Any]) -> Change:
    sign: Sign = "+" if path not in old else "-" if path not in new else "~"
    note = "" if path.split(".", 1)[0] in BESIDE else "replaces allocations"
    return Change(sign=sign, path=path, before=old.get(path), after=new.get(path), note=note)


def _leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Paths and values without what is not set: None, and empty collections at their default."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        inner = [leaf for key, part in fields.items() for leaf in _leaves(part, f"{path}.{key}" if path else key)]
        # An upstream without knobs is written {}: it is there, though it has no field.
        return inner or ([(path, {})] if path.count(".") == 1 else [])
    if value is None or value in ([], ()):
        return []
    return [(path, value)]

"""What differs between two specs as they are stored, field by field, in the words of the spec: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from outrider.operations.answers.plan import Change, Sign
from outrider.topology.version import BESIDE

if TYPE_CHECKING:
    from outrider.documents import Json


def differences(before: Json, after: Json) -> tuple[Change, ...]:
    """Every field that was added (+), removed (-) or changed (~), in the order of the newer spec."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    paths = [*new, *(path for path in old if path not in new)]
    return tuple(_change(path, old, new) for path in paths if old.get(path, _ABSENT) != new.get(path, _ABSENT))


_ABSENT = object()


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

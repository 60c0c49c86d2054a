"""What differs between two specs as they are stored, field by field, in the words of the spec; secrets are masked: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from outrider.operations.answers.plan import Change, Sign
from outrider.operations.redaction import SENSITIVE, is_kept_elsewhere, masked
from outrider.topology.version import BESIDE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from outrider.documents import Json

# Lists whose things are long: each of their fields is a change of its own, ``files.0.template``.
ITEMIZED = frozenset({"files"})


def differences(before: Json, after: Json) -> tuple[Change, ...]:
    """Every field that was added (+), removed (-) or changed (~), in the order of the newer spec."""
    old, new = dict(leaves(before)), dict(leaves(after))
    return tuple(_noted(one) for one in changed(old, new))


_ABSENT = object()


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """What differs between fields by their paths, in the order of the newer ones and then of those that are gone."""
    for path in (*new, *(path for path in old if path not in new)):
        if old.get(path, _ABSENT) != new.get(path, _ABSENT):
            sign: Sign = "+" if path not in old else "-" if path not in new else "~"
            yield Change(sign, path, old.get(path), new.get(path))


def _noted(change: Change) -> Change:
    path, before, after = change.path, change.before, change.after
    note = "" if path.split(".", 1)[0] in BESIDE else "replaces allocations"
    return Change(change.sign, path, _shown(path, before, beside=after), _shown(path, after, beside=before), note)


def _shown(path: str, value: Any, *, beside: Any) -> Any:
    """The value without secrets: one that is kept elsewhere on the other side is a secret on this side too."""
    if isinstance(value, str) and is_kept_elsewhere(beside):
        return SENSITIVE
    head, _, rest = path.partition(".")
    names = (head, rest) if head == "env" and rest else tuple(path.split("."))
    return masked(value, names)


def leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Paths and values without what is not set: None, and empty collections at their default."""
    if isinstance(value, dict) and not is_kept_elsewhere(cast("dict[str, Any]", value)):
        fields = cast("dict[str, Any]", value)
        inner = [leaf for key, part in fields.items() for leaf in leaves(part, f"{path}.{key}" if path else key)]
        # An upstream without knobs is written {}: it is there, though it has no field.
        return inner or ([(path, {})] if path.count(".") == 1 else [])
    if value is None or value in ([], ()):
        return []
    if path in ITEMIZED:
        return [leaf for place, part in enumerate(cast("list[Any]", value)) for leaf in leaves(part, f"{path}.{place}")]
    return [(path, value)]

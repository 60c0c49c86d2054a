"""The edits that make one spec's data into another's, path by path, so that what stays the same is not touched."""

from __future__ import annotations

import json
from typing import Any, cast

from outrider.spec.mistakes import Path
from outrider.spec.written.edits import GONE, OVERLAY, Edit


def edits_between(before: Any, after: Any, path: Path = ()) -> tuple[Edit, ...]:
    """What has to be done to ``before``; a list is changed item by item where both hold maps, else replaced whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        return _of_maps(cast("dict[str, Any]", before), cast("dict[str, Any]", after), path)
    if isinstance(before, list) and isinstance(after, list):
        return _of_lists(cast("list[Any]", before), cast("list[Any]", after), path)
    return () if _is_same(before, after) else (Edit(path, after),)


def pulled(before: dict[str, Any], after: dict[str, Any], environment: str) -> tuple[Edit, ...]:
    """The edits that bring the common part and one environment's difference to what ``after`` says.

    The differences of other environments are theirs: what runs there is none of this one's business.
    """
    common = edits_between(_without(before), _without(after))
    mine, theirs = (one.get(OVERLAY, {}).get(environment, {}) for one in (before, after))
    return (*common, *_of_overlay(mine, theirs, environment))


def _of_overlay(mine: Any, theirs: Any, environment: str) -> tuple[Edit, ...]:
    path: Path = (OVERLAY, environment)
    if not theirs:
        return (Edit(path, GONE),) if mine else ()
    return edits_between(mine, theirs, path) if mine else (Edit(path, theirs),)


def _of_maps(before: dict[str, Any], after: dict[str, Any], path: Path) -> tuple[Edit, ...]:
    changed = [
        edit
        for key, value in after.items()
        if key in before
        for edit in edits_between(before[key], value, (*path, key))
    ]
    added = [Edit((*path, key), value) for key, value in after.items() if key not in before]
    gone = [Edit((*path, key), GONE) for key in before if key not in after]
    # What is new comes before what goes: no block is ever without a key in between.
    return (*changed, *added, *gone)


def _of_lists(before: list[Any], after: list[Any], path: Path) -> tuple[Edit, ...]:
    are_maps = all(isinstance(one, dict) for one in (*before, *after))
    if not before or not after or not are_maps:
        return () if _is_same(before, after) else (Edit(path, after),)
    pairs = enumerate(zip(before, after, strict=False))
    changed = [edit for at, (old, new) in pairs for edit in edits_between(old, new, (*path, at))]
    added = [Edit((*path, at), after[at]) for at in range(len(before), len(after))]
    gone = [Edit((*path, at), GONE) for at in range(len(before) - 1, len(after) - 1, -1)]
    return (*changed, *added, *gone)


def _is_same(before: Any, after: Any) -> bool:
    """Whether they are written the same: for Python, 1 is true."""
    return json.dumps(before) == json.dumps(after)


def _without(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != OVERLAY}

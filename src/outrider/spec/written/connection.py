"""Which edits of a spec connect a service to a callee, set a knob of it, or end that; pure functions of the file's data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from outrider.spec.mistakes import Path
from outrider.spec.written.edits import GONE, OVERLAY, Edit
from outrider.spec.written.values import inline

UPSTREAMS = "upstreams"
DEFAULT = object()
"""Stands for a knob that goes back to its default."""


def connecting(
    data: Any, callee: str, knobs: Mapping[str, Any], environment: str, *, is_only_there: bool
) -> tuple[Edit, ...]:
    """The edits after which the callee is an upstream with these knobs in the environment; none where it is already.

    A knob is written where its value in the environment comes from: in the environment's own difference where that has it,
    else in the common part, which all environments share; with ``is_only_there`` always in the difference.
    """
    here = (OVERLAY, environment, UPSTREAMS, callee)
    common, own = _at(data, (UPSTREAMS, callee)), _at(data, here)
    is_removed_there = own is None and callee in (_at(data, here[:-1]) or {})
    if is_only_there or (own is not None and common is None):
        return _set(here, own, knobs, common)
    back = (Edit(here, GONE),) if is_removed_there else ()
    theirs = {key: value for key, value in knobs.items() if key in (own or {})}
    rest = {key: value for key, value in knobs.items() if key not in theirs}
    return (*_set((UPSTREAMS, callee), common, rest, None), *(_set(here, own, theirs, common) if theirs else ()), *back)


def disconnecting(data: Any, callee: str, environment: str, *, is_only_there: bool) -> tuple[Edit, ...]:
    """The edits after which the callee is no upstream in the environment; none where it is none."""
    here: Path = (OVERLAY, environment, UPSTREAMS, callee)
    common, there = _at(data, (UPSTREAMS, callee)), cast("dict[str, Any]", _at(data, here[:-1]) or {})
    if is_only_there and common is not None:
        return () if callee in there and there[callee] is None else (Edit(here, None),)
    found = [Edit(here, GONE)] if callee in there else []
    return (*found, *([Edit((UPSTREAMS, callee), GONE)] if common is not None else []))


def _set(path: Path, before: Any, knobs: Mapping[str, Any], below: Any) -> tuple[Edit, ...]:
    """``below`` is what the environment's difference is laid over: a default there is a removal of what that says."""
    if before is None:
        new = {key: value for key, value in knobs.items() if value is not DEFAULT}
        hidden = {key: None for key, value in knobs.items() if value is DEFAULT and key in (below or {})}
        return () if not new and not hidden and below is not None else (Edit(path, {**new, **hidden}),)
    found = cast("dict[str, Any]", before)
    edits = [_knob(path, found, key, value, below or {}) for key, value in knobs.items()]
    return tuple(edit for edit in edits if edit is not None)


def _knob(path: Path, before: Mapping[str, Any], key: str, value: Any, below: Mapping[str, Any]) -> Edit | None:
    if value is DEFAULT:
        wanted = None if key in below else GONE
        is_so = key in before and before[key] is None if key in below else key not in before
        return None if is_so else Edit((*path, key), wanted)
    return None if key in before and before[key] == value else Edit((*path, key), value)


def _at(data: Any, path: Path) -> Any:
    for key in path:
        data = cast("dict[Any, Any]", data).get(key) if isinstance(data, dict) else None
    return data


@dataclass(frozen=True, slots=True)
class Connect:
    """A service shall call that callee with these knobs; see ``connecting``."""

    callee: str
    knobs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    is_only_there: bool = False

    @property
    def words(self) -> str:
        """As the history tells it."""
        said = [f"{key} {'default' if value is DEFAULT else inline(value)}" for key, value in self.knobs.items()]
        return " ".join(("connect", self.callee, *([f"({', '.join(said)})"] if said else [])))

    def edits(self, data: Any, environment: str) -> tuple[Edit, ...]:
        """Those of the file."""
        return connecting(data, self.callee, self.knobs, environment, is_only_there=self.is_only_there)

    def idle(self, service: str) -> str:
        """What is said where there is nothing to do."""
        how = ", with these knobs" if self.knobs else ""
        return f"{service} calls {self.callee} already{how}"


@dataclass(frozen=True, slots=True)
class Disconnect:
    """A service shall not call that callee any more."""

    callee: str
    is_only_there: bool = False

    @property
    def words(self) -> str:
        """As the history tells it."""
        return f"disconnect {self.callee}"

    def edits(self, data: Any, environment: str) -> tuple[Edit, ...]:
        """Those of the file."""
        return disconnecting(data, self.callee, environment, is_only_there=self.is_only_there)

    def idle(self, service: str) -> str:
        """What is said where there is nothing to do."""
        return f"{service} does not call {self.callee}"


@dataclass(frozen=True, slots=True)
class Attach:
    """A service shall use an add-on: what that says for its callers becomes part of the spec."""

    addon: str
    name: str
    said: Mapping[str, Mapping[str, Any]]
    is_only_there: bool = False

    @property
    def words(self) -> str:
        """As the history tells it."""
        return f"add {self.addon} {self.name}"

    def edits(self, data: Any, environment: str) -> tuple[Edit, ...]:
        """Those of the file: each upstream and each variable that is not as the add-on says."""
        above: Path = (OVERLAY, environment) if self.is_only_there else ()
        return tuple(edit for part in self.said for edit in self._of_part(data, part, (*above, part), environment))

    def _of_part(self, data: Any, part: str, path: Path, environment: str) -> tuple[Edit, ...]:
        """A part that the spec has not got yet comes as a whole: then it is written on lines of its own."""
        wanted = self.said[part].items()
        lacking = {key: value for key, value in wanted if _effective(data, (part, key), environment) != value}
        if lacking and _at(data, path) is None:
            return (Edit(path, lacking),)
        return tuple(Edit((*path, key), value) for key, value in lacking.items())

    def idle(self, service: str) -> str:
        """What is said where there is nothing to do."""
        return f"{service} uses {self.name} already"


def _effective(data: Any, path: Path, environment: str) -> Any:
    """The value in the environment."""
    own = _at(data, (OVERLAY, environment, *path))
    return own if own is not None else _at(data, path)

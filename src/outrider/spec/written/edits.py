"""Changes of a file by path, each checked by reading the result: what was asked for changes, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from outrider_ground.errors import Problem, SpecError

from outrider.spec.mistakes import Path
from outrider.spec.reading.document import document
from outrider.spec.service import Service
from outrider.spec.written.nodes import Entry, Node, all_nodes, root_node
from outrider.spec.written.splice import Page, Splice, added, appended, removed, replaced
from outrider.spec.written.values import block_lines, inline

ORDER: Mapping[Path, tuple[str, ...]] = {(): (*Service.model_fields, "environments")}
OVERLAY = "environments"
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Removal:
    """Stands where a value would: the key goes."""


GONE = Removal()


@dataclass(frozen=True, slots=True)
class Edit:
    """The value at a path is to be this; maps on the way are made where they lack, lists take one index behind their end."""

    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class Edited:
    """A text after its edits, and what of its style could not be kept, in words."""

    text: str
    notes: tuple[str, ...] = ()


def edited(text: str, edits: Iterable[Edit], file: str) -> Edited:
    """The text with these changes, every other byte as it was. SpecError where it cannot be read, before or after."""
    notes: list[str] = []
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    text = text.removeprefix(mark)
    for edit in edits:
        wanted = changed(document(text, file).data, edit)
        text = _freed(text, edit, notes, file)
        text = _spliced(text, edit).applied(text)
        _check(text, wanted, edit, file)
    return Edited(mark + text, tuple(notes))


def changed(data: Any, edit: Edit) -> Any:
    """The same change of plain data."""
    if not edit.path:
        return edit.value
    key, rest = edit.path[0], edit.path[1:]
    if isinstance(key, int):
        items = list(cast("list[Any]", data))
        below = changed(items[key] if key < len(items) else {}, Edit(rest, edit.value))
        return items[:key] + ([] if isinstance(below, Removal) else [below]) + items[key + 1 :]
    fields = dict(cast("dict[str, Any]", data)) if isinstance(data, dict) else {}
    below = changed(fields.get(key, {}), Edit(rest, edit.value))
    if isinstance(below, Removal):
        fields.pop(key, None)
    else:
        fields[key] = below
    return fields


def _spliced(text: str, edit: Edit) -> Splice:
    page = Page(text)
    trail = _trail(root_node(text), edit.path)
    parent, entry = trail[-1]
    if isinstance(edit.value, Removal):
        return _without(page, trail)
    if entry is not None:
        return replaced(page, entry, edit.value)
    depth = len(trail) - 1
    value: Any = edit.value
    for key in reversed(edit.path[depth + 1 :]):
        value = {key: value}
    if parent.kind == "list":
        return appended(page, parent, value)
    if parent.kind == "scalar":  # null, where a map is due
        return replaced(page, cast("Entry", trail[-2][1]), {edit.path[depth]: value})
    return added(page, parent, str(edit.path[depth]), value, _order(edit.path[:depth]))


def _without(page: Page, trail: Sequence[tuple[Node, Entry | None]]) -> Splice:
    """Where the entry is the only one of its block, the block's own key goes: an empty one would mean nothing."""
    for parent, entry in reversed(trail):
        if entry is not None and (parent.is_flow or len(parent.entries) > 1):
            return removed(page, parent, entry)
    return Splice(0, 0, "")


def _trail(root: Node, path: Path) -> list[tuple[Node, Entry | None]]:
    """The maps and lists on the way, each with the entry that leads on; it ends where the first one is missing."""
    trail: list[tuple[Node, Entry | None]] = []
    node = root
    for key in path:
        entry = node.entry(key)
        trail.append((node, entry))
        if entry is None:
            break
        node = entry.node
    return trail


def _order(path: Path) -> Sequence[str]:
    """The order of keys in a spec, also in an environment's difference."""
    is_overlay = len(path) == 2 and path[0] == OVERLAY  # noqa: PLR2004  environments and its name
    return ORDER.get(() if is_overlay else path, ())


def _freed(text: str, edit: Edit, notes: list[str], file: str) -> str:
    """The text with aliases written out that would keep the edit from meaning its own place only."""
    while splice := _alias_in_the_way(text, edit.path, notes, file):
        text = splice.applied(text)
    return text


def _alias_in_the_way(text: str, path: Path, notes: list[str], file: str) -> Splice | None:
    root, read = root_node(text), document(text, file)
    places = all_nodes(root)
    on_the_way = [node for at, node in places if path[: len(at)] == at]
    named = {node.name for node in on_the_way if node.kind != "alias" and node.name} | {
        node.name for at, node in places if path == at[: len(path)] and node.kind != "alias" and node.name
    }
    for at, node in places:
        leads = node.kind == "alias" and path[: len(at)] == at
        if leads or (node.kind == "alias" and node.name in named and at[: len(path)] != path):
            notes.append(
                f"*{node.name} on line {text.count(chr(10), 0, node.start) + 1} is written out: it changes apart"
            )
            return Splice(node.start, node.end, inline(_at(read.data, at), is_json=False))
    return None


def _at(data: Any, path: Path) -> Any:
    for key in path:
        data = data[key]
    return data


def _check(text: str, wanted: Any, edit: Edit, file: str) -> None:
    """SpecError where reading the new text gives anything but what was asked for: then nothing is written."""
    try:
        found = document(text, file).data
    except SpecError:
        found = GONE
    if found not in _accepted(wanted, edit):
        path = ".".join(map(str, edit.path))
        due = (
            "remove it"
            if isinstance(edit.value, Removal)
            else " / ".join(block_lines(str(edit.path[-1]), edit.value, 0))
        )
        message = f"cannot be changed by a program as this file is written; by hand: {due}"
        raise SpecError((Problem(path, message, file=file),))


def _accepted(wanted: Any, edit: Edit) -> list[Any]:
    """What the new text may say: of a removal also without the blocks that it has emptied."""
    accepted = [wanted]
    path = edit.path[:-1]
    while isinstance(edit.value, Removal) and path and _at(accepted[-1], path) in ({}, []):
        accepted.append(changed(accepted[-1], Edit(path, GONE)))
        path = path[:-1]
    return accepted

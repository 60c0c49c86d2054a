"""The values of a YAML or JSON text by where they stand in it: offsets of keys and values, styles, anchors."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from outrider.spec.mistakes import Path

Kind = Literal["scalar", "map", "list", "alias"]
ANCHOR = re.compile(r"&\S+[ \t]*")
BLOCK = {"|", ">"}


@dataclass(slots=True)
class Entry:
    """A key (of a list its index) with the offsets of its key or its dash, and its value."""

    key: str | int
    key_start: int
    key_end: int
    node: Node


@dataclass(slots=True)
class Node:
    """One value; ``start`` and ``end`` are the offsets of its text, without an anchor before it and breaks behind it.

    ``name`` is the anchor that it bears, or the one that an alias speaks of. ``style`` is a scalar's quote or block sign.
    """

    kind: Kind
    start: int
    end: int
    is_flow: bool = False
    style: str = ""
    name: str | None = None
    entries: list[Entry] = field(default_factory=list[Entry])
    key: tuple[str, int, int] | None = None

    def entry(self, key: str | int) -> Entry | None:
        """That of the key, where there is one."""
        return next((one for one in self.entries if one.key == key), None)


def root_node(text: str) -> Node:
    """The one value of a text that the strict reader has read: so it has no tags, no second document, no cycles.

    It has no byte order mark either.
    """
    stack = [Node("list", 0, len(text))]
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        _take(event, stack, text)
    return stack[0].entries[0].node


def all_nodes(node: Node, path: Path = ()) -> list[tuple[Path, Node]]:
    """The value and everything in it, each with its path, in the order of the text."""
    inner = [pair for one in node.entries for pair in all_nodes(one.node, (*path, one.key))]
    return [(path, node), *inner]


def _take(event: yaml.Event, stack: list[Node], text: str) -> None:
    if isinstance(event, yaml.CollectionEndEvent):
        _close(stack, _offset(event.end_mark))
    elif isinstance(event, yaml.NodeEvent):
        start, end = _offset(event.start_mark), _offset(event.end_mark)
        _open(event, stack, text, (start, end))


def _open(event: yaml.NodeEvent, stack: list[Node], text: str, span: tuple[int, int]) -> None:
    above, (start, end) = stack[-1], span
    if isinstance(event, yaml.ScalarEvent) and above.kind == "map" and above.key is None:
        above.key = (event.value, start, end)
        return
    begun = ANCHOR.match(text, start)
    start = begun.end() if begun and event.anchor and not isinstance(event, yaml.AliasEvent) else start
    made = _node(event, text, start, end)
    key, key_start, key_end = above.key or (len(above.entries), start, start)
    above.entries.append(Entry(key, key_start, key_end, made))
    above.key = None
    if isinstance(event, yaml.CollectionStartEvent):
        stack.append(made)


def _offset(mark: Any) -> int:
    """Libyaml gives every event its marks; PyYAML's types know of some that have none."""
    return mark.index if mark else 0


def _node(event: yaml.NodeEvent, text: str, start: int, end: int) -> Node:
    match event:
        case yaml.AliasEvent():
            return Node("alias", start, end, name=event.anchor)
        case yaml.ScalarEvent():
            return Node(
                "scalar", start, _scalar_end(event, text, start, end), style=event.style or "", name=event.anchor
            )
        case yaml.CollectionStartEvent():
            kind: Kind = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
            return Node(kind, start, end, is_flow=bool(event.flow_style), name=event.anchor)
        case _:
            raise ValueError(f"no value: {event}")


def _scalar_end(event: yaml.ScalarEvent, text: str, start: int, end: int) -> int:
    """A block's end lies behind its last line, but for one that keeps the breaks behind it (``|+``)."""
    if event.style not in BLOCK:
        return max(start, end)
    keeps = "+" in text[start:].split("\n", 1)[0].split("#", 1)[0]
    return len(text[:end].removesuffix("\n").removesuffix("\r")) if keeps else start + len(text[start:end].rstrip())


def _close(stack: list[Node], end: int) -> None:
    closed = stack.pop()
    if closed.is_flow:
        closed.end = end
    elif closed.entries:
        first, last = closed.entries[0], closed.entries[-1]
        closed.start, closed.end = first.key_start, last.node.end

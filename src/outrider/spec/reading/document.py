"""YAML as data with the place of every key and value: safe, bounded, without surprises (no tags, no yes/no booleans).

PyYAML gives the events, this module the meaning: text → events → nodes → ``Document``. Nothing here recurses over
what the file says before its depth and its size with all aliases written out are known to be small.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from outrider.documents import MOST_SPEC_BYTES
from outrider.spec.mistakes import Path
from outrider.spec.reading.syntax import Mark, refused, syntax_problem, unreadable

MAX_DEPTH = 32
MAX_NODES = 10_000
MAX_WEIGHT = 4_000_000
NULL = frozenset({"", "~", "null"})
BOOLEANS = {"true": True, "false": False}
# Only numbers that come out as they went in: 0123, 0x1F, 1e3, 1_000 and long ids stay text.
INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)
DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,8})\.[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """Where a value stands: its key (or its dash), and itself; ``is_open`` says that it is a map or a list."""

    key: Mark
    value: Mark
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data (dict, list, str, int, float, bool, None) and the place of each path in it."""

    data: Any
    places: dict[Path, SourcePlace]


@dataclass(frozen=True, slots=True)
class Node:
    """One value; ``nodes``, ``weight`` and ``height`` count what stands below it, aliases written out."""

    value: Any
    at: Mark
    nodes: int = 1
    weight: int = 8
    height: int = 0


@dataclass(slots=True)
class Open:
    """A list or map whose end has not been read; ``children`` are (key, mark of the key, node)."""

    at: Mark
    anchor: str | None
    is_map: bool
    children: list[tuple[str | int, Mark, Node]] = field(default_factory=list[tuple[str | int, Mark, Node]])
    seen: dict[str, Mark] = field(default_factory=dict[str, Mark])
    key: tuple[str, Mark] | None = None


def document(text: str, file: str | None = None) -> Document:
    """The one YAML (or JSON) document in ``text``. SpecError with a line and a column where it is none, or not safe."""
    if problem := unreadable(text, MOST_SPEC_BYTES):
        raise refused(problem[0], problem[1], file)
    reader = Reader(file)
    try:
        for event in yaml.parse(text.removeprefix("\ufeff"), Loader=yaml.CSafeLoader):
            reader.take(event)
    except yaml.YAMLError as error:
        raise syntax_problem(error, text, file) from None
    if reader.root is None:
        raise refused("the file is empty", Mark(1, 1), file)
    places: dict[Path, SourcePlace] = {}
    data = written_out(reader.root, (), SourcePlace(reader.root.at, reader.root.at, is_open=True), places)
    return Document(data, places)


def written_out(node: Node, path: Path, place: SourcePlace, places: dict[Path, SourcePlace]) -> Any:
    """The data of a node; fills ``places``. Depth and size were checked while the nodes were read."""
    places[path] = place
    if isinstance(node.value, Open):
        pairs = [
            (key, written_out(child, (*path, key), SourcePlace(mark, child.at, isinstance(child.value, Open)), places))
            for key, mark, child in node.value.children
        ]
        return dict(pairs) if node.value.is_map else [value for _, value in pairs]
    return node.value


def scalar(text: str) -> Any:
    """What an unquoted text means: only ``null``, ``true``, ``false`` and plain numbers are more than text."""
    if text in NULL:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if INTEGER.fullmatch(text) and text != "-0":
        return int(text)
    return float(text) if DECIMAL.fullmatch(text) else text


class Reader:
    """Takes YAML events one by one and holds the nodes made of them."""

    def __init__(self, file: str | None) -> None:
        self.file = file
        self.root: Node | None = None
        self.stack: list[Open] = []
        self.anchors: dict[str, Node] = {}
        self.documents = 0

    def take(self, event: yaml.Event) -> None:
        at = Mark(event.start_mark.line + 1, event.start_mark.column + 1) if event.start_mark else Mark(1, 1)
        match event:
            case yaml.DocumentStartEvent():
                self.begin(at)
            case yaml.AliasEvent():
                self.add(self.aliased(str(event.anchor), at), None)
            case yaml.ScalarEvent():
                self.refuse_tag(event.tag, at)
                self.text(event, at)
            case yaml.CollectionStartEvent():
                self.refuse_tag(event.tag, at)
                self.descend(Open(at, event.anchor, isinstance(event, yaml.MappingStartEvent)))
            case yaml.CollectionEndEvent():
                self.ascend()
            case _:
                pass

    def begin(self, at: Mark) -> None:
        self.documents += 1
        if self.documents > 1:
            raise refused('a second document begins here ("---"): write one file per service', at, self.file)

    def refuse_tag(self, tag: str | None, at: Mark) -> None:
        if tag is not None and tag != "!":
            raise refused(f"tags such as {tag[:40]} are not used here: write the plain value", at, self.file)

    def text(self, event: yaml.ScalarEvent, at: Mark) -> None:
        """A key stays text whatever it looks like, so ``on:`` and ``8080:`` are what they seem."""
        if "\0" in event.value:
            raise refused("a NUL sign cannot stand in a value", at, self.file)
        above = self.stack[-1] if self.stack else None
        if above is not None and above.is_map and above.key is None:
            self.keyed(above, str(event.value), at, is_plain=event.style is None or event.style == "")
            return
        value = scalar(event.value) if event.implicit[0] else event.value
        self.add(Node(value, at, weight=8 + len(event.value)), event.anchor)

    def keyed(self, above: Open, key: str, at: Mark, *, is_plain: bool) -> None:
        if is_plain and key == "<<":
            raise refused(
                'merge keys ("<<") are not used here: repeat the keys, or use environments for differences',
                at,
                self.file,
            )
        if not key:
            raise refused("a key is missing before the colon", at, self.file)
        if first := above.seen.get(key):
            raise refused(f'"{key[:60]}" stands here twice: first on line {first.line}', at, self.file)
        above.seen[key] = at
        above.key = (key, at)

    def aliased(self, name: str, at: Mark) -> Node:
        node = self.anchors.get(name)
        if node is None:
            raise refused(
                f'"*{name[:40]}" refers to an anchor that does not end above: quote the text if "*" is part of it',
                at,
                self.file,
            )
        return Node(node.value, at, node.nodes, node.weight, node.height)

    def add(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = node
        if not self.stack:
            self.root = node
            return
        above = self.stack[-1]
        if above.is_map and above.key is None:
            raise refused("a key must be plain text", node.at, self.file)
        if len(self.stack) + node.height > MAX_DEPTH:
            raise refused(f"nested more than {MAX_DEPTH} levels deep", node.at, self.file)
        key, mark = above.key or (len(above.children), node.at)
        above.children.append((key, mark, node))
        above.key = None

    def descend(self, opened: Open) -> None:
        above = self.stack[-1] if self.stack else None
        if above is not None and above.is_map and above.key is None:
            raise refused("a key must be plain text", opened.at, self.file)
        if len(self.stack) >= MAX_DEPTH:
            raise refused(f"nested more than {MAX_DEPTH} levels deep", opened.at, self.file)
        self.stack.append(opened)

    def ascend(self) -> None:
        closed = self.stack.pop()
        children = [node for _, _, node in closed.children]
        node = Node(
            closed,
            closed.at,
            1 + sum(child.nodes for child in children),
            8 + sum(child.weight for child in children),
            1 + max((child.height for child in children), default=0),
        )
        if node.nodes > MAX_NODES or node.weight > MAX_WEIGHT:
            raise refused(f"more than {MAX_NODES} values with all aliases written out: too large", closed.at, self.file)
        self.add(node, closed.anchor)

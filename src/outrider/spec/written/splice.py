"""One change of one value in a text, as the bytes to be replaced: everything else stays as it was typed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from outrider.spec.written.values import block_lines, inline, item_lines, scalar_text

if TYPE_CHECKING:
    from outrider.spec.written.nodes import Entry, Node

SPACES = " \t"


@dataclass(frozen=True, slots=True)
class Splice:
    """What stands from ``start`` to ``end`` becomes ``text``."""

    start: int
    end: int
    text: str

    def applied(self, text: str) -> str:
        """The text after it."""
        return text[: self.start] + self.text + text[self.end :]


@dataclass(frozen=True, slots=True)
class Page:
    """A text with what holds for all of it: its line break, and whether it is JSON."""

    text: str

    @property
    def line_break(self) -> str:
        """The first one that it uses."""
        at = self.text.find("\n")
        return "\r\n" if at > 0 and self.text[at - 1] == "\r" else "\n"

    @property
    def is_json(self) -> bool:
        """Whether a reader of JSON takes it."""
        try:
            json.loads(self.text)
        except ValueError:
            return False
        return True

    def line_start(self, at: int) -> int:
        """The offset of the first sign of the line."""
        return self.text.rfind("\n", 0, at) + 1

    def line_end(self, at: int) -> int:
        """The offset behind the last sign of the line, before its break."""
        end = self.text.find("\n", at)
        end = len(self.text) if end < 0 else end
        return end - 1 if end > at and self.text[end - 1] == "\r" else end

    def is_first_on_line(self, at: int) -> bool:
        """Whether nothing but spaces stands before it."""
        return not self.text[self.line_start(at) : at].strip(SPACES)

    def column(self, at: int) -> int:
        """Counted from 0."""
        return at - self.line_start(at)


def replaced(page: Page, entry: Entry, value: Any) -> Splice:
    """The value of an entry as another one, in the quotes that it had."""
    node = entry.node
    if node.kind == "scalar" and not isinstance(value, (dict, list)):
        text = inline(value, is_json=True) if page.is_json else scalar_text(value, node.style)
        if node.start == node.end:  # nothing stands behind the colon yet
            colon = page.text.index(":", entry.key_end) + 1
            return Splice(colon, colon, f" {text}")
        return Splice(node.start, node.end, text)
    if node.is_flow or page.is_json or node.kind == "alias" or not _is_block(page, entry):
        return Splice(node.start, node.end, inline(value, is_json=page.is_json))
    lines = block_lines(str(entry.key), value, page.column(entry.key_start))
    return Splice(entry.key_start, node.end, page.line_break.join(lines).lstrip(SPACES))


def added(page: Page, parent: Node, key: str, value: Any, order: Sequence[str] = ()) -> Splice:
    """A new key of a map: behind the one that comes before it in ``order``, else behind the last one."""
    if parent.is_flow:
        return _into_flow(page, parent, _pair(page, key, value))
    before = _before(parent, key, order)
    at = page.line_end(before.node.end) if before else page.line_start(parent.start)
    column = page.column(parent.entries[0].key_start)
    lines = page.line_break.join(block_lines(key, value, column))
    return Splice(at, at, page.line_break + lines if before else lines + page.line_break)


def appended(page: Page, parent: Node, value: Any) -> Splice:
    """One more item of a list."""
    if parent.is_flow:
        return _into_flow(page, parent, inline(value, is_json=page.is_json))
    dash = page.text.rindex("-", 0, parent.entries[0].key_start)
    at = page.line_end(parent.end)
    return Splice(at, at, page.line_break + page.line_break.join(item_lines(value, page.column(dash))))


def removed(page: Page, parent: Node, entry: Entry) -> Splice:
    """Without an entry that is not the only one of a block; the lines of comments above it stay."""
    if parent.is_flow:
        return _out_of_flow(page, parent, entry)
    start = entry.key_start if parent.kind == "map" else page.text.rindex("-", 0, entry.key_start)
    index = parent.entries.index(entry)
    if not page.is_first_on_line(start):  # a list's dash stands before it
        return Splice(start, parent.entries[index + 1].key_start, "")
    begin, end = page.line_start(start), page.line_end(entry.node.end)
    if begin:
        return Splice(page.line_end(begin - 1 - page.text.startswith("\r\n", begin - 2)), end, "")
    return Splice(0, min(len(page.text), end + len(page.line_break)), "")


def _is_block(page: Page, entry: Entry) -> bool:
    return isinstance(entry.key, str) and page.is_first_on_line(entry.key_start)


def _before(parent: Node, key: str, order: Sequence[str]) -> Entry | None:
    """The entry after which the key stands; None for the very beginning."""
    if key not in order:
        return parent.entries[-1]
    earlier = order[: order.index(key)]
    found = [one for one in parent.entries if one.key in earlier]
    known = [one for one in parent.entries if one.key in order]
    return found[-1] if found else (None if known and known[0] is parent.entries[0] else parent.entries[-1])


def _pair(page: Page, key: str, value: Any) -> str:
    if page.is_json:
        return f"{json.dumps(key, ensure_ascii=False)}: {inline(value, is_json=True)}"
    return f"{scalar_text(key)}: {inline(value)}"


def _into_flow(page: Page, parent: Node, pair: str) -> Splice:
    """Behind the last entry, on a line of its own where that stands on one; a comma before the bracket stays one."""
    if not parent.entries:
        return Splice(parent.start + 1, parent.start + 1, pair)
    last = parent.entries[-1]
    comma = _comma(page.text, last.node.end, parent.end - 1)
    begin = last.key_start
    gap = (
        page.line_break + " " * page.column(begin) if page.is_first_on_line(begin) and begin > parent.start + 1 else " "
    )
    if comma is None:
        return Splice(last.node.end, last.node.end, f",{gap}{pair}")
    return Splice(comma + 1, comma + 1, f"{gap}{pair},")


def _out_of_flow(page: Page, parent: Node, entry: Entry) -> Splice:
    """With the comma before it, of the first entry with that behind it; comments stay."""
    entries, text = parent.entries, page.text
    index = entries.index(entry)
    if len(entries) == 1:
        comma = _comma(text, entry.node.end, parent.end - 1)
        return Splice(entry.key_start, entry.node.end if comma is None else comma + 1, "")
    if index == 0:
        gap = text[entry.node.end : entries[1].key_start]
        comma = cast("int", _comma(text, entry.node.end, parent.end))
        return Splice(entry.key_start, comma + 1 if "#" in gap else entries[1].key_start, "")
    before = entries[index - 1].node.end
    if "#" in text[before : entry.key_start]:
        comma = _comma(text, entry.node.end, parent.end - 1)
        return Splice(entry.key_start, entry.node.end if comma is None else comma + 1, "")
    return Splice(before, entry.node.end, "")


def _comma(text: str, start: int, end: int) -> int | None:
    """The offset of the comma between two values, which no comment hides; None where there is none."""
    at = start
    while at < end:
        if text[at] == ",":
            return at
        if text[at] == "#":
            at = text.find("\n", at)
            if at < 0:
                return None
        at += 1
    return None

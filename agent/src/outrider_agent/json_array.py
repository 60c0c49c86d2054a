"""A JSON array of objects while it arrives: each entry is read as soon as it is there, and its text is not kept."""

from __future__ import annotations

from _codecs import utf_8_decode
from collections.abc import Callable, Iterator

from outrider_agent.documents import WHITESPACE, Json, object_in, scanned
from outrider_agent.memory_budget import MalformedError

FIRST_KEY = '"Node"'  # of every entry that Consul lists; quotes inside a text are escaped, so it stands nowhere else
LONGEST_GUESS = 16_384  # characters searched for the end of an entry, so that no list can make the search a long one
BEGIN, FIRST, ENTRY, NEXT, END = "its beginning", "its first entry", "an entry", "the end of the list", "nothing"

Found = tuple[str, "Json | None"]


def never(_text: str) -> bool:
    return False


class ArrayReader:
    """Feed it pieces; nothing may be used of what it yields before ``finish`` has found the array whole.

    What ``is_known`` says of a text that was an entry before is believed: the object is None, and was not parsed.
    """

    __slots__ = ("_beginning", "_enough", "_expects", "_is_known", "_position", "_rest", "_text")

    def __init__(self, is_known: Callable[[str], bool] = never) -> None:
        self._is_known = is_known
        self._expects = BEGIN
        self._text = ""
        self._position = 0
        self._rest: bytes = b""  # half of a sign
        self._beginning = ""  # how another entry begins where this list is written evenly, white space included
        self._enough = 0  # characters with which it is worth to try again

    @property
    def waiting(self) -> int:
        """Characters of an entry that is not complete yet."""
        return len(self._text)

    def feed(self, data: bytes) -> Iterator[Found]:
        """The entries that these bytes complete, each with its text; raise MalformedError as soon as it is no array."""
        self._decode(data)
        return self._read(is_last=False)

    def finish(self) -> Iterator[Found]:
        """The last entries; raise MalformedError unless the array was whole."""
        if self._rest:
            raise MalformedError("not UTF-8")
        yield from self._read(is_last=True)
        if self._expects != END:
            raise MalformedError(f"the list ended where {self._expects} should be")

    def _decode(self, data: bytes) -> None:
        data = self._rest + data
        try:
            text, used = utf_8_decode(data, "strict", False)
        except UnicodeDecodeError as problem:
            raise MalformedError("not UTF-8") from problem
        self._rest = data[used:]
        self._text = self._text[self._position :] + text
        self._position = 0

    def _read(self, *, is_last: bool) -> Iterator[Found]:
        while self._is_at_mark():
            if self._expects in (FIRST, ENTRY) and not (self._expects == FIRST and self._mark() == "]"):
                found = self._entry(is_last=is_last)
                if found is None:
                    break
                self._expects = NEXT
                yield found
            else:
                self._expects = self._after(self._mark())
                self._position += 1
        self._text = self._text[self._position :]
        self._position = 0

    def _after(self, mark: str) -> str:
        """What to expect after a mark between entries."""
        if self._expects == BEGIN and mark == "[":
            return FIRST
        if self._expects in (FIRST, NEXT) and mark == "]":
            return END
        if self._expects == NEXT and mark == ",":
            return ENTRY
        raise MalformedError(f"{mark!r} where {self._expects} should be")

    def _mark(self) -> str:
        return self._text[self._position]

    def _is_at_mark(self) -> bool:
        """Past white space; whether there is more."""
        while self._position < len(self._text) and self._text[self._position] in WHITESPACE:
            self._position += 1
        return self._position < len(self._text)

    def _entry(self, *, is_last: bool) -> Found | None:
        """The entry at hand, None while more of it is to come."""
        if self._mark() != "{":
            raise MalformedError("an entry that is no object")
        if self._expects == FIRST:
            self._beginning = self._repeated()
        end = self._guessed_end(is_last=is_last)
        if end is None:
            return None
        written = self._text[self._position : end]
        if self._is_known(written):
            self._position = end
            return written, None
        return self._parsed(is_last=is_last)

    def _parsed(self, *, is_last: bool) -> Found | None:
        left = len(self._text) - self._position
        if not is_last and left < self._enough:
            return None
        try:
            found, stop = scanned(self._text, self._position)
        except ValueError as problem:
            if is_last:
                raise MalformedError(f"no JSON: {problem}") from problem
            self._enough = 2 * left  # so that a long entry in small pieces is not read over and over
            return None
        self._enough = 0
        written = self._text[self._position : stop]
        self._position = stop
        return written, object_in(found)

    def _repeated(self) -> str:
        """It only makes a guess at where entries end; a wrong one is not known, and the entry is parsed."""
        start = self._text.rfind("[", 0, self._position) + 1
        at = self._text.find(FIRST_KEY, self._position, self._position + LONGEST_GUESS)
        opened = self._text.find("{", at) + 1 if at >= 0 else 0
        return "," + self._text[start:opened] if opened else ""

    def _guessed_end(self, *, is_last: bool) -> int | None:
        """None while the end may be in the next piece."""
        most = self._position + LONGEST_GUESS
        found = self._text.find(self._beginning, self._position, most) if self._beginning else -1
        if found >= 0:
            return found
        if is_last:
            return min(len(self._text.rstrip(f"{WHITESPACE}]")), most)
        return None if len(self._text) < most else self._position


def entries(text: str, is_known: Callable[[str], bool] = never) -> Iterator[Found]:
    """Each object of an array that is there already; raise MalformedError where it is none."""
    found = ArrayReader(is_known)
    yield from found.feed(text.encode())
    yield from found.finish()

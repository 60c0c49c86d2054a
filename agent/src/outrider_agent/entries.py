"""A JSON array of objects, entry by entry: the body lies in memory once, and never all its objects at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from outrider_agent.documents import WHITESPACE, Json, object_in, scanned

FIRST_KEY = '"Node"'  # of every entry that Consul lists; quotes inside a text are escaped, so it stands nowhere else
LONGEST_GUESS = 16_384  # characters searched for the end of an entry, so that no list can make the search a long one


class MalformedError(ValueError):
    """The body is no JSON array of objects, ended too early or is too large: nothing of it may be used."""


class Room:
    """Bytes that bodies may take at one time, all upstreams together: the agent's memory is bounded, whatever comes."""

    __slots__ = ("free",)

    def __init__(self, size: int) -> None:
        self.free = size


class Body:
    """One answer's bytes while they arrive; ``release`` gives their room back."""

    __slots__ = ("_pieces", "_room", "_size")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Raise MalformedError where there is no room left."""
        if len(data) > self._room.free:
            raise MalformedError(f"an answer of more than {self._size + self._room.free} bytes")
        self._room.free -= len(data)
        self._size += len(data)
        self._pieces.append(data)

    def text(self) -> str:
        """All of it, once; raise MalformedError for what is no UTF-8."""
        data = b"".join(self._pieces)
        self.release()
        try:
            return data.decode()
        except UnicodeDecodeError as problem:
            raise MalformedError("not UTF-8") from problem

    def release(self) -> None:
        self._room.free += self._size
        self._size = 0
        self._pieces = []


def never(_text: str) -> bool:
    return False


def entries(text: str, is_familiar: Callable[[str], bool] = never) -> Iterator[tuple[str, Json | None]]:
    """Each object of the array with its text; raise MalformedError as soon as it is none.

    What ``is_familiar`` says of a text that was an entry before is believed: the object is None, and was not parsed.
    """
    position = _past(text, 0, "[")
    if text[position : position + 1] == "]":
        _ended(text, position + 1)
        return
    beginning, end = _beginning(text), len(text.rstrip(f"{WHITESPACE}]"))
    while True:
        written, entry = text[position : _guessed_end(text, position, beginning, end)], None
        if not is_familiar(written):
            entry, stop = _entry(text, position)
            written = text[position:stop]
        yield written, entry
        position = _start(text, position + len(written))
        if text[position : position + 1] == "]":
            break
        position = _past(text, position, ",")
    _ended(text, position + 1)


def _beginning(text: str) -> str:
    """How another entry begins where this list is written evenly, white space included.

    It only makes a guess at where entries end; a wrong one is not familiar, and the entry is parsed.
    """
    opened = text.find("{", text.find(FIRST_KEY)) + 1
    return "," + text[text.find("[") + 1 : opened]


def _guessed_end(text: str, position: int, beginning: str, end: int) -> int:
    most = position + LONGEST_GUESS
    found = text.find(beginning, position, most)
    return found if found >= 0 else min(end, most)


def _entry(text: str, position: int) -> tuple[Json, int]:
    try:
        found, stop = scanned(text, position)
    except ValueError as problem:
        raise MalformedError(f"no JSON: {problem}") from problem
    if text[position] != "{":
        raise MalformedError("an entry that is no object")
    return object_in(found), stop


def _past(text: str, position: int, mark: str) -> int:
    start = _start(text, position)
    if text[start : start + 1] != mark:
        raise MalformedError(f"{text[start : start + 1]!r} where {mark!r} should be")
    return _start(text, start + 1)


def _start(text: str, position: int) -> int:
    while text[position : position + 1] in WHITESPACE and position < len(text):
        position += 1
    return position


def _ended(text: str, position: int) -> None:
    if text[position:].strip(WHITESPACE):
        raise MalformedError("more after the list")

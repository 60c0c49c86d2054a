"""A JSON array read entry by entry while it arrives, so that a huge answer never lies in memory as a whole."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from json import JSONDecodeError, JSONDecoder

WHITESPACE = " \t\r\n"
LONGEST_ENTRY = 1 << 20  # an entry with hundreds of checks is some 100 KB

Entry = dict[str, object]


class MalformedError(ValueError):
    """The body is no JSON array of objects, or it ended too early: nothing of it may be used."""


class EntriesReader:
    """Feed it bytes; it calls ``take`` with each complete object of the array, and ``finish`` says whether it ended well."""

    __slots__ = ("_decode", "_expects", "_scan", "_take", "_text")

    def __init__(self, take: Callable[[Entry], None]) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._scan = JSONDecoder().raw_decode
        self._take = take
        self._text = ""
        self._expects = "["  # then "first" entry or "]", then "more": "," or "]", then an "entry", at last the "end"

    def feed(self, data: bytes) -> None:
        """Raise MalformedError as soon as this can be no array of objects."""
        try:
            self._text += self._decode.decode(data)
        except UnicodeDecodeError as problem:
            raise MalformedError("not UTF-8") from problem
        position = self._read()
        self._text = self._text[position:]
        if len(self._text) > LONGEST_ENTRY:
            raise MalformedError(f"an entry of more than {LONGEST_ENTRY} bytes, or no JSON")

    def finish(self) -> None:
        """Raise MalformedError unless the whole array was there."""
        if self._expects != "end" or self._text:
            raise MalformedError("truncated")

    def _read(self) -> int:
        position = self._start(0)
        while position < len(self._text):
            stop = self._step(position)
            if stop == position:
                break
            position = self._start(stop)
        return position

    def _start(self, position: int) -> int:
        while position < len(self._text) and self._text[position] in WHITESPACE:
            position += 1
        return position

    def _step(self, position: int) -> int:
        """Where reading goes on, ``position`` itself where more text is needed."""
        mark = self._text[position]
        following = MARKS.get((self._expects, mark))
        if following:
            self._expects = following
            return position + 1
        if mark == "{" and self._expects in ("first", "entry"):
            return self._entry(position)
        raise MalformedError(f"{mark!r} where no {self._expects} is")

    def _entry(self, position: int) -> int:
        try:
            entry, stop = self._scan(self._text, position)
        except JSONDecodeError:
            return position  # not all of it is there yet; LONGEST_ENTRY ends the wait for what never gets complete
        except RecursionError as problem:
            raise MalformedError("nested too deeply") from problem
        self._expects = "more"
        self._take(entry)
        return stop


MARKS = {("[", "["): "first", ("first", "]"): "end", ("more", "]"): "end", ("more", ","): "entry"}

"""Text from outside as a terminal may show it: logs and servers must not move the cursor or colour the screen."""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, cast

KEPT = "\n\t"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def printable(text: object) -> str:
    """The text with every sign replaced that is none to be seen, but line feeds and tabs.

    That is: control characters (C0 and C1), those that turn the direction of writing, and those without any width.
    """
    return "".join(one if one.isprintable() or one in KEPT else REPLACEMENT for one in str(text))


def one_line(text: object) -> str:
    """The same on one line, for a cell of a table or the rest of a sentence."""
    return " ".join(printable(text).split("\n")).replace("\t", " ")


def printable_document(value: Any) -> Any:
    """A document with every text in it made plain, keys included; records stay what they are."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        entries = cast("Mapping[Any, Any]", value).items()
        return {one_line(key): printable_document(part) for key, part in entries}
    if isinstance(value, (list, tuple)):
        parts = [printable_document(part) for part in cast("Sequence[Any]", value)]
        return tuple(parts) if isinstance(value, tuple) else parts
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: printable_document(getattr(value, one.name)) for one in fields(value)})
    return value


def escaped(text: str) -> str:
    """JSON with every sign that a terminal could take as a command as an escape of JSON: the same document."""
    return "".join(one if one.isprintable() or one == "\n" else _escape(one) for one in text)


def _escape(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


async def plain_chunks(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """A stream of bytes as plain text; a sign that is cut between two chunks stays one."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    held = ""
    async for chunk in chunks:
        text = held + decoder.decode(chunk)
        held = "\r" if text.endswith("\r") else ""
        yield printable(_unix(text.removesuffix("\r") if held else text))
    yield printable(held + decoder.decode(b"", final=True))


def _unix(text: str) -> str:
    """Line ends of other systems are no attack."""
    return text.replace("\r\n", "\n")

"""Errors of YAML itself in words that say what to do, with line and column."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

import yaml
from outrider_ground.errors import Problem, SpecError

from outrider.spec.values import printable

UNREADABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


class Mark(NamedTuple):
    """A place in a file; both count from 1, as editors do."""

    line: int
    column: int


# What libyaml says (a part of it) and what a person is told.
WORDS = (
    (
        "mapping values are not allowed",
        'a ": " where no key can stand: indent the line as its neighbours, or quote the text',
    ),
    ("could not find expected ':'", 'a key without its colon: write "key: value"'),
    ("did not find expected key", "the indentation does not fit the lines above, or a quote ends too early"),
    ("did not find expected '-' indicator", "the entries of a list must begin in the same column, each with a dash"),
    ("did not find expected ',' or ']'", 'a "[" is not closed by "]", or a comma is missing'),
    ("did not find expected ',' or '}'", 'a "{" is not closed by "}", or a comma is missing'),
    ("block sequence entries are not allowed", "a dash where no list can stand: begin the list on a line of its own"),
    ("unexpected end of stream", "a quote is not closed"),
    ("unknown escape character", 'in double quotes a backslash begins an escape: write "\\\\", or use single quotes'),
    ("did not find expected node content", "a value is missing here: something before it is not closed"),
    ("undefined tag handle", "tags are not used here: write the plain value"),
    ("did not find expected alphabetic or numeric", '"*" and "&" have a meaning of their own: put the text in quotes'),
    ("found undefined alias", '"*" has a meaning of its own: put the text in quotes'),
    ("expected <document start>", "something stands behind the end of the document: check the indentation"),
)


def refused(message: str, at: Mark, file: str | None) -> SpecError:
    """The error for one thing wrong with the file as YAML."""
    return SpecError((Problem("", printable(message), file=file, line=at.line, column=at.column),))


def unreadable(text: str, most: int) -> tuple[str, Mark] | None:
    """Why the text cannot be read at all: too long, or a sign that no text file holds."""
    if len(text) > most or len(text.encode("utf-8", "surrogatepass")) > most:
        return too_large(most), Mark(1, 1)
    found = UNREADABLE.search(text.removeprefix("\ufeff"))
    if found is None:
        return None
    offset = found.start() + text.startswith("\ufeff")
    return f"the sign {found.group().encode('unicode_escape').decode()} cannot stand in a text file", mark_of(
        text, offset
    )


def too_large(most: int) -> str:
    """What is said of a file of more than ``most`` bytes."""
    return f"the file is larger than {most // 1_000_000} MB"


def mark_of(text: str, offset: int) -> Mark:
    """Line and column of an offset."""
    line = text.count("\n", 0, offset) + 1
    return Mark(line, offset - (text.rfind("\n", 0, offset) + 1) + 1)


def syntax_problem(error: yaml.YAMLError, text: str, file: str | None) -> SpecError:
    """The error for what libyaml refused."""
    found = getattr(error, "problem_mark", None)
    at = Mark(found.line + 1, found.column + 1) if found is not None else Mark(1, 1)
    said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read as YAML")
    if "cannot start any token" in said:
        return refused(unexpected_sign(text, at), at, file)
    begun = getattr(error, "context_mark", None)
    since = f" (it begins on line {begun.line + 1})" if begun is not None and begun.line + 1 < at.line else ""
    message = next((words for part, words in WORDS if part in said), f"cannot be read as YAML: {said}")
    return refused(message + since, at, file)


def unexpected_sign(text: str, at: Mark) -> str:
    """What to do about a sign that cannot begin a value."""
    lines = text.removeprefix("\ufeff").split("\n")
    line = lines[at.line - 1] if at.line <= len(lines) else ""
    sign = line[at.column - 1 : at.column]
    if sign == "\t":
        return "a tab: YAML is indented with spaces"
    return f'a text that begins with "{sign}" needs quotes'


def decoded(data: bytes, file: str | None) -> str:
    """The text of a file's bytes; SpecError with the place of the first byte that is no UTF-8."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise refused("the file is UTF-16: save it as UTF-8", Mark(1, 1), file)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(errors="replace")
        message = f"the byte 0x{data[error.start]:02x} is no UTF-8: save the file as UTF-8"
        raise refused(message, mark_of(before, len(before)), file) from None

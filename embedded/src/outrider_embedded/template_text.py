"""Template text cut into plain text and actions, and actions into tokens (Go's text/template lexer, the part used)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from outrider_ground.errors import OutriderError


class TemplateError(OutriderError):
    """A template that cannot be rendered; the message begins with its line."""

    def __init__(self, line: int, message: str, *, next_step: str | None = None) -> None:
        super().__init__(f"template line {line}: {message}", next_step=next_step)
        self.line = line


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is one of literal, word, dot, variable, sign; ``fields`` are what hangs on it (``$x.Meta.team``)."""

    kind: str
    value: Any
    line: int
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """Plain text (``tokens`` is None) or an action."""

    line: int
    text: str = ""
    tokens: tuple[Token, ...] | None = None


_COMMENT_END = re.compile(r"\*/(\s+-)?\}\}")
_TOKEN = re.compile(
    r"""\s+
    |(?P<quoted>"(?:[^"\\\n]|\\.)*")
    |(?P<raw>`[^`]*`)
    |(?P<letter>'(?:[^'\\]|\\.)+')
    |(?P<number>[+-]?(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.]))
    |(?P<variable>\$\w*(?:\.\w+)*)
    |(?P<dot>(?:\.\w+)+|\.)
    |(?P<word>[^\W\d]\w*(?:\.\w+)*)
    |(?P<sign>:=|=|\||\(|\)(?:\.\w+)*|,)
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(
    r"""\\(?:([abfnrtv\\'"])|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-3][0-7]{2})|(.))""", re.DOTALL
)
_SIGNS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_FIRST_HIGH, _SURROGATES = 0x80, 0xDC00
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "nil": None}


def pieces(text: str, left: str = "{{", right: str = "}}") -> list[Piece]:
    """The text in order, trimmed where an action asks for it; raises TemplateError."""
    found: list[Piece] = []
    at, must_trim = 0, False
    while True:
        start = text.find(left, at)
        plain = text[at:] if start < 0 else text[at:start]
        has_trim = start >= 0 and re.compile(r"-\s").match(text, start + len(left)) is not None
        line = text.count("\n", 0, at) + 1
        found.append(Piece(line, _trimmed(plain, at_start=must_trim, at_end=has_trim)))
        if start < 0:
            return found
        end, must_trim, tokens = _action(text, start + len(left) + has_trim, right)
        if tokens is not None:
            found.append(Piece(text.count("\n", 0, start) + 1, tokens=tuple(tokens)))
        at = end


def _action(text: str, start: int, right: str) -> tuple[int, bool, list[Token] | None]:
    """Where the action ends, whether it trims what follows, and its tokens (None for a comment)."""
    opening = re.compile(r"\s*/\*").match(text, start)
    if opening is not None:
        closing = _COMMENT_END.search(text, opening.end())
        if closing is None:
            raise TemplateError(_line(text, start), "unclosed comment")
        return closing.end(), closing.group(1) is not None, None
    return _tokens(text, start, right)


def _tokens(text: str, start: int, right: str) -> tuple[int, bool, list[Token]]:
    found: list[Token] = []
    at = start
    while True:
        closing = re.compile(rf"(\s+-)?{re.escape(right)}|\s+{re.escape(right)}").match(text, at)
        if closing is not None:
            return closing.end(), closing.group(1) is not None, found
        match = _TOKEN.match(text, at)
        if match is None:
            raise TemplateError(_line(text, min(at, len(text) - 1)), _complaint(text, at))
        if match.lastgroup is not None:
            found.append(_token(match.lastgroup, match.group(), _line(text, at)))
        at = match.end()


def _token(kind: str, text: str, line: int) -> Token:
    if kind == "word" and text in _CONSTANTS:
        return Token("literal", _CONSTANTS[text], line)
    if kind in {"word", "variable", "sign", "dot"}:
        value, *fields = text.split(".")
        return Token(kind, value, line, tuple(field for field in fields if field))
    return Token("literal", _literal(kind, text, line), line)


def _literal(kind: str, text: str, line: int) -> Any:
    if kind == "raw":
        return text[1:-1]
    if kind == "number":
        return _number(text.replace("_", ""))
    value = _unquoted(text, line)
    if kind != "letter":
        return value
    if len(value) != 1:
        raise TemplateError(line, f"malformed character constant: {text}")
    return ord(value)


def _unquoted(text: str, line: int) -> str:
    """Go's escapes; those of bytes give what the bytes together are in UTF-8."""

    def sign(found: re.Match[str]) -> str:
        plain, byte, point, far, octal, unknown = found.groups()
        if plain and plain not in "'\"":
            return _SIGNS[plain]
        if unknown or (plain and plain != text[0]):
            raise TemplateError(line, f"malformed string {text}: invalid syntax")
        if point or far:
            return chr(int(point or far, 16))
        number = int(byte, 16) if byte else int(octal, 8) if octal else ord(plain)
        return chr(number if number < _FIRST_HIGH else _SURROGATES + number)

    return _ESCAPE.sub(sign, text[1:-1]).encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def _number(text: str) -> int | float:
    """As Go reads it: with a base in front, in base 8 after a zero, or a fraction."""
    if re.fullmatch(r"[+-]?0[0-7]+", text):
        return int(text, 8)
    return int(text, 0) if re.fullmatch(r"[+-]?(0[xXoObB].*|\d+)", text) else float(text)


def _trimmed(text: str, *, at_start: bool, at_end: bool) -> str:
    text = text.lstrip(" \t\r\n") if at_start else text
    return text.rstrip(" \t\r\n") if at_end else text


def _complaint(text: str, at: int) -> str:
    rest = text[at:].lstrip()
    if not rest:
        return "unclosed action"
    return "unterminated string" if rest[0] in "\"`'" else f"unexpected {rest[0]!r} in an action"


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1

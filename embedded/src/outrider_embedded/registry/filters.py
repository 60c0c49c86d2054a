"""Filter expressions of Consul's API (?filter=): read once, then asked of each document."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from outrider_embedded.registry import matching
from outrider_embedded.registry.refusal import Refused

_SPACE = re.compile(r"[ \t\r\n]*")
_WORD = re.compile(r"[a-zA-Z][a-zA-Z0-9_/]*")
_KEYED = re.compile(r'\[\s*(?:"([^"]*)"|`([^`]*)`)\s*\]')
_VALUE = re.compile(r'"((?:[^"\\]|\\.)*)"|`([^`]*)`|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)|([a-zA-Z][a-zA-Z0-9_/.]*)')
_OPERATORS = (
    ("==", matching.EQUAL),
    ("!=", matching.NOT_EQUAL),
    ("is not empty", matching.IS_NOT_EMPTY),
    ("is empty", matching.IS_EMPTY),
    ("not contains", matching.NOT_IN),
    ("contains", matching.IN),
    ("not matches", matching.NOT_MATCHES),
    ("matches", matching.MATCHES),
)
_REVERSED = (("not in", matching.NOT_IN), ("in", matching.IN))
_VALUE_EXPECTED = r'"-", "0", "\"", "`", [ \t\r\n], [1-9] or [a-zA-Z]'
_TERM_EXPECTED = r'"(", "-", "0", "\"", "`", "not", [ \t\r\n], [1-9] or [a-zA-Z]'
_OPERATOR_EXPECTED = '"!=", ".", "==", "[", [ \\t\\r\\n] or [a-zA-Z0-9_]'
_END_EXPECTED = '"and", "or", [ \\t\\r\\n] or EOF'


def predicate(text: str) -> Callable[[Any], bool]:
    """The expression as a function of one document; raises Refused with the parser's words and position."""
    return _Parser(text).expression()


def filtered(text: str, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The documents that an expression lets through; an empty one lets all."""
    return list(filter(predicate(text), documents)) if text else documents


class _Parser:
    """Recursive descent over the text; ``_at`` is where it stands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def expression(self) -> Callable[[Any], bool]:
        found = self._either()
        self._skip()
        if self._at < len(self._text):
            raise self._unexpected(_END_EXPECTED)
        return found

    def _either(self) -> Callable[[Any], bool]:
        left = self._both()
        if not self._take("or"):
            return left
        right = self._either()
        return lambda document: left(document) or right(document)

    def _both(self) -> Callable[[Any], bool]:
        left = self._term()
        if not self._take("and"):
            return left
        right = self._both()
        return lambda document: left(document) and right(document)

    def _term(self) -> Callable[[Any], bool]:
        if self._take("not"):
            negated = self._term()
            return lambda document: not negated(document)
        if self._take("("):
            inner = self._either()
            if not self._take(")"):
                raise self._unexpected('")", "and", "or" or [ \\t\\r\\n]')
            return inner
        return self._comparison()

    def _comparison(self) -> Callable[[Any], bool]:
        self._skip()
        start = self._at
        path = self._selector()
        if path is None or self._is_reversed():
            self._at = start
            return self._reversed()
        for words, operator in _OPERATORS:
            if self._take(words):
                value = "" if words.endswith("empty") else self._value(_VALUE_EXPECTED)
                return matching.comparison(path, operator, value)
        raise self._unexpected(_OPERATOR_EXPECTED)

    def _is_reversed(self) -> bool:
        """Whether a value stood where a selector may stand too: ``blue in Service.Tags``."""
        return any(re.compile(rf"\s+{words}\s").match(self._text, self._at) for words, _ in _REVERSED)

    def _reversed(self) -> Callable[[Any], bool]:
        value = self._value(_TERM_EXPECTED)
        for words, operator in _REVERSED:
            if self._take(words):
                path = self._selector()
                if path is None:
                    raise self._unexpected("[a-zA-Z]")
                return matching.comparison(path, operator, value)
        raise self._unexpected('"in", "not" or [ \\t\\r\\n]')

    def _selector(self) -> tuple[str, ...] | None:
        self._skip()
        first = _WORD.match(self._text, self._at)
        if first is None:
            return None
        self._at = first.end()
        path = [first.group()]
        while (step := self._step()) is not None:
            path.append(step)
        return tuple(path)

    def _step(self) -> str | None:
        if self._text.startswith(".", self._at) and (word := _WORD.match(self._text, self._at + 1)):
            self._at = word.end()
            return word.group()
        if keyed := _KEYED.match(self._text, self._at):
            self._at = keyed.end()
            return keyed.group(1) if keyed.group(1) is not None else keyed.group(2)
        return None

    def _value(self, expected: str) -> str:
        self._skip()
        found = _VALUE.match(self._text, self._at)
        if found is None:
            raise self._unexpected(expected)
        self._at = found.end()
        quoted, raw, number, word = found.groups()
        plain = next(part for part in (raw, number, word, "") if part is not None)
        return re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain

    def _take(self, words: str) -> bool:
        """Step over ``words`` if they stand here, with any space between them."""
        self._skip()
        pattern = r"\s+".join(re.escape(word) for word in words.split()) + (r"(?![\w/])" if words[-1].isalpha() else "")
        found = re.compile(pattern).match(self._text, self._at)
        if found is None:
            return False
        self._at = found.end()
        return True

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _unexpected(self, expected: str) -> Refused:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - (self._text.rfind("\n", 0, self._at) + 1) + 1
        place = f"{line}:{column} ({self._at})"
        return matching.unreadable(f"{place}: no match found, expected: {expected}")

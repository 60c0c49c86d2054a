"""What a template means: its actions as a tree of nodes (Go's text/template parser, the part used)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from outrider_embedded.template_text import Piece, TemplateError, Token, pieces


@dataclass(frozen=True, slots=True)
class Term:
    """One operand: ``kind`` is literal, dot, variable, function or pipeline; ``fields`` are looked up in it."""

    kind: str
    value: Any
    fields: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands, each given the value of the one before as its last argument."""

    commands: tuple[tuple[Term, ...], ...]
    line: int


@dataclass(frozen=True, slots=True)
class Text:
    """What stands there goes out."""

    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """The value of a pipeline goes out, or into a variable."""

    pipeline: Pipeline
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """``if``, ``with`` or ``range``: ``names`` are the variables that it sets."""

    kind: str
    pipeline: Pipeline
    names: tuple[str, ...]
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]


Node = Text | Output | Block
_BLOCKS = frozenset({"if", "with", "range"})
_NOT_RENDERED = frozenset({"define", "template", "block", "break", "continue"})


def tree(text: str, left: str = "{{", right: str = "}}") -> tuple[Node, ...]:
    """The nodes of a template; raises TemplateError with the line."""
    reader = _Reader(iter(pieces(text, left, right)))
    nodes, ending = reader.nodes()
    if ending is not None:
        raise TemplateError(ending[0].line, f"unexpected {ending[0].value}")
    return nodes


def called(nodes: tuple[Node, ...]) -> Iterator[Term]:
    """Every function that a template names."""
    for node in nodes:
        if isinstance(node, Text):
            continue
        yield from _called_in(node.pipeline)
        if isinstance(node, Block):
            yield from called(node.body + node.otherwise)


def _called_in(pipeline: Pipeline) -> Iterator[Term]:
    for term in (term for command in pipeline.commands for term in command):
        if term.kind == "function":
            yield term
        elif term.kind == "pipeline":
            yield from _called_in(term.value)


class _Reader:
    """Reads pieces into nodes; a block reads on until its own ``else`` or ``end``."""

    def __init__(self, found: Iterator[Piece]) -> None:
        self._pieces = found

    def nodes(self) -> tuple[tuple[Node, ...], list[Token] | None]:
        """Nodes up to the next ``else`` or ``end``, and that action's tokens."""
        found: list[Node] = []
        for piece in self._pieces:
            if piece.tokens is None:
                found.append(Text(piece.text))
                continue
            tokens = list(piece.tokens)
            if not tokens:
                raise TemplateError(piece.line, "missing value for command")
            word = tokens[0].value if tokens[0].kind == "word" else ""
            if word in {"else", "end"}:
                return tuple(found), tokens
            found.append(self._node(word, tokens))
        return tuple(found), None

    def _node(self, word: str, tokens: list[Token]) -> Node:
        if word in _BLOCKS:
            return self._block(word, tokens)
        if word in _NOT_RENDERED:
            raise TemplateError(tokens[0].line, f"{word} is not rendered by the one-machine cluster")
        names, rest = _variables(tokens)
        return Output(_pipeline(rest, tokens[0].line), names[0] if names else "")

    def _block(self, kind: str, tokens: list[Token]) -> Block:
        line = tokens[0].line
        names, rest = _variables(tokens[1:])
        pipeline = _pipeline(rest, line)
        body, ending = self.nodes()
        otherwise: tuple[Node, ...] = ()
        if ending is not None and ending[0].value == "else":
            otherwise, ending = self._otherwise(kind, ending)
        if ending is None:
            raise TemplateError(line, f"{kind} without end")
        return Block(kind, pipeline, names, body, otherwise)

    def _otherwise(self, kind: str, tokens: list[Token]) -> tuple[tuple[Node, ...], list[Token] | None]:
        """After ``else``; ``else if`` is a block of its own that shares the ``end``."""
        if len(tokens) == 1:
            return self.nodes()
        if tokens[1].value != kind or kind == "range":
            raise TemplateError(tokens[0].line, "unexpected word after else")
        return (self._block(kind, tokens[1:]),), tokens


def _variables(tokens: list[Token]) -> tuple[tuple[str, ...], list[Token]]:
    """``$a := …``, ``$a, $b := …`` or ``$a = …``: the names and what is behind the sign."""
    signs = [at for at, token in enumerate(tokens) if token.kind == "sign" and token.value in {":=", "="}]
    if not signs:
        return (), tokens
    names = [token for token in tokens[: signs[0]] if token.value != ","]
    if any(token.kind != "variable" for token in names):
        raise TemplateError(tokens[0].line, "only variables can be set")
    return tuple(token.value for token in names), tokens[signs[0] + 1 :]


def _pipeline(tokens: list[Token], line: int) -> Pipeline:
    commands: list[tuple[Term, ...]] = []
    for part in _split(tokens, line):
        terms = tuple(_terms(part, line))
        if not terms:
            raise TemplateError(line, "missing value for command")
        commands.append(terms)
    return Pipeline(tuple(commands), line)


def _split(tokens: list[Token], line: int) -> list[list[Token]]:
    """The parts between the bars that stand in no parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.value, 0) if token.kind == "sign" else 0
        if depth < 0:
            raise TemplateError(line, "unexpected right paren")
        if token.kind == "sign" and token.value == "|" and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    if depth:
        raise TemplateError(line, "unclosed left paren")
    return parts


def _terms(tokens: list[Token], line: int) -> Iterator[Term]:
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "sign" and token.value == "(":
            end = _closing(tokens, at)
            yield Term("pipeline", _pipeline(tokens[at + 1 : end], line), tokens[end].fields, token.line)
            at = end + 1
        elif token.kind == "sign":
            raise TemplateError(token.line, f"unexpected {token.value!r} in an action")
        else:
            yield Term("function" if token.kind == "word" else token.kind, token.value, token.fields, token.line)
            at += 1


def _closing(tokens: list[Token], start: int) -> int:
    depth = 0
    for at in range(start, len(tokens)):
        if tokens[at].kind == "sign":
            depth += {"(": 1, ")": -1}.get(tokens[at].value, 0)
        if depth == 0:
            return at
    raise TemplateError(tokens[start].line, "unclosed left paren")

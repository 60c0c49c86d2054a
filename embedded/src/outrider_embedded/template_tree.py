"""What a template means: its actions as a tree of nodes (Go's text/template parser, the part used)."""

from __future__ import annotations

from collections.abc import Iterator

from outrider_embedded.template_nodes import Block, Definition, Invocation, Jump, Node, Output, Pipeline, Term, Text
from outrider_embedded.template_text import Piece, TemplateError, Token, pieces

_BLOCKS = frozenset({"if", "with", "range"})
_NAMED = frozenset({"define", "template", "block"})
_JUMPS = frozenset({"break", "continue"})


def tree(text: str, left: str = "{{", right: str = "}}") -> tuple[Node, ...]:
    """The nodes of a template; raises TemplateError with the line."""
    reader = _Reader(iter(pieces(text, left, right)))
    nodes, ending = reader.nodes()
    if ending is not None:
        raise TemplateError(ending[0].line, f"unexpected {ending[0].value}")
    return nodes


class _Reader:
    """Reads pieces into nodes; a block reads on until its own ``else`` or ``end``."""

    def __init__(self, found: Iterator[Piece]) -> None:
        self._pieces = found
        self._ranges = self._depth = 0

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
        if word in _NAMED:
            return self._named(word, tokens)
        if word in _JUMPS:
            return self._jump(word, tokens)
        names, rest = _variables(tokens, most=1)
        is_new = bool(names) and tokens[1].value == ":="
        return Output(_pipeline(rest, tokens[0].line), names[0] if names else "", is_new)

    def _named(self, word: str, tokens: list[Token]) -> Definition | Invocation:
        line = tokens[0].line
        if len(tokens) == 1 or not isinstance(tokens[1].value, str) or tokens[1].kind != "literal":
            raise TemplateError(line, f"{word} needs the name of a template in quotes")
        name, rest = tokens[1].value, tokens[2:]
        if word == "define" and self._depth:
            raise TemplateError(line, "unexpected <define> in command")
        if word == "define":
            return Definition(name, self._body(word, line), line)
        pipeline = _pipeline(rest, line) if rest or word == "block" else None
        return Invocation(name, pipeline, line, self._body(word, line) if word == "block" else None)

    def _body(self, word: str, line: int) -> tuple[Node, ...]:
        """Up to its ``end``; a range around it is not the part's own."""
        around, self._ranges = self._ranges, 0
        body, ending = self.nodes()
        self._ranges = around
        if ending is None or ending[0].value != "end":
            raise TemplateError(line, f"{word} without end")
        return body

    def _jump(self, word: str, tokens: list[Token]) -> Jump:
        if not self._ranges:
            raise TemplateError(tokens[0].line, f"{{{{{word}}}}} outside {{{{range}}}}")
        return Jump(word)

    def _block(self, kind: str, tokens: list[Token]) -> Block:
        line = tokens[0].line
        names, rest = _variables(tokens[1:], most=2 if kind == "range" else 1)
        pipeline = _pipeline(rest, line)
        body, ending = self._inner(is_range=kind == "range")
        otherwise: tuple[Node, ...] = ()
        if ending is not None and ending[0].value == "else":
            otherwise, ending = self._otherwise(kind, ending)
        if ending is None:
            raise TemplateError(line, f"{kind} without end")
        return Block(kind, pipeline, names, body, otherwise)

    def _inner(self, *, is_range: bool) -> tuple[tuple[Node, ...], list[Token] | None]:
        self._ranges += is_range
        self._depth += 1
        found = self.nodes()
        self._ranges -= is_range
        self._depth -= 1
        return found

    def _otherwise(self, kind: str, tokens: list[Token]) -> tuple[tuple[Node, ...], list[Token] | None]:
        """After ``else``; ``else if`` is a block of its own that shares the ``end``."""
        if len(tokens) == 1:
            return self._inner(is_range=False)
        if tokens[1].value != kind or kind == "range":
            raise TemplateError(tokens[0].line, "unexpected word after else")
        return (self._block(kind, tokens[1:]),), tokens


def _variables(tokens: list[Token], most: int) -> tuple[tuple[str, ...], list[Token]]:
    """``$a := …``, ``$a, $b := …`` or ``$a = …``: the names and what is behind the sign."""
    signs = [at for at, token in enumerate(tokens) if token.kind == "sign" and token.value in {":=", "="}]
    if not signs:
        return (), tokens
    names = [token for token in tokens[: signs[0]] if token.value != ","]
    if any(token.kind != "variable" for token in names):
        raise TemplateError(tokens[0].line, "only variables can be set")
    if len(names) > most:
        raise TemplateError(tokens[0].line, "too many declarations")
    return tuple(token.value for token in names), tokens[signs[0] + 1 :]


def _pipeline(tokens: list[Token], line: int) -> Pipeline:
    commands: list[tuple[Term, ...]] = []
    parts = _split(tokens, line)
    for part in parts[:-1] if len(parts) > 1 and not parts[-1] else parts:
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

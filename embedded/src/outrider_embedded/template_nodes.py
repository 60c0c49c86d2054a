"""The nodes of a template, and what can be asked of them without rendering."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


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
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """``if``, ``with`` or ``range``: ``names`` are the variables that it sets."""

    kind: str
    pipeline: Pipeline
    names: tuple[str, ...]
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """``define``: a named part, which goes out only where it is called."""

    name: str
    body: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Invocation:
    """``template``: a named part goes out, with the pipeline's value as its dot; ``block`` brings the part with it."""

    name: str
    pipeline: Pipeline | None
    line: int
    body: tuple[Node, ...] | None = None


@dataclass(frozen=True, slots=True)
class Jump:
    """``break`` or ``continue`` of the innermost range."""

    kind: str


Node = Text | Output | Block | Definition | Invocation | Jump


def called(nodes: tuple[Node, ...]) -> Iterator[Term]:
    """Every function that a template names."""
    for node in nodes:
        yield from called(inside(node))
        if isinstance(node, Output | Block | Invocation) and node.pipeline is not None:
            yield from _called_in(node.pipeline)


def inside(node: Node) -> tuple[Node, ...]:
    """The nodes in a node."""
    if isinstance(node, Block):
        return node.body + node.otherwise
    return (node.body or ()) if isinstance(node, Definition | Invocation) else ()


def defined(nodes: tuple[Node, ...]) -> Iterator[Definition]:
    """Every named part, wherever it stands."""
    for node in nodes:
        yield from defined(inside(node))
        if isinstance(node, Definition):
            yield node
        elif isinstance(node, Invocation) and node.body is not None:
            yield Definition(node.name, node.body, node.line)


def _called_in(pipeline: Pipeline) -> Iterator[Term]:
    for term in (term for command in pipeline.commands for term in command):
        if term.kind == "function":
            yield term
        elif term.kind == "pipeline":
            yield from _called_in(term.value)

"""A template's nodes evaluated: scopes, pipelines and blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from outrider_embedded.template_functions import functions
from outrider_embedded.template_lookups import MissingSourceError
from outrider_embedded.template_nodes import (
    Block,
    Invocation,
    Jump,
    Node,
    Output,
    Pipeline,
    Term,
    Text,
    called,
    defined,
)
from outrider_embedded.template_objects import Scratch
from outrider_embedded.template_printf import shown
from outrider_embedded.template_sources import Sources
from outrider_embedded.template_text import TemplateError
from outrider_embedded.template_unsupported import DENIED, why_unknown

_EARLY = frozenset({"and", "or"})


class Evaluation:
    """One rendering of a template's nodes."""

    def __init__(self, sources: Sources) -> None:
        denied = dict.fromkeys(DENIED, _denied)
        self._functions = functions() | sources.functions() | denied | {"scratch": _always(Scratch())}
        self._defined: dict[str, tuple[Node, ...]] = {}
        self._out: list[str] = []

    def text(self, nodes: Iterable[Node]) -> str:
        """The whole template, with nothing as its dot; what it calls must be known, also in branches not taken."""
        nodes = tuple(nodes)
        for term in called(nodes):
            if term.value not in self._functions and term.value not in _EARLY:
                raise TemplateError(term.line, why_unknown(term.value))
        for part in defined(nodes):
            if self._defined.get(part.name) and part.body:
                raise TemplateError(part.line, f'multiple definition of template "{part.name}"')
            self._defined[part.name] = part.body or self._defined.get(part.name, ())
        self._nodes(nodes, None, _Scope({}, {"$": None}))
        return "".join(self._out)

    # ---- nodes

    def _nodes(self, nodes: Iterable[Node], dot: Any, scope: _Scope) -> None:
        for node in nodes:
            self._node(node, dot, scope)

    def _node(self, node: Node, dot: Any, scope: _Scope) -> None:
        if isinstance(node, Text):
            self._out.append(node.text)
        elif isinstance(node, Invocation):
            self._invoke(node, dot, scope)
        elif isinstance(node, Block):
            (self._range if node.kind == "range" else self._condition)(node, dot, scope)
        elif isinstance(node, Jump):
            raise _Jumped(node.kind)
        elif isinstance(node, Output):
            self._put(node, self._pipeline(node.pipeline, dot, scope), scope)

    def _invoke(self, node: Invocation, dot: Any, scope: _Scope) -> None:
        """A defined part, with the argument as its dot and no variables from around it."""
        if node.name not in self._defined:
            raise TemplateError(node.line, f'template "{node.name}" not defined')
        value = None if node.pipeline is None else self._pipeline(node.pipeline, dot, scope)
        self._nodes(self._defined[node.name], value, _Scope({}, {"$": value}))

    def _put(self, node: Output, value: Any, scope: _Scope) -> None:
        if not node.variable:
            self._out.append(shown(value))
        elif node.is_new:
            scope.declare(node.variable, value)
        elif node.variable in scope:
            scope[node.variable] = value
        else:
            raise TemplateError(node.pipeline.line, f"undefined variable: {node.variable}")

    def _condition(self, node: Block, dot: Any, scope: _Scope) -> None:
        value = self._pipeline(node.pipeline, dot, scope)
        inner = _Scope(scope, dict.fromkeys(node.names, value))
        if not value:
            self._nodes(node.otherwise, dot, inner)
        else:
            self._nodes(node.body, value if node.kind == "with" else dot, inner)

    def _range(self, node: Block, dot: Any, scope: _Scope) -> None:
        items = _items(self._pipeline(node.pipeline, dot, scope), node.pipeline.line)
        if not items:
            self._nodes(node.otherwise, dot, _Scope(scope, {}))
        for key, item in items:
            values = (key, item) if len(node.names) > 1 else (item,)
            try:
                self._nodes(node.body, item, _Scope(scope, dict(zip(node.names, values, strict=False))))
            except _Jumped as jump:
                if jump.kind == "break":
                    return

    # ---- pipelines

    def _pipeline(self, pipeline: Pipeline, dot: Any, scope: _Scope) -> Any:
        piped: list[Any] = []
        for command in pipeline.commands:
            piped = [self._command(command, piped, dot, scope)]
        return piped[0]

    def _command(self, terms: tuple[Term, ...], piped: list[Any], dot: Any, scope: _Scope) -> Any:
        first = terms[0]
        if first.kind == "literal" and first.value is None and not first.fields:
            raise TemplateError(first.line, "nil is not a command")
        if first.kind == "function" and not first.fields:
            if first.value in _EARLY:
                return self._logic(terms, piped, dot, scope)
            arguments = [self._term(term, dot, scope) for term in terms[1:]]
            return self._call(first, [*arguments, *piped])
        value = self._member(first, dot, scope)
        if callable(value):
            arguments = [self._term(term, dot, scope) for term in terms[1:]]
            return self._result(first, value, [*arguments, *piped])
        if len(terms) > 1 or piped:
            raise TemplateError(first.line, "only a function takes arguments")
        return value

    def _logic(self, terms: tuple[Term, ...], piped: list[Any], dot: Any, scope: _Scope) -> Any:
        """``and`` and ``or`` stop at the first operand that decides."""
        if len(terms) == 1 and not piped:
            raise TemplateError(terms[0].line, f"wrong number of args for {terms[0].value}: want at least 1 got 0")
        value: Any = None
        for value in (self._term(term, dot, scope) for term in terms[1:]):
            if bool(value) == (terms[0].value == "or"):
                return value
        return piped[0] if piped else value

    def _term(self, term: Term, dot: Any, scope: _Scope) -> Any:
        value = self._member(term, dot, scope)
        return self._result(term, value, []) if callable(value) else value

    def _member(self, term: Term, dot: Any, scope: _Scope) -> Any:
        """The operand with its fields looked up; the last one may be a method, which is still to be called."""
        if term.kind == "variable" and term.value not in scope:
            raise TemplateError(term.line, f'undefined variable "{term.value}"')
        value = self._operand(term, dot, scope)
        if value is None and (term.kind == "dot" or term.value == "$"):
            return None  # a template whose dot is nothing has nothing in any field of it
        for name in term.fields:
            value = _field(value, name, term.line)
        return value

    def _operand(self, term: Term, dot: Any, scope: _Scope) -> Any:
        if term.kind == "function":
            return self._call(term, [])
        if term.kind == "pipeline":
            return self._pipeline(term.value, dot, scope)
        if term.kind == "variable":
            return scope[term.value]
        return dot if term.kind == "dot" else term.value

    def _call(self, term: Term, arguments: list[Any]) -> Any:
        return self._result(term, self._functions[term.value], arguments)

    def _result(self, term: Term, function: Callable[..., Any], arguments: list[Any]) -> Any:
        try:
            return function(*arguments)
        except MissingSourceError as error:
            raise TemplateError(term.line, str(error), next_step=error.next_step) from error
        except Exception as error:  # whatever a library says of what a template gives it
            raise TemplateError(term.line, f"error calling {term.value}: {error}") from error


class _Jumped(Exception):  # noqa: N818  # nothing went wrong
    """On the way from a ``break`` or ``continue`` to its range."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def _always(value: Any) -> Callable[[], Any]:
    return lambda: value


def _denied(*_: Any) -> Any:
    """What stands in a branch that is not taken does no harm."""
    raise ValueError("function is disabled")


class _Scope(dict[str, Any]):
    """Variables of a block: its own go when it ends, those around it are changed in place."""

    def __init__(self, outer: dict[str, Any], own: dict[str, Any]) -> None:
        super().__init__(outer | own)
        self._outer, self._own = outer, set(own)

    def declare(self, name: str, value: Any) -> None:
        """A variable of its own, also where one outside has that name."""
        self._own.add(name)
        self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        if name in self._outer and name not in self._own:
            self._outer[name] = value


def _items(value: Any, line: int) -> list[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return sorted(cast("Mapping[Any, Any]", value).items())
    if isinstance(value, int) and not isinstance(value, bool):
        return [(number, number) for number in range(value)]
    if value is None or isinstance(value, (list, tuple)):
        return list(enumerate(cast("list[Any]", value or ())))
    raise TemplateError(line, f"range can't iterate over {shown(value)}")


def _field(value: Any, name: str, line: int) -> Any:
    if value is None:
        raise TemplateError(line, f"nil has no field {name}")
    own = getattr(value, "fields", {})
    if name in own:
        return own[name]
    if not isinstance(value, Mapping):
        raise TemplateError(line, f"can't evaluate field {name} in {shown(value)}")
    fields = cast("Mapping[str, Any]", value)
    return fields[name] if hasattr(fields, "__missing__") else fields.get(name)

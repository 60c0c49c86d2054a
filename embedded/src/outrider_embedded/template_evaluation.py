"""A template's nodes evaluated: scopes, pipelines and blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from outrider_embedded.template_functions import functions
from outrider_embedded.template_go import shown
from outrider_embedded.template_sources import MissingSourceError, Sources
from outrider_embedded.template_text import TemplateError
from outrider_embedded.template_tree import Block, Node, Output, Pipeline, Term, Text, called

_EARLY = frozenset({"and", "or"})
# consul-template's (template.go of 0.35 and 0.42) that nothing here stands for; with sprig's, which begin with sprig_.
_NAMES = (
    "byKey byMeta byPort byTag caLeaf caRoots connect containsAll containsAny containsNone containsNotAll datacenters "
    "executeTemplate explode explodeMap exportedServices file hmacSHA256Hex importedServices md5sum mergeMap "
    "mergeMapWithOverride node nodes nomadService nomadServices nomadVarExists nomadVarList nomadVarListSafe parseYAML "
    "partitions peerings pkiCert scratch services sockaddr spew_dump spew_printf spew_sdump spew_sprintf splitToMap toTOML "
    "toUnescapedJSON toUnescapedJSONPretty toYAML call html js urlquery"
)
_ELSEWHERE = frozenset(_NAMES.split())
_DENIED = frozenset({"plugin", "writeToFile"})  # by Nomad, unless its clients are told otherwise (function_denylist)


class Evaluation:
    """One rendering of a template's nodes."""

    def __init__(self, sources: Sources) -> None:
        self._functions = functions() | sources.functions()

    def text(self, nodes: Iterable[Node]) -> str:
        """The whole template, with nothing as its dot; what it calls must be known, also in branches not taken."""
        nodes = tuple(nodes)
        for term in called(nodes):
            if term.value not in self._functions and term.value not in _EARLY:
                raise _unknown(term)
        return self._nodes(nodes, None, {"$": None})

    # ---- nodes

    def _nodes(self, nodes: Iterable[Node], dot: Any, scope: dict[str, Any]) -> str:
        return "".join(self._node(node, dot, scope) for node in nodes)

    def _node(self, node: Node, dot: Any, scope: dict[str, Any]) -> str:
        if isinstance(node, Text):
            return node.text
        if isinstance(node, Block):
            return self._range(node, dot, scope) if node.kind == "range" else self._condition(node, dot, scope)
        value = self._pipeline(node.pipeline, dot, scope)
        return self._out(node, value, scope)

    def _out(self, node: Output, value: Any, scope: dict[str, Any]) -> str:
        if not node.variable:
            return shown(value)
        scope[node.variable] = value
        return ""

    def _condition(self, node: Block, dot: Any, scope: dict[str, Any]) -> str:
        value = self._pipeline(node.pipeline, dot, scope)
        inner = _Scope(scope, dict.fromkeys(node.names, value))
        if not value:
            return self._nodes(node.otherwise, dot, inner)
        return self._nodes(node.body, value if node.kind == "with" else dot, inner)

    def _range(self, node: Block, dot: Any, scope: dict[str, Any]) -> str:
        items = _items(self._pipeline(node.pipeline, dot, scope), node.pipeline.line)
        if not items:
            return self._nodes(node.otherwise, dot, _Scope(scope, {}))
        out: list[str] = []
        for key, item in items:
            values = (key, item) if len(node.names) > 1 else (item,)
            out.append(self._nodes(node.body, item, _Scope(scope, dict(zip(node.names, values, strict=False)))))
        return "".join(out)

    # ---- pipelines

    def _pipeline(self, pipeline: Pipeline, dot: Any, scope: dict[str, Any]) -> Any:
        piped: list[Any] = []
        for command in pipeline.commands:
            piped = [self._command(command, piped, dot, scope)]
        return piped[0]

    def _command(self, terms: tuple[Term, ...], piped: list[Any], dot: Any, scope: dict[str, Any]) -> Any:
        first = terms[0]
        if first.kind == "function":
            if first.value in _EARLY:
                return self._logic(terms, piped, dot, scope)
            arguments = [self._term(term, dot, scope) for term in terms[1:]]
            return self._call(first, [*arguments, *piped])
        if len(terms) > 1 or piped:
            raise TemplateError(first.line, "only a function takes arguments")
        return self._term(first, dot, scope)

    def _logic(self, terms: tuple[Term, ...], piped: list[Any], dot: Any, scope: dict[str, Any]) -> Any:
        """``and`` and ``or`` stop at the first operand that decides."""
        value: Any = None
        for value in (self._term(term, dot, scope) for term in terms[1:]):
            if bool(value) == (terms[0].value == "or"):
                return value
        return piped[0] if piped else value

    def _term(self, term: Term, dot: Any, scope: dict[str, Any]) -> Any:
        if term.kind == "function":
            return self._call(term, [])
        if term.kind == "variable" and term.value not in scope:
            raise TemplateError(term.line, f'undefined variable "{term.value}"')
        value = self._operand(term, dot, scope)
        for name in term.fields:
            value = _field(value, name, term.line)
        return value

    def _operand(self, term: Term, dot: Any, scope: dict[str, Any]) -> Any:
        if term.kind == "pipeline":
            return self._pipeline(term.value, dot, scope)
        if term.kind == "variable":
            return scope[term.value]
        return dot if term.kind == "dot" else term.value

    def _call(self, term: Term, arguments: list[Any]) -> Any:
        try:
            return self._functions[term.value](*arguments)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, ZeroDivisionError) as error:
            raise TemplateError(term.line, f"error calling {term.value}: {error}") from error
        except MissingSourceError as error:
            raise TemplateError(term.line, str(error), next_step=error.next_step) from error


class _Scope(dict[str, Any]):
    """Variables of a block: its own go when it ends, those around it are changed in place."""

    def __init__(self, outer: dict[str, Any], own: dict[str, Any]) -> None:
        super().__init__(outer | own)
        self._outer, self._own = outer, set(own)

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        if name in self._outer and name not in self._own:
            self._outer[name] = value


def _items(value: Any, line: int) -> list[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return sorted(cast("Mapping[Any, Any]", value).items())
    if value is None or isinstance(value, (list, tuple)):
        return list(enumerate(cast("list[Any]", value or ())))
    raise TemplateError(line, f"range can't iterate over {shown(value)}")


def _field(value: Any, name: str, line: int) -> Any:
    if value is None:
        raise TemplateError(line, f"nil has no field {name}")
    if not isinstance(value, Mapping):
        raise TemplateError(line, f"can't evaluate field {name} in {shown(value)}")
    return cast("Mapping[str, Any]", value).get(name)


def _unknown(term: Term) -> TemplateError:
    if term.value in _DENIED:
        return TemplateError(term.line, f"error calling {term.value}: function is disabled")
    if term.value in _ELSEWHERE or term.value.startswith("sprig_"):
        what = f'function "{term.value}" is one of Nomad\'s, and the one-machine cluster does not have it'
        return TemplateError(term.line, f"{what}: use another one, or a real Nomad")
    return TemplateError(term.line, f'function "{term.value}" not defined')

"""What small changes of meaning a module's source can have, each as a piece of text and the text in its place.

Nothing here reads files or runs anything. A mutation is known by what it changes and where it stands (function, text), not
by its line: a change elsewhere in a file leaves it the same.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}
OTHERS = {"min": "max", "max": "min", "any": "all", "all": "any"}
DROPPED = (ast.Expr, ast.AugAssign, ast.Raise, ast.Continue, ast.Break, ast.Delete)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef)

Change = tuple[ast.AST, str]  # a node, and the text in its place


@dataclass(frozen=True)
class Mutation:
    """``start`` and ``end`` are offsets into the source; ``lines`` those that a test must run to notice."""

    path: str
    scope: str
    before: str
    after: str
    ordinal: int  # among those of the same scope and texts
    start: int
    end: int
    lines: range

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What it is known by."""
        return (self.path, self.scope, self.before, self.after, self.ordinal)

    def rank(self, seed: int) -> str:
        """Its place in a sample: by chance, the same in every run, and whatever else there is."""
        return hashlib.sha256(repr((seed, self.key)).encode()).hexdigest()

    def applied(self, source: str) -> str:
        return source[: self.start] + self.after + source[self.end :]


@dataclass(frozen=True)
class _Place:
    """Where a walk is: the names around, and the statement that a test must reach."""

    scope: tuple[str, ...]
    statement: ast.stmt | None


def mutations(path: str, source: str) -> list[Mutation]:
    """Every mutation of a module, in the order of its source."""
    offsets = _offsets(source)
    seen: Counter[tuple[str, str, str]] = Counter()
    found: list[Mutation] = []
    for place, (node, after) in _changes(ast.parse(source), _Place((), None)):
        start, end = offsets(node.lineno, node.col_offset), offsets(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        if isinstance(node, ast.keyword):
            end = _with_comma(source, end)
        scope, before = ".".join(place.scope), source[start:end]
        seen[scope, before, after] += 1
        lines = _lines(place, node)
        found.append(Mutation(path, scope, before, after, seen[scope, before, after], start, end, lines))
    return found


def _with_comma(source: str, end: int) -> int:
    rest = source[end:].lstrip()
    return len(source) - len(rest) + 1 if rest.startswith(",") else end


def _lines(place: _Place, node: ast.AST) -> range:
    first = place.statement.lineno if place.statement else node.lineno  # type: ignore[attr-defined]
    return range(min(first, node.lineno), node.end_lineno + 1)  # type: ignore[attr-defined]


def _offsets(source: str) -> Callable[[int, int], int]:
    """From a line and a column in bytes, as ast counts, to an offset in text."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    return lambda line, column: starts[line - 1] + len(lines[line - 1].encode()[:column].decode())


def _changes(node: ast.AST, place: _Place) -> Generator[tuple[_Place, Change]]:
    """Those of the node and of all below it but texts for people: docstrings, annotations, f-strings, decorators."""
    if isinstance(node, ast.stmt):
        place = _Place(place.scope, node)
    if isinstance(node, SCOPES):
        place = _Place((*place.scope, node.name), node)
    for change in _of_node(node):
        yield place, change
    for child in _children(node):
        yield from _changes(child, place)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom | ast.Assert) or _is_for_types(node):
        return
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "bases", "keywords"} and not isinstance(node, ast.Call):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_docstring(child):
                yield child


def _is_for_types(node: ast.AST) -> bool:
    """A block of imports for the type checker, or a name of a type."""
    if isinstance(node, ast.If):
        return _is_type_checking(node)
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp) and _is_type(node)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _is_type(node: ast.Assign) -> bool:
    return all(isinstance(one, ast.Name) and one.id[:1].isupper() and not one.id.isupper() for one in node.targets)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _of_node(node: ast.AST) -> Iterator[Change]:
    for kind, changes in RULES:
        if isinstance(node, kind) and not _is_type_checking(node):
            yield from changes(node)


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split("\n"))


def _inverted(node: ast.If | ast.While | ast.IfExp) -> Iterator[Change]:
    if not isinstance(node.test, ast.Compare | ast.Constant) or len(getattr(node.test, "ops", "12")) > 1:
        yield node.test, f"(not ({_text(node.test)}))"


def _inverted_filters(node: ast.comprehension) -> Iterator[Change]:
    for test in node.ifs:
        if not isinstance(test, ast.Compare):
            yield test, f"(not ({_text(test)}))"


def _swapped(node: ast.BoolOp) -> Iterator[Change]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield node, f"({_text(ast.BoolOp(other, node.values))})"


def _compared(node: ast.Compare) -> Iterator[Change]:
    for index, one in enumerate(node.ops):
        ops = [*node.ops[:index], COMPARISONS[type(one)](), *node.ops[index + 1 :]]
        yield node, f"({_text(ast.Compare(node.left, ops, node.comparators))})"


def _plain(node: ast.UnaryOp) -> Iterator[Change]:
    if isinstance(node.op, ast.Not):
        yield node, f"({_text(node.operand)})"


def _calculated(node: ast.BinOp) -> Iterator[Change]:
    texts = (ast.JoinedStr, ast.List, ast.Tuple)
    is_text = any(
        isinstance(one, texts) or (isinstance(one, ast.Constant) and isinstance(one.value, str | bytes))
        for one in (node.left, node.right)
    )
    if type(node.op) in ARITHMETIC and not is_text:
        yield node, f"({_text(ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right))})"


def _shifted(node: ast.Constant) -> Iterator[Change]:
    if isinstance(node.value, bool):
        yield node, str(not node.value)
    elif isinstance(node.value, int):
        yield node, str(node.value + 1)
    elif isinstance(node.value, float):
        yield node, str(node.value * 2 + 1)


def _named(node: ast.AST) -> Iterator[Change]:
    """Words that a program reads: keys, and what is compared with."""
    words: list[ast.expr | None] = []
    if isinstance(node, ast.Dict):
        words = list(node.keys)
    elif isinstance(node, ast.Subscript):
        words = [node.slice]
    elif isinstance(node, ast.Compare):
        words = [node.left, *node.comparators]
    for word in words:
        if isinstance(word, ast.Constant) and isinstance(word.value, str | bytes) and word.value:
            yield word, repr(word.value + (b"~" if isinstance(word.value, bytes) else "~"))  # type: ignore[operator]


def _called(node: ast.Call) -> Iterator[Change]:
    """One keyword less; the least for the most."""
    for keyword in node.keywords:
        if keyword.arg is not None:
            yield keyword, ""
    if isinstance(node.func, ast.Name) and node.func.id in OTHERS:
        yield node.func, OTHERS[node.func.id]


def _dropped(node: ast.stmt) -> Iterator[Change]:
    """Not a yield, without which a function is no generator, nor the deletion of an argument that nobody reads."""
    yields = isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield | ast.YieldFrom)
    unused = isinstance(node, ast.Delete) and all(isinstance(target, ast.Name) for target in node.targets)
    if not yields and not unused and not _is_docstring(node):
        yield node, "pass"


def _unassigned(node: ast.Assign) -> Iterator[Change]:
    """What is kept beyond the function: attributes and items."""
    if all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
        yield node, "pass"


def _returned(node: ast.Return) -> Iterator[Change]:
    if node.value is None:
        yield node, "pass"
    elif not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield node.value, "None"


RULES: tuple[tuple[type | tuple[type, ...], Callable[..., Iterator[Change]]], ...] = (
    ((ast.If, ast.While, ast.IfExp), _inverted),
    (ast.comprehension, _inverted_filters),
    (ast.BoolOp, _swapped),
    (ast.Compare, _compared),
    (ast.UnaryOp, _plain),
    (ast.BinOp, _calculated),
    (ast.Constant, _shifted),
    ((ast.Dict, ast.Subscript, ast.Compare), _named),
    (ast.Call, _called),
    (DROPPED, _dropped),
    (ast.Assign, _unassigned),
    (ast.Return, _returned),
)

"""How deep imports go and how much one call takes: what makes a change wander."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DISTRIBUTIONS = ("src", "agent/src", "embedded/src", "ground/src", "trace/src")
SOURCES = tuple(sorted(path for room in DISTRIBUTIONS for path in (ROOT / room).rglob("*.py")))
DEEPEST = 16
MOST_PARAMETERS = 6
LARGEST_CLASS = 160

Function = ast.FunctionDef | ast.AsyncFunctionDef


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _module(path: Path) -> str:
    room = next(one for one in DISTRIBUTIONS if path.is_relative_to(ROOT / one))
    parts = path.relative_to(ROOT / room).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_module(path): path for path in SOURCES}


def _wanted(node: ast.stmt) -> Iterator[str]:
    """The modules of ours that an import names, those under TYPE_CHECKING included."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        inner = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name if name in MODULES else node.module for name in inner)


def _imports(name: str) -> set[str]:
    statements = [node for node in ast.walk(_tree(MODULES[name])) if isinstance(node, ast.stmt)]
    return {found for node in statements for found in _wanted(node) if found in MODULES and found != name}


@functools.cache
def _chain(name: str) -> tuple[str, ...]:
    """The longest way down from a module; there are no cycles (see .importlinter)."""
    return (name, *max((_chain(other) for other in sorted(_imports(name))), key=len, default=()))


def test_no_chain_of_imports_is_longer_than_a_person_can_follow() -> None:
    longest = max((_chain(name) for name in MODULES), key=len)
    assert len(longest) <= DEEPEST, " → ".join(longest)


def _parameters(function: Function) -> int:
    """Keyword-only ones count, and so does each part of a tuple that bundles several."""
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return sum(_parts(one.annotation) for one in given if one.arg not in {"self", "cls"})


def _parts(annotation: ast.expr | None) -> int:
    is_tuple = isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "tuple"
    if not is_tuple or not isinstance(annotation.slice, ast.Tuple):  # type: ignore[union-attr]
        return 1
    parts = annotation.slice.elts  # type: ignore[union-attr]
    return 1 if ast.unparse(parts[-1]) == "..." else len(parts)


def _is_called_by_click(function: Function) -> bool:
    words = " ".join(ast.unparse(decorator) for decorator in function.decorator_list)
    return "click." in words or "_options" in words


@pytest.mark.parametrize("name", MODULES)
def test_no_function_takes_more_than_a_person_can_hold(name: str) -> None:
    functions = [node for node in ast.walk(_tree(MODULES[name])) if isinstance(node, Function)]
    crowded = {one.name: _parameters(one) for one in functions if not _is_called_by_click(one)}
    assert {key: count for key, count in crowded.items() if count > MOST_PARAMETERS} == {}


def _lines(node: ast.ClassDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("name", MODULES)
def test_no_class_is_larger_than_a_person_can_hold(name: str) -> None:
    classes = [node for node in ast.walk(_tree(MODULES[name])) if isinstance(node, ast.ClassDef)]
    assert {one.name: _lines(one) for one in classes if _lines(one) > LARGEST_CLASS} == {}

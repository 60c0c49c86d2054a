"""The house rules that a program can hold: sizes with a ratchet, heads of modules, names, imports, mocks."""

from __future__ import annotations

import ast
import functools
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("src", "agent/src", "embedded/src", "ground/src", "trace/src")
SOURCES = tuple(sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")))
BENCHES = tuple(sorted(path for room in ("bench", "harness/src") for path in (ROOT / room).rglob("*.py")))
TESTS = tuple(sorted((ROOT / "tests").rglob("*.py")))
BANNED = {"utils", "helpers", "common", "manager", "base", "core", "misc", "v2"}
LONGEST_FUNCTION = 40
LONGEST_MODULE = 250
MEDIAN_FUNCTION = 5
NINE_OF_TEN = 20

Function = ast.FunctionDef | ast.AsyncFunctionDef


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _functions(path: Path) -> list[Function]:
    return [node for node in ast.walk(_tree(path)) if isinstance(node, Function)]


def _body_lines(function: Function) -> int:
    """Lines of the body without the docstring."""
    documented = ast.get_docstring(function) is not None
    body = function.body[1:] if documented else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body and body[-1].end_lineno else 0


def _place(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _sizes() -> list[int]:
    return sorted(_body_lines(function) for path in SOURCES for function in _functions(path))


def test_no_function_is_longer_than_the_longest_allowed() -> None:
    long = {
        f"{_place(path)}:{function.lineno} {function.name}": _body_lines(function)
        for path in SOURCES
        for function in _functions(path)
        if _body_lines(function) > LONGEST_FUNCTION
    }
    assert long == {}


def test_half_of_all_functions_are_tiny_and_nine_of_ten_are_short() -> None:
    sizes = _sizes()
    assert statistics.median(sizes) <= MEDIAN_FUNCTION
    assert sizes[int(len(sizes) * 0.9)] <= NINE_OF_TEN


def test_no_module_is_longer_than_the_longest_allowed() -> None:
    lines = {_place(path): len(path.read_text().splitlines()) for path in (*SOURCES, *BENCHES)}
    assert {name: count for name, count in lines.items() if count > LONGEST_MODULE} == {}


@pytest.mark.parametrize("path", [pytest.param(path, id=_place(path)) for path in SOURCES])
def test_every_module_starts_with_a_sentence_on_what_lives_in_it(path: Path) -> None:
    assert (ast.get_docstring(_tree(path)) or "").strip(), f"{_place(path)} has no first sentence"


def test_no_module_bears_a_name_that_says_nothing() -> None:
    assert [_place(path) for path in (*SOURCES, *TESTS) if path.stem in BANNED] == []


def test_nothing_is_imported_inside_a_function() -> None:
    inner = [
        f"{_place(path)}:{node.lineno}"
        for path in SOURCES
        for function in _functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inner == []


def test_tests_need_no_mocks() -> None:
    words = ("unittest." + "mock", "monkey" + "patch", "mock" + "er")
    assert [_place(path) for path in TESTS if any(word in path.read_text() for word in words)] == []


def _reads_environment(path: Path) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"} and ast.unparse(node.value) == "os"
        for node in ast.walk(_tree(path))
    )


def test_the_environment_is_read_in_settings_only() -> None:
    assert [
        _place(path) for path in SOURCES if _reads_environment(path) and path.stem not in {"settings", "__main__"}
    ] == []

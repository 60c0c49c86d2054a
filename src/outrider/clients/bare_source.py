"""Python source without comments, docstrings and annotations: what runs, on the same lines, so that tracebacks say the same.

Abstract base classes are imported from where they are, and not from a package that loads more.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from typing import cast

Statements = list[ast.stmt]
Cut = tuple[int, int, int]  # a line from 0, and the characters from and up to which it loses its text
# The second is what the first takes all it has from, and every interpreter has loaded it; the first loads the whole of
# collections, 0.45 MB that the agent has no use for.
HEAVY, LIGHT = "collections.abc", "_collections_abc"
ARROW = "->"


def bare(source: str) -> str:
    """The source with what only readers and type checkers need gone; it does the same, and every line keeps its number."""
    lines = source.split("\n")
    tree = ast.parse(source)
    for line, begin, end in sorted(_annotations(tree, lines), reverse=True):
        lines[line] = lines[line][:begin] + lines[line][end:]
    _remove_texts(lines, tree)
    _lighten(lines, tree)
    for token in tokenize.generate_tokens(io.StringIO("\n".join(lines)).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(lines)


def _annotations(tree: ast.Module, lines: list[str]) -> Iterator[Cut]:
    """Those of arguments, results and variables with a value, where they stand on one line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation:
            yield from _cut(lines, node.lineno, node.col_offset + len(node.arg.encode()), node.annotation)
        elif isinstance(node, ast.AnnAssign) and node.value and node.simple:
            yield from _cut(lines, node.lineno, node.target.end_col_offset or 0, node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
            before = lines[node.returns.lineno - 1].encode()[: node.returns.col_offset].decode()
            yield from _cut(
                lines, node.returns.lineno, len(before.rpartition(ARROW)[0].rstrip().encode()), node.returns
            )


def _cut(lines: list[str], line: int, begin: int, annotation: ast.expr) -> Iterator[Cut]:
    """From a byte of the line to the annotation's end."""
    if annotation.lineno == annotation.end_lineno == line:
        text = lines[line - 1].encode()
        yield line - 1, len(text[:begin].decode()), len(text[: annotation.end_col_offset].decode())


def _remove_texts(lines: list[str], tree: ast.Module) -> None:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            _remove_in(lines, cast("Statements", body))


def _remove_in(lines: list[str], body: Statements) -> None:
    """A body of nothing but text keeps a statement."""
    texts = [statement for statement in body if _is_text(statement)]
    for text in texts:
        first, last = text.lineno - 1, (text.end_lineno or text.lineno) - 1
        lines[first : last + 1] = [""] * (last - first + 1)
    if texts and len(texts) == len(body):
        lines[texts[0].lineno - 1] = " " * texts[0].col_offset + "pass"


def _lighten(lines: list[str], tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == HEAVY:
            lines[node.lineno - 1] = lines[node.lineno - 1].replace(HEAVY, LIGHT, 1)


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )

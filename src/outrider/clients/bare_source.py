"""Python source without comments and docstrings: what runs, on the same lines, so that tracebacks say the same."""

from __future__ import annotations

import ast
import io
import tokenize
from typing import cast

Statements = list[ast.stmt]


def bare(source: str) -> str:
    """The source with every comment and every text that is a statement gone; the code compiles to the same otherwise."""
    lines = source.split("\n")
    _remove_texts(lines, ast.parse(source))
    for token in tokenize.generate_tokens(io.StringIO("\n".join(lines)).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(lines)


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


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )

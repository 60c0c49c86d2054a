"""What is said in one place is said nowhere else, and no port asks of the world what no operation needs."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {path: path.read_text() for room in ("src", "bench") for path in sorted((ROOT / room).rglob("*.py"))}
OPERATIONS = ROOT / "src" / "outrider" / "operations"
PORTS = OPERATIONS / "ports.py"

HOMES = {
    "Json": "documents.py",
    "OWN_META": "names.py",
    "HEALTH_PATH": "names.py",
    "JOB_META_ATTEMPT": "names.py",
    "LISTENERS": "statistics.py",
}
WORDS = {
    "outrider_attempt": "names.py",
    "envoy_http_downstream_rq_total": "nowhere: it is made of its parts",
    "_nomad-task-(.+?)-group-": "instances.py",
}


def _assigned(tree: ast.Module) -> set[str]:
    several = [one for node in tree.body if isinstance(node, ast.Assign) for one in node.targets]
    single = [node.target for node in tree.body if isinstance(node, ast.AnnAssign)]
    return {one.id for one in (*several, *single) if isinstance(one, ast.Name)}


@pytest.mark.parametrize(("name", "home"), HOMES.items())
def test_a_rule_has_one_home(name: str, home: str) -> None:
    assert [path.name for path, text in OURS.items() if name in _assigned(ast.parse(text))] == [home]


@pytest.mark.parametrize(("word", "home"), WORDS.items())
def test_a_word_of_ours_is_written_in_its_home_only(word: str, home: str) -> None:
    found = [
        path.name
        for path, text in OURS.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and node.value == word
    ]
    assert set(found) <= {home}


def test_every_question_of_a_port_is_asked_by_an_operation() -> None:
    asked = {
        node.attr
        for path, text in OURS.items()
        if path.is_relative_to(ROOT / "src") and path != PORTS
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute)
    }
    ports = [node for node in ast.parse(PORTS.read_text()).body if isinstance(node, ast.ClassDef)]
    methods = {
        f"{port.name}.{one.name}": one.name
        for port in ports
        for one in port.body
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert [name for name, method in methods.items() if method not in asked] == []

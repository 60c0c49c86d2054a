"""Modules from code that is compiled already."""

from __future__ import annotations

from importlib.util import module_from_spec

from outrider_agent.compiled import Compiled


def test_a_code_is_let_go_by_whoever_handed_it_in_once_its_module_is_there() -> None:
    """All of them held to the end would be 60 kB."""
    codes = {"one": compile("found = 1", "one.py", "exec"), "other": compile("", "other.py", "exec")}
    loader = Compiled(codes)
    spec = loader.find_spec("one")
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    assert (module.found, list(codes)) == (1, ["other"])
    assert loader.find_spec("one") is None

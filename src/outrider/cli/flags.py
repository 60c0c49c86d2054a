"""Problems of a spec that a command has edited, in the words of the command: its flags instead of keys nobody has typed."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from outrider_ground.errors import Problem, SpecError

from outrider.spec.written.edits import OVERLAY


@contextmanager
def in_flags(callee: str, given: Mapping[str, Any]) -> Generator[None]:
    """Raise a SpecError about a knob of the callee as one about the flag that set it, the callee's own as the argument."""
    try:
        yield
    except SpecError as error:
        raise SpecError(
            tuple(_in_flags(one, callee, given) for one in error.problems), next_step=error.next_step
        ) from error


def _in_flags(problem: Problem, callee: str, given: Mapping[str, Any]) -> Problem:
    parts = problem.path.split(".")
    parts = parts[2:] if parts[0] == OVERLAY else parts
    if parts[:2] != ["upstreams", callee]:
        return problem
    knob = parts[2] if len(parts) > 2 else ""  # noqa: PLR2004  upstreams, callee, knob
    if knob and knob not in given:
        return problem
    what = f"--{knob.replace('_', '-')}" if knob else callee
    return replace(problem, path=what, file=None, line=None, column=None)

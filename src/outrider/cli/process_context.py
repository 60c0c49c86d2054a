"""What every verb has from its process: the settings, and how its result is printed; no client of any server."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from outrider_ground.errors import Problem, SpecError

from outrider.cli.forms import FORMATS
from outrider.cli.output import Output, colour
from outrider.context_file import ContextFileError
from outrider.settings import Settings, settings

if TYPE_CHECKING:
    import httpx2


@dataclass(frozen=True, slots=True)
class ProcessContext:
    """What a caller of the command line may put in place of the process's own: `obj` of click's context."""

    settings: Settings
    transport: httpx2.AsyncBaseTransport | None = None


def process_context() -> ProcessContext:
    """Those of the current click context, made from the process where nobody has put others."""
    context = click.get_current_context().find_root()
    if not isinstance(context.obj, ProcessContext):
        context.obj = ProcessContext(_own_settings())
    return context.obj


def _own_settings() -> Settings:
    """Those of the process; SpecError where the person's context file cannot be used."""
    try:
        return settings()
    except ContextFileError as error:
        problems = tuple(Problem(key, message, file=str(error.file)) for key, message in error.problems)
        raise SpecError(problems) from error


def output_options(function: Callable[..., Any], forms: Sequence[str] = FORMATS) -> Callable[..., Any]:
    """Add -o and --no-color; the function gets `output: Output` first."""

    @click.option("-o", "--output", "form", type=click.Choice(forms), default="table", help="How to print the result.")
    @click.option("--no-color", is_flag=True, help="No colours (also: NO_COLOR).")
    @functools.wraps(function)
    def called(*, form: str, no_color: bool, **rest: Any) -> Any:
        is_coloured = colour(process_context().settings.terminal, is_refused=no_color)
        click.get_current_context().color = is_coloured
        return function(Output(form), **rest)

    return called

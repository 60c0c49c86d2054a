"""A change that is shown before it is done: its diff in colours, and the question whether to do it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import click

from outrider.cli.invocation import Invocation
from outrider.cli.printable import printable

SIGNS = {"+": "green", "-": "red", "@": "cyan"}
yes_option = click.option("--yes", "is_agreed", is_flag=True, help="Do it without asking.")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Whether it is to be done: agreed to before, or asked for on a terminal."""

    is_agreed: bool

    def on(self, invocation: Invocation, question: str) -> bool:
        """The answer; False where there is nobody to ask."""
        if self.is_agreed:
            return True
        if invocation.output.form != "table" or not (sys.stdin.isatty() and sys.stdout.isatty()):
            invocation.output.progress("Nothing is done yet: there is no terminal to ask on. Say --yes to do it.")
            return False
        return click.confirm(question, default=False, err=True)


def diff_shown(lines: Iterable[str], notes: Iterable[str] = ()) -> Iterator[str]:
    """The diff for a person, and what of the file's style could not be kept."""
    for line in lines:
        is_head = line.startswith(("--- ", "+++ "))
        yield click.style(printable(line), bold=is_head, fg=None if is_head else SIGNS.get(line[:1]))
    yield from (click.style(f"! {printable(note)}", fg="yellow") for note in notes)

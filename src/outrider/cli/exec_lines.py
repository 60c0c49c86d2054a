"""Commands that people ran beside tasks, as lines on a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from outrider.cli.arguments import short
from outrider.cli.output import table
from outrider.cli.printable import one_line
from outrider.cli.times import moment
from outrider.operations.exec_records import Exec

LONGEST = 72


def exec_lines(found: Sequence[Exec]) -> Iterator[str]:
    """Newest first, in a list of their own: they change nothing, and so have no number."""
    if found:
        yield ""
        yield from table(
            ("COMMAND RUN", "BY", "ALLOCATION", "TASK", "CODE", "COMMAND"),
            [(moment(one.at), one.by, short(one.allocation), one.task, _code(one), _command(one)) for one in found],
        )


def _code(one: Exec) -> str:
    """The exit code, or that there is none: it runs, its portal died, or it was ended."""
    if one.exit_code is not None:
        return str(one.exit_code)
    return "none" if one.ended_at else "open"


def _command(one: Exec) -> str:
    """As one would type it, and why it told no code."""
    said = one_line(shlex.join(one.command))
    said = said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"
    return f"{said} ({one_line(one.reason)})" if one.reason else said

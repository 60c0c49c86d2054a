"""Allocations that no longer run, as lines on a terminal: where they ran, and what ended them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from outrider.cli.arguments import short
from outrider.cli.output import table
from outrider.cli.printable import one_line
from outrider.nomad.read.allocations import Allocation


def ended_lines(found: Sequence[Allocation]) -> Iterator[str]:
    """Newest first; `outrider logs SERVICE --allocation ID` reads what they wrote."""
    if found:
        yield ""
        yield from table(
            ("ENDED", "NODE", "STATUS", "WHY"), [(short(one.id), one.node, one.status, _why(one)) for one in found]
        )


def _why(one: Allocation) -> str:
    """What is more than routine of its tasks; of those that were ended on purpose there is nothing to tell."""
    told = [f"{task.name}: {task.reason}" for task in one.tasks if task.reason and task.failed]
    return one_line("; ".join(told)) or ("was ended on purpose" if one.desired == "stop" else "-")

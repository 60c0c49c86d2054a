"""Output that is shown from its end: a line whose beginning is not shown says so."""

from __future__ import annotations

import pytest
from fakes.world import ADA, KIM, World, finished, text

from outrider.operations.application import Application
from outrider.operations.look.logs import BYTES_PER_LINE, CUT, LogRequest
from outrider.operations.opening import Order

LINE = b"x" * (BYTES_PER_LINE - 1) + b"\n"


async def shown(application: Application, *, lines: int, follow: bool = False) -> bytes:
    request = LogRequest(lines=lines, follow=follow)
    return b"".join([chunk async for chunk in await application.logs(ADA, "stage", "checkout", request)])


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize(
    ("output", "lines", "expected"),
    [
        (b"a" * 1000 + b"\n", 1, CUT + b"a" * (BYTES_PER_LINE - 1) + b"\n"),
        (b"first\n" + LINE, 1, LINE),
        (LINE, 1, LINE),
        (b"yy" + LINE, 1, CUT + LINE),
        (b"short\n", 1, b"short\n"),
    ],
    ids=["long", "whole", "alone", "two-more", "short"],
)
async def test_a_line_that_is_cut_says_so(
    world: World, application: Application, output: bytes, lines: int, expected: bytes, follow: bool
) -> None:
    await finished(application, await application.changes.deploy("stage", text(), Order(KIM)))
    world.nomad.stdout = output
    assert await shown(application, lines=lines, follow=follow) == expected


async def test_what_is_above_the_wanted_lines_is_not_marked(world: World, application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text(), Order(KIM)))
    world.nomad.stdout = b"".join(b"%d\n" % number for number in range(500))
    assert await shown(application, lines=2) == b"498\n499\n"

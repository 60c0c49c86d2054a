from __future__ import annotations

import asyncio

import pytest
from outrider_ground.edge.serving import serving
from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from outrider.programs.demonstration.load import Outcome, Request, load


async def _answer(request: Asked) -> PlainTextResponse:
    return PlainTextResponse("no", status_code=503) if request.url.path == "/broken" else PlainTextResponse("yes")


APP = Starlette(routes=[Route("/{path:path}", _answer, methods=["GET", "POST"])])


async def test_requests_leave_in_turn_and_every_one_is_accounted_for() -> None:
    async with serving(APP, "127.0.0.1", 0) as address:
        ring = [Request("GET", f"{address}/"), Request("POST", f"{address}/broken")]
        async with load(ring, rate=200) as account:
            await asyncio.sleep(0.2)
    assert {outcome.number for outcome in account.outcomes} == set(range(len(account.outcomes)))
    assert {(outcome.method, outcome.status) for outcome in account.outcomes} == {("GET", 200), ("POST", 503)}
    assert [outcome.method for outcome in account.lost] == ["POST"] * len(account.lost)


async def test_a_refused_connection_is_a_lost_request_with_its_reason() -> None:
    async with load([Request("GET", "http://127.0.0.1:1/")], rate=50) as account:
        await asyncio.sleep(0.1)
    assert account.lost[0].status == 0
    assert "ConnectError" in str(account.lost[0])


@pytest.mark.parametrize(
    ("started", "ended", "expected"),
    [(0.0, 0.5, False), (0.0, 1.0, True), (1.5, 9.0, True), (2.1, 2.2, False)],
)
def test_a_request_was_in_flight_when_it_overlaps_the_moment(started: float, ended: float, expected: bool) -> None:
    assert Outcome(1, "GET", started, ended, 0).was_in_flight(1.0, 2.0) is expected

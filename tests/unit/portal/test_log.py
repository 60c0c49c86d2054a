"""What the portal writes into its log: no line that somebody outside has made."""

from __future__ import annotations

import logging

import httpx2
import pytest
from fastapi import FastAPI

from outrider.portal.problems import answer_problems


@pytest.mark.parametrize(
    "name", ["a%0aERROR%20forged", "a%0d%0aforged", "%1b%5b2Jforged", "%e2%80%a8forged", "%c2%85forged"]
)
async def test_a_line_feed_in_a_path_forges_no_line_of_the_log(name: str, caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    answer_problems(app)

    @app.get("/{name}")
    async def broken(name: str) -> None:
        raise ValueError

    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        with caplog.at_level(logging.ERROR, "outrider.portal"):
            answer = await client.get(f"/{name}")
    assert answer.status_code == 500
    [line] = [record.getMessage() for record in caplog.records if record.name == "outrider.portal"]
    assert "forged" in line
    assert line.isprintable()
    assert line.isascii()

"""The portal's API against its own description: no server error, and no status that it does not name (schemathesis)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx2
import pytest
from fakes.world import ADA, World, finished, text, world
from outrider_ground.edge.serving import serving

from outrider.operations.application import Application
from outrider.operations.opening import Order
from outrider.portal.app import portal_app

TOKEN = "s3cret"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
TESTER = Path(sys.executable).with_name("st")


@pytest.fixture
async def address(tmp_path: Path) -> AsyncGenerator[str]:
    """A portal that asks for a token, with a service that runs."""
    async with world(tmp_path) as made:
        made.token = TOKEN
        application = await _with_a_service(made)
        async with serving(portal_app(application), "127.0.0.1", 0) as served:
            yield served


async def _with_a_service(made: World) -> Application:
    application = made.application()
    made.runner.start()
    await finished(application, await application.changes.deploy("stage", text(), Order(ADA)))
    return application


@pytest.mark.parametrize("given", [TOKEN, "wrong"])
async def test_every_answer_is_a_documented_one_and_none_is_a_server_error(
    address: str, tmp_path: Path, given: str
) -> None:
    code, said = await _tried(address, tmp_path, given)
    assert code == 0, said
    count = await _described(address)
    assert count > 50
    assert f"{count}/{count}" in said, said


async def _described(address: str) -> int:
    """How many operations the description has."""
    async with httpx2.AsyncClient(base_url=address) as client:
        paths = (await client.get("/api/v1/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"})).json()["paths"]
    return sum(len(methods) for methods in paths.values())


async def _tried(address: str, directory: Path, token: str) -> tuple[int, str]:
    """Exit code and report of schemathesis."""
    process = await asyncio.create_subprocess_exec(
        *(str(TESTER), "run", f"{address}/api/v1/openapi.json", "--checks", CHECKS),
        *("--max-examples", "15", "--seed", "11", "--request-timeout", "20", "--phases", "coverage,fuzzing"),
        *("--header", f"Authorization: Bearer {token}", "--no-color", "--generation-database", "none"),
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace")

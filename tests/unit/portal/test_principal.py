"""Who asks: what vouches for them is decided by the guard, their name by the request."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import httpx2
import pytest
from fakes.shown import FixedAnswers, a_status
from fakes.world import SPEC, World
from fastapi import FastAPI

from outrider.operations.events import PromotionEvent
from outrider.operations.principal import Principal
from outrider.portal.app import portal_app
from outrider.portal.guard import Guard
from outrider.portal.pages import pages
from outrider.portal.principal import Asker

STAGE = "/api/v1/environments/stage"
NAMED = {"X-Outrider-User": "kim"}
WITH_TOKEN = {"Authorization": "Bearer s3cret"}


async def who(asker: Asker) -> dict[str, Any]:
    return asdict(asker)


@asynccontextmanager
async def asked(token: str | None) -> AsyncGenerator[httpx2.AsyncClient]:
    """An application that says who asks, behind the portal's guard."""
    app = FastAPI()
    for path in ("/who", "/artifacts/who"):
        app.add_api_route(path, who)
    app.add_middleware(Guard, token=token)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://portal") as client:
        yield client


@pytest.mark.parametrize(
    ("token", "path", "headers", "kind", "name"),
    [
        ("s3cret", "/who", WITH_TOKEN | NAMED, "token", "kim"),
        ("s3cret", "/who", WITH_TOKEN, "token", "anonymous"),
        ("s3cret", "/artifacts/who", WITH_TOKEN | NAMED, "anonymous", "kim"),
        ("s3cret", "/artifacts/who", {}, "anonymous", "anonymous"),
        (None, "/who", WITH_TOKEN | NAMED, "anonymous", "kim"),
        (None, "/who", {}, "anonymous", "anonymous"),
    ],
)
async def test_the_token_vouches_for_a_principal_where_it_is_asked_for(
    token: str | None, path: str, headers: dict[str, str], kind: str, name: str
) -> None:
    async with asked(token) as client:
        answer = await client.get(path, headers=headers)
    assert answer.json() == {"kind": kind, "name": name, "groups": []}


async def test_nobody_is_vouched_for_by_the_request_before() -> None:
    async with asked("s3cret") as client:
        assert (await client.get("/who", headers=WITH_TOKEN)).json()["kind"] == "token"
        assert (await client.get("/artifacts/who")).json()["kind"] == "anonymous"
        assert (await client.get("/who")).status_code == 401


async def test_pages_ask_in_the_name_of_whoever_looks_at_them() -> None:
    answers, app = FixedAnswers(), FastAPI()
    answers.add(a_status("checkout"))
    app.include_router(pages(lambda: answers))
    app.add_middleware(Guard, token="s3cret")
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://portal") as browser:
        for path in ("/", "/environments/stage", "/environments/stage/services/checkout", "/deployments/none"):
            await browser.get(path, headers=NAMED, auth=("any", "s3cret"))
    assert answers.askers == {Principal("token", "kim")}


async def test_the_history_says_the_name_of_whoever_asked(client: httpx2.AsyncClient) -> None:
    body = {"spec": SPEC + "count: 3\nupdate: {canary: 1}\n"}
    for more in ("", "env: {A: b}\n"):
        made = (await client.post(f"{STAGE}/deployments", json={"spec": body["spec"] + more}, headers=NAMED)).json()
        assert made["created_by"] == "kim"
        if not more:
            await client.get(f"/api/v1/deployments/{made['id']}/events")
    (newest, *_) = (await client.get(f"{STAGE}/services/checkout/versions")).json()["versions"]
    assert newest["created_by"] == "kim"
    events = (
        await client.get(f"/api/v1/deployments/{made['id']}/events", headers={"Accept": "application/json"})
    ).json()
    assert events["events"][0]["detail"]["by"] == "kim"


@pytest.mark.parametrize("verb", ["promote", "fail"])
async def test_a_decision_names_who_made_it_and_is_made_once(
    world: World, client: httpx2.AsyncClient, verb: str
) -> None:
    spec = SPEC + "count: 3\nupdate: {canary: 1}\n"
    first = (await client.post(f"{STAGE}/deployments", json={"spec": spec})).json()
    await client.get(f"/api/v1/deployments/{first['id']}/events")
    second = (await client.post(f"{STAGE}/deployments", json={"spec": spec + "env: {A: b}\n"})).json()
    while (await client.get(f"/api/v1/deployments/{second['id']}")).json()["state"] != "waiting":
        pass
    headers = NAMED | {"Idempotency-Key": "k1"}
    answers = [await client.post(f"{STAGE}/services/checkout/{verb}", headers=headers) for _ in range(2)]
    assert [(one.status_code, one.json()["id"]) for one in answers] == [(200, second["id"])] * 2
    await client.get(f"/api/v1/deployments/{second['id']}/events")
    told = await world.store.events.after(second["id"])
    assert [one.detail.by for one in told if isinstance(one, PromotionEvent) and one.detail.by == "kim"] == ["kim"]
    other = await client.post(f"{STAGE}/services/checkout/stop", headers=headers)
    assert "another request" in other.json()["detail"]


async def test_the_whole_portal_knows_the_token_from_no_token(world: World) -> None:
    world.token = "s3cret"
    transport = httpx2.ASGITransport(app=portal_app(world.application()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:7070", headers=WITH_TOKEN) as made:
        answer = await made.post(f"{STAGE}/deployments", json={"spec": SPEC}, headers=NAMED)
    assert answer.json()["created_by"] == "kim"

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

import httpx2
import pytest
from fakes.world import SPEC, World, in_pieces

from outrider.portal.app import portal_app

PLAN = "/api/v1/environments/stage/plan"


@pytest.fixture
async def guarded(world: World) -> AsyncGenerator[httpx2.AsyncClient]:
    world.token = "s3cret"
    transport = httpx2.ASGITransport(app=portal_app(world.application()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:7070") as made:
        yield made


async def test_the_api_asks_for_its_token(guarded: httpx2.AsyncClient) -> None:
    answer = await guarded.get("/api/v1/services")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["next_step"].startswith("Set OUTRIDER_TOKEN to the portal's token")


@pytest.mark.parametrize("given", ["Bearer wrong", "Bearer ", "Basic s3cret", "s3cret", "Bearer s3cret2"])
async def test_another_token_is_none(guarded: httpx2.AsyncClient, given: str) -> None:
    answer = await guarded.get("/api/v1/services", headers={"Authorization": given})
    assert answer.status_code == 401


async def test_the_right_token_opens_the_api(guarded: httpx2.AsyncClient) -> None:
    answer = await guarded.get("/api/v1/services", headers={"Authorization": "Bearer s3cret"})
    assert answer.status_code == 200


async def test_health_and_artifacts_stay_open(guarded: httpx2.AsyncClient, world: World) -> None:
    assert (await guarded.get("/api/v1/health")).status_code == 200
    artifacts = world.store.artifacts
    kept = await artifacts.add_artifact(in_pieces(b"a directory"))
    path = artifacts.links.path(kept.sha256, "directory.tar.gz")
    assert (await guarded.get(f"/{path}")).content == b"a directory"


async def test_uploads_need_the_token(guarded: httpx2.AsyncClient) -> None:
    assert (await guarded.put(f"/api/v1/artifacts/{'0' * 64}", content=b"x")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_a_page_of_another_site_changes_nothing(client: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.post(PLAN, json={"spec": SPEC}, headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://127.0.0.1:7070"}]
)
async def test_ones_own_pages_and_programs_may(client: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.post(PLAN, json={"spec": SPEC}, headers=headers)
    assert answer.status_code == 200


FOLLOWED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


async def test_a_link_from_anywhere_may_be_followed(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/api/v1/services", headers=FOLLOWED)
    assert answer.status_code == 200


async def test_a_browser_logs_in_with_the_token_as_its_password(guarded: httpx2.AsyncClient) -> None:
    refused = await guarded.get("/environments/stage")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert (await guarded.get("/api/v1/services", auth=("anybody", "s3cret"))).status_code == 200
    assert (await guarded.get("/api/v1/services", auth=("anybody", "other"))).status_code == 401


@pytest.mark.parametrize(
    "given",
    [
        "Basic",
        "Basic ???",
        "Basic /w==",
        "Basic czNjcmV0",
        "Basic é",
        "Bearer é",
        "Bearer \xff\xfe",
        "é",
        "Bearer",
        "Bearer  ",
        "Basic 4pyT",
        "\xa0",
    ],
)
async def test_credentials_that_cannot_be_read_are_none(guarded: httpx2.AsyncClient, given: str) -> None:
    answer = await guarded.get("/api/v1/services", headers={b"Authorization": given.encode("latin-1")})
    assert answer.status_code == 401


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
async def test_a_header_of_any_bytes_is_read_as_bytes(world: World, encoding: str) -> None:
    world.token = "géheim"
    transport = httpx2.ASGITransport(app=portal_app(world.application()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:7070") as client:
        answer = await client.get("/api/v1/services", headers={b"Authorization": "Bearer géheim".encode(encoding)})
    assert answer.status_code == (200 if encoding == "utf-8" else 401)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7070", "127.0.0.1.evil.example", "[::1"])
async def test_dns_rebinding_drives_no_portal_without_token(client: httpx2.AsyncClient, host: str) -> None:
    for method, path in (("POST", PLAN), ("GET", "/api/v1/services"), ("GET", "/"), ("GET", "/api/v1/health")):
        answer = await client.request(method, path, headers={"Host": host})
        assert answer.status_code == 421
        assert "OUTRIDER_HOSTS" in answer.json()["next_step"]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/json", "json"],
)
async def test_a_body_that_does_not_say_it_is_json_is_not_read(client: httpx2.AsyncClient, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    for path in (PLAN, "/api/v1/environments/stage/deployments", "/api/v1/environments/stage/services/x/stop"):
        assert (await client.post(path, content=json.dumps({"spec": SPEC}), headers=headers)).status_code == 415


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/x+json"])
async def test_json_may_say_more_of_itself(client: httpx2.AsyncClient, content_type: str) -> None:
    answer = await client.post(PLAN, content=json.dumps({"spec": SPEC}), headers={"Content-Type": content_type})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/health", "/api/v1/services", "/api/v1/none", "/api/v1/openapi.json"])
async def test_answers_of_the_api_are_kept_by_nobody_and_sniffed_by_nobody(
    guarded: httpx2.AsyncClient, path: str
) -> None:
    for headers in ({}, {"Authorization": "Bearer s3cret"}, {"Host": "evil.example"}, {"Origin": "null"}):
        answer = await guarded.get(path, headers=headers)
        assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")


async def test_what_nodes_fetch_and_what_pages_look_like_stays_open(guarded: httpx2.AsyncClient) -> None:
    for path in ("/artifacts/none/agent.pyz", "/static/none.css"):
        assert (await guarded.get(path)).status_code != 401

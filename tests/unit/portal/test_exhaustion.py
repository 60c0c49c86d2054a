"""The portal under load that would have used it up: large bodies, many followers, huge specs, slow downloads."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import time
from collections.abc import AsyncIterator, Generator
from urllib.parse import urlsplit

import httpx2
import pytest
from fakes.world import SPEC, World
from outrider_ground.edge.limits import MIB
from outrider_ground.edge.serving import serving
from outrider_ground.errors import SpecError

from outrider.operations.change.documents import RenderContext, Source
from outrider.operations.change.render import rendered
from outrider.operations.request_bodies import MOST_SPEC
from outrider.portal.app import portal_app
from outrider.portal.turns import Bounds
from outrider.spec.platform import Keep

API = "/api/v1"
PLAN = f"{API}/environments/stage/plan"
CANARY = SPEC + "count: 3\nupdate: {canary: 1}\n"
JSON = {"Content-Type": "application/json"}


async def zeros(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // MIB):
        yield b" " * MIB


async def test_bodies_of_100_mb_are_refused_with_and_without_a_length(world: World) -> None:
    async with serving(portal_app(world.application()), "127.0.0.1", 0) as address, httpx2.AsyncClient() as client:
        for content in (b" " * 100 * MIB, zeros(100 * MIB)):
            answers = await client.post(address + PLAN, content=content, headers=JSON)
            assert (answers.status_code, answers.json()["detail"]) == (
                413,
                "the body of this request may have at most 6 MiB",
            )
        assert (await client.get(f"{address}{API}/health")).status_code == 200


async def test_the_largest_spec_still_fits_into_a_body(client: httpx2.AsyncClient) -> None:
    spec = SPEC + "# " + "é" * (MOST_SPEC - len(SPEC) - 3) + "\n"
    assert len(spec) == MOST_SPEC
    assert (await client.post(PLAN, json={"spec": spec.replace("é", "\N{GOTHIC LETTER AHSA}")})).status_code != 413


@pytest.fixture
def settled_heap() -> Generator[None]:
    """As in a portal, which does so when it starts: collections leave alone what other tests have left in this process."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("settled_heap")
async def test_health_answers_while_a_huge_spec_is_planned(world: World) -> None:
    huge = SPEC + "upstreams:\n" + "".join(f"  up{number}: {{protocol: http}}\n" for number in range(3_000))
    async with serving(portal_app(world.application()), "127.0.0.1", 0) as address, httpx2.AsyncClient() as client:
        plan = asyncio.create_task(client.post(address + PLAN, json={"spec": huge}, timeout=120))
        slowest, number, last = 0.0, 0, time.monotonic()
        while not plan.done():
            await client.get(f"{address}{API}/health", timeout=60)
            await asyncio.sleep(0.01)
            now = time.monotonic()
            slowest, number, last = max(slowest, now - last), number + 1, now
    assert plan.result().status_code == 200, plan.result().text[:300]
    begun = time.monotonic()
    with contextlib.suppress(SpecError):
        rendered(Source(huge), RenderContext(world.platform, "stage", {}, world.agent))
    assert number > 5
    assert slowest < time.monotonic() - begun, "no answer waits for a rendering"


@pytest.mark.parametrize(
    "wrong", [{"after": "9" * 400}, {"after": "-1"}, {"after": "٣"}, {"after": "\xb2"}, {"after": "x"}]
)
async def test_a_last_event_of_any_kind_is_no_defect(client: httpx2.AsyncClient, wrong: dict[str, str]) -> None:
    answer = await client.post(f"{API}/environments/stage/deployments", json={"spec": SPEC})
    headers = {b"Last-Event-ID": wrong["after"].encode(), b"Accept": b"application/json"}
    found = await client.get(f"{API}/deployments/{answer.json()['id']}/events", headers=headers)
    assert found.status_code == 200


async def test_a_follower_too_many_of_events_is_told_and_a_place_is_free_again(world: World) -> None:
    application = world.application()
    world.runner.start()
    served = serving(portal_app(application, bounds=Bounds(followers=2)), "127.0.0.1", 0, grace_s=0.1)
    async with asyncio.timeout(60), httpx2.AsyncClient() as client, served as address:
        for spec in (CANARY, CANARY + "env: {A: b}\n"):
            answer = await client.post(f"{address}{API}/environments/stage/deployments", json={"spec": spec})
            url = f"{address}{API}/deployments/{answer.json()['id']}/events"
            if spec == CANARY:
                await client.get(url)
        async with client.stream("GET", url) as first, client.stream("GET", url) as second:
            assert (first.status_code, second.status_code) == (200, 200)
            lines = [one.aiter_lines() for one in (first, second)]
            assert [await anext(one) for one in lines] == ["retry: 1000"] * 2
            refused = await client.get(url)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert (await client.get(url, headers={"Accept": "application/json"})).status_code == 200
        while (await _status(client, url)) != 200:  # noqa: ASYNC110  the portal is another's
            await asyncio.sleep(0.05)


async def _status(client: httpx2.AsyncClient, url: str) -> int:
    async with client.stream("GET", url) as answer:
        return answer.status_code


async def test_an_artifact_too_large_is_refused_by_its_length_and_as_it_comes(world: World) -> None:
    url, most = f"{API}/artifacts/{'0' * 64}", 2 * MIB
    world.platform = world.platform.model_copy(update={"keep": Keep(upload_mib=2)})
    async with serving(portal_app(world.application()), "127.0.0.1", 0) as address, httpx2.AsyncClient() as client:
        for content in (b" " * (most + 1), zeros(most + MIB)):
            assert (await client.put(address + url, content=content, timeout=60)).status_code == 413


async def test_many_artifacts_come_in_at_once_and_go_out_in_pieces(world: World) -> None:
    contents = [bytes([number]) * 3_000_000 for number in range(6)]
    names = [hashlib.sha256(content).hexdigest() for content in contents]
    served = serving(portal_app(world.application(), bounds=Bounds(uploads=2)), "127.0.0.1", 0)
    async with served as address, httpx2.AsyncClient(timeout=60) as client:
        puts = [
            client.put(f"{address}{API}/artifacts/{name}", content=one)
            for name, one in zip(names, contents, strict=True)
        ]
        stored = [answer.json() for answer in await asyncio.gather(*puts)]
        urls = [address + urlsplit(one["url"]).path + "directory.tar.gz" for one in stored]
        gets = [client.get(url) for url in urls * 2]
        answers = await asyncio.gather(*gets)
        head = await client.head(urls[0])
    assert [answer.content for answer in answers] == contents * 2
    assert (head.headers["content-length"], head.content) == ("3000000", b"")

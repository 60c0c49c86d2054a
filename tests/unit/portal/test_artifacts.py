"""Uploads and what nodes fetch: streamed, checked, in parts, under addresses that nobody can guess."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

import httpx2
import pytest
from fakes.world import ADA, World, finished, kept
from outrider_ground.errors import UsageError
from sqlalchemy import update

from outrider.operations.changes import Text
from outrider.operations.opening import Order
from outrider.portal.app import portal_app
from outrider.portal.ranges import Part, part_of
from outrider.spec.platform import Keep
from outrider.store.tables import artifacts

API = "/api/v1"
CONTENT = b"0123456789" * 10_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ETAG = f'"{SHA256}"'
DIRECTORY = "service: checkout\nrun: {command: [./app], directory: app}\n"

Client = httpx2.AsyncClient


async def uploaded(client: Client, content: bytes = CONTENT) -> str:
    """The path under which nodes fetch it."""
    answer = await client.put(f"{API}/artifacts/{hashlib.sha256(content).hexdigest()}", content=content)
    assert answer.status_code == 200, answer.text
    assert answer.json()["size"] == len(content)
    return urlsplit(answer.json()["url"]).path + "app.tar.gz"


async def test_an_upload_is_fetched_without_a_token_at_an_address_with_a_word_that_only_the_store_knows(
    client: Client,
) -> None:
    path = await uploaded(client)
    answer = await client.get(path)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["etag"] == ETAG
    assert "immutable" in answer.headers["cache-control"]
    _, _, sha256, word, _ = path.split("/")
    assert (sha256, len(word)) == (SHA256, 43)
    guesses = (word[:-1] + ("A" if word[-1] != "A" else "B"), "A" * 43)
    for wrong in (f"/artifacts/{SHA256}/app.tar.gz", *(f"/artifacts/{SHA256}/{one}/app.tar.gz" for one in guesses)):
        answer = await client.get(wrong)
        assert (answer.status_code, answer.json()["detail"]) == (404, f"no artifact {SHA256} is stored")


async def test_what_was_stored_under_its_hash_alone_is_fetched_there_for_as_long_as_it_is_stored(
    client: Client, world: World
) -> None:
    await uploaded(client)
    async with world.store.database.writing() as connection:
        await connection.execute(update(artifacts).values(by_hash=True))
    answer = await client.get(f"/artifacts/{SHA256}/directory.tar.gz")
    assert (answer.status_code, answer.content) == (200, CONTENT)


async def test_nodes_fetch_parts_ask_for_the_head_and_need_not_fetch_again_what_they_have(client: Client) -> None:
    path = await uploaded(client)
    head = await client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert (head.headers["content-length"], head.headers["accept-ranges"]) == (str(len(CONTENT)), "bytes")
    part = await client.get(path, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, CONTENT[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(CONTENT)}"
    rest = await client.get(path, headers={"Range": "bytes=99990-"})
    assert (rest.status_code, rest.content) == (206, CONTENT[99_990:])
    beyond = await client.get(path, headers={"Range": f"bytes={len(CONTENT)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(CONTENT)}")
    same = await client.get(path, headers={"If-None-Match": ETAG})
    assert (same.status_code, same.content) == (304, b"")


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, Part(200, 0, 10, 10)),
        ({"range": "bytes=0-0"}, Part(206, 0, 1, 10)),
        ({"range": "bytes=2-99"}, Part(206, 2, 10, 10)),
        ({"range": "bytes=-3"}, Part(206, 7, 10, 10)),
        ({"range": "bytes=-30"}, Part(206, 0, 10, 10)),
        ({"range": "bytes=-0"}, Part(416, 0, 0, 10)),
        ({"range": "bytes=10-"}, Part(416, 0, 0, 10)),
        ({"range": "bytes=9-9"}, Part(206, 9, 10, 10)),
        ({"range": "bytes=5-2"}, Part(200, 0, 10, 10)),
        ({"range": "bytes=-"}, Part(200, 0, 10, 10)),
        ({"range": "bytes=0-1,3-4"}, Part(200, 0, 10, 10)),
        ({"range": "lines=0-1"}, Part(200, 0, 10, 10)),
        ({"range": "bytes=0-1", "if-range": '"e"'}, Part(206, 0, 2, 10)),
        ({"range": "bytes=0-1", "if-range": '"x"'}, Part(200, 0, 10, 10)),
        ({"if-none-match": '"a", W/"e"'}, Part(304, 0, 0, 10)),
        ({"if-none-match": "*"}, Part(304, 0, 0, 10)),
        ({"if-none-match": '"x"', "range": "bytes=1-1"}, Part(206, 1, 2, 10)),
    ],
)
def test_the_part_that_is_asked_for(headers: dict[str, str], wanted: Part) -> None:
    assert part_of(10, '"e"', headers) == wanted


async def test_bytes_under_a_wrong_hash_are_refused_and_not_kept(client: Client, world: World) -> None:
    answer = await client.put(f"{API}/artifacts/{'0' * 64}", content=b"x")
    assert (answer.status_code, answer.json()["title"]) == (400, "Other bytes")
    assert await world.store.artifacts.artifacts() == ()
    assert (await client.get("/artifacts/..%2f..%2fetc/passwd")).status_code == 404


async def test_the_limit_is_the_platforms_and_holds_before_the_upload_is_whole(world: World) -> None:
    world.platform = world.platform.model_copy(update={"keep": Keep(upload_mib=1)})

    async def endless() -> AsyncGenerator[bytes]:
        for _ in range(20):
            yield b"x" * (1 << 17)

    transport = httpx2.ASGITransport(app=portal_app(world.application()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:7070") as client:
        for content in (endless(), b"x" * ((1 << 20) + 1)):
            answer = await client.put(f"{API}/artifacts/{'0' * 64}", content=content)
            assert (answer.status_code, "1 MiB" in answer.json()["detail"]) == (413, True)
        await uploaded(client, b"x" * (1 << 20))


async def test_whether_bytes_are_stored_is_known_before_they_are_sent(client: Client) -> None:
    assert (await client.get(f"{API}/artifacts/{SHA256}")).status_code == 404
    path = await uploaded(client)
    answer = await client.get(f"{API}/artifacts/{SHA256}")
    assert (answer.status_code, urlsplit(answer.json()["url"]).path) == (200, path.removesuffix("app.tar.gz"))


async def test_what_the_storage_has_lost_is_told_and_asked_for_again(client: Client, world: World) -> None:
    path = await uploaded(client)
    (lost,) = await world.store.artifacts.artifacts()
    await world.store.artifacts._storage.delete(lost.object)  # type: ignore[attr-defined]
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["detail"]) == (502, f"the storage has lost the artifact {SHA256}")
    assert (await client.get(f"{API}/artifacts/{SHA256}")).status_code == 404
    await uploaded(client)
    assert (await client.get(path)).content == CONTENT


async def test_the_list_names_the_versions_that_need_each_artifact(client: Client, world: World) -> None:
    application = world.application()
    await uploaded(client)
    unused = await kept(application, b"nobody's")
    text = Text(DIRECTORY, artifact=SHA256)
    await finished(application, await application.changes.deploy("stage", text, Order(by=ADA)))
    listed = {one["sha256"]: one for one in (await client.get(f"{API}/artifacts")).json()["artifacts"]}
    assert listed[SHA256]["users"] == [{"environment": "stage", "service": "checkout", "version": 1}]
    assert (listed[unused]["users"], listed[unused]["size"]) == ([], 8)


async def test_the_deployed_directory_is_an_artifact_of_the_job_under_its_address(client: Client, world: World) -> None:
    path, application = await uploaded(client), world.application()
    text = Text(DIRECTORY, artifact=SHA256)
    await finished(application, await application.changes.deploy("stage", text, Order(by=ADA)))
    version = (await client.get(f"{API}/environments/stage/services/checkout/versions/1")).json()
    assert version["artifacts"] == [SHA256]
    assert f"http://127.0.0.1:7070{path.removesuffix('app.tar.gz')}directory.tar.gz" in json.dumps(version["job"])


async def test_a_file_that_was_uploaded_and_named_in_the_spec_is_an_artifact_of_the_version(
    client: Client, world: World
) -> None:
    path, application = await uploaded(client), world.application()
    spec = f'service: checkout\nrun: {{command: [./app], artifact: "http://127.0.0.1:7070{path}"}}\n'
    await finished(application, await application.changes.deploy("stage", Text(spec), Order(by=ADA)))
    version = await world.store.versions.numbered("stage", "checkout", 1)
    assert version is not None
    assert version.artifacts == (SHA256,)


async def test_a_spec_that_names_an_upload_that_is_gone_is_refused(client: Client, world: World) -> None:
    path, application = await uploaded(client), world.application()
    (lost,) = await world.store.artifacts.artifacts()
    await world.store.artifacts._storage.delete(lost.object)  # type: ignore[attr-defined]
    spec = f'service: checkout\nrun: {{command: [./app], artifact: "http://127.0.0.1:7070{path}"}}\n'
    with pytest.raises(UsageError, match="names bytes that are not stored any more"):
        await application.changes.deploy("stage", Text(spec), Order(by=ADA))
    assert await world.store.versions.numbered("stage", "checkout", 1) is None

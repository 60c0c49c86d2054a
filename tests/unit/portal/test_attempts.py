"""Guessing the token: slow for who guesses, free for everybody else, and one plain line of log for each guess."""

from __future__ import annotations

import logging

import httpx2
import pytest
from fakes.world import World

from outrider.portal.app import portal_app
from outrider.portal.attempts import Allowance, Attempts, Peer, peers_of

GOOD = {"Authorization": "Bearer s3cret"}
ONE = Peer("10.0.0.1")


def client_at(app: object, address: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, client=(address, 50_000))  # type: ignore[arg-type]
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:7070")


@pytest.fixture
def guarded(world: World) -> object:
    world.token = "s3cret"
    return portal_app(world.application())


async def statuses(client: httpx2.AsyncClient, number: int, **more: str) -> list[int]:
    found = [
        await client.get("/api/v1/services", headers={"Authorization": f"Bearer guess{guess}", **more})
        for guess in range(number)
    ]
    return [answer.status_code for answer in found]


async def test_brute_force_is_slowed_and_others_are_not_locked_out(guarded: object) -> None:
    async with client_at(guarded, "10.0.0.1") as attacker, client_at(guarded, "10.0.0.2") as other:
        tried = await statuses(attacker, 40)
        assert tried[:10] == [401] * 10
        assert set(tried[12:]) == {429}
        refused = await attacker.get("/api/v1/services", headers=GOOD)
        assert (refused.status_code, int(refused.headers["retry-after"]) >= 1) == (429, True), "or guessing were free"
        assert (await other.get("/api/v1/services", headers=GOOD)).status_code == 200
        assert (await attacker.get("/api/v1/health")).status_code == 200


async def test_who_has_no_token_at_all_uses_nothing_up(guarded: object) -> None:
    async with client_at(guarded, "10.0.0.1") as client:
        assert {(await client.get("/api/v1/services")).status_code for _ in range(30)} == {401}
        assert (await client.get("/api/v1/services", headers=GOOD)).status_code == 200


async def test_another_forwarded_address_each_time_is_slowed_as_well(guarded: object) -> None:
    async with client_at(guarded, "127.0.0.1") as client:
        found = [(await statuses(client, 1, **{"X-Forwarded-For": f"10.1.0.{number}"}))[0] for number in range(200)]
    assert found[:100] == [401] * 100
    assert found[-1] == 429


async def test_behind_a_proxy_of_this_machine_each_peer_pays_for_itself(guarded: object) -> None:
    async with client_at(guarded, "127.0.0.1") as client:
        assert (await statuses(client, 20, **{"X-Forwarded-For": "10.0.0.1"}))[-1] == 429
        answer = await client.get("/api/v1/services", headers={**GOOD, "X-Forwarded-For": "10.0.0.2"})
        assert answer.status_code == 200


async def test_each_guess_is_logged_in_one_line_whatever_it_claims(
    guarded: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "outrider.portal"):
        async with client_at(guarded, "127.0.0.1") as client:
            await statuses(client, 12, **{"X-Forwarded-For": "10.0.0.1\x1b[2Jforged"})
    lines = [record.getMessage() for record in caplog.records if record.name == "outrider.portal"]
    assert 10 <= len(lines) <= 12
    assert all(line.isprintable() and line.isascii() and "10.0.0.1" in line for line in lines)


def test_an_allowance_comes_back_with_time_and_no_more_than_it_was() -> None:
    attempts = Attempts(Allowance(2, refill_s=10), Allowance(2, refill_s=10))
    attempts.failed([ONE], 0)
    assert attempts.wait_s([ONE], 0) == 0
    attempts.failed([ONE], 0)
    assert attempts.wait_s([ONE], 0) == 10
    assert attempts.wait_s([ONE], 5) == 5
    assert attempts.wait_s([ONE], 10) == 0
    for _ in range(2):
        attempts.failed([ONE], 1_000)
    assert attempts.wait_s([ONE], 1_000) == 10


def test_the_memory_of_peers_is_bounded_and_the_last_ones_stay() -> None:
    attempts = Attempts(Allowance(1, refill_s=1_000), Allowance(1), most_peers=3)
    for number in range(10):
        attempts.failed([Peer(str(number))], 0)
    assert [attempts.wait_s([Peer(str(number))], 0) > 0 for number in (0, 6, 7, 9)] == [False, False, True, True]


def test_who_pays() -> None:
    assert peers_of("10.0.0.1", "10.9.9.9") == (Peer("10.0.0.1"),)
    assert peers_of("127.0.0.1", "") == (Peer("127.0.0.1"),)
    assert peers_of("127.0.0.1", "6.6.6.6, 10.0.0.7") == (Peer("127.0.0.1", is_proxy=True), Peer("10.0.0.7"))
    assert peers_of("2001:db8::1", "") == peers_of("2001:db8::2", "")
    assert peers_of("::ffff:10.0.0.1", "") == (Peer("10.0.0.1"),)

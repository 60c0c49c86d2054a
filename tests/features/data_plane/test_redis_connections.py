"""Connections of an app to a redis are shared behind its sidecar: none meets what another has said or waits for."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator

import pytest
from support.redis_cart import cart
from support.redis_client import Answer, RedisClient, Refusal, redis_client
from support.street import Street, ended

pytestmark = pytest.mark.needs("redis")
BUSY = "local n = 0; while n < tonumber(ARGV[1]) do n = n + 1 end return redis.call('GET', KEYS[1])"
FAULT = "Fault Injected: Error"
# What one connection says and what it gets, then what another one of the same app gets.
LEFT_BEHIND = {
    "a database": (["SELECT 1"], ["GET s", "SET s 2", "GET s"], ["1", "OK", "2"]),
    "a watch": (["WATCH s", "SET s 2"], ["MULTI", "GET s", "EXEC"], [FAULT, "2", "EXEC without MULTI"]),
    "a transaction": (["MULTI", "SET s 2"], ["GET s", "DISCARD", "GET s"], ["2", "DISCARD without MULTI", "2"]),
    "a debugger": (["SCRIPT DEBUG YES"], ["EVAL return(KEYS[1]) 1 s", "GET s"], ["s", "1"]),
    "a debugger that changes data": (["SCRIPT DEBUG SYNC"], ["EVAL return(KEYS[1]) 1 s", "GET s"], ["s", "1"]),
    "a subscription": (["SUBSCRIBE s", "PSUBSCRIBE s", "SSUBSCRIBE s"], ["PUBLISH s 1", "GET s"], [0, "1"]),
    "a monitor": (["MONITOR"], ["GET s", "INCR s"], ["1", 2]),
    "silence": (["CLIENT REPLY OFF", "CLIENT REPLY SKIP"], ["GET s", "INCR s"], ["1", 2]),
    "tracking": (["CLIENT TRACKING ON", "GET s"], ["SET s 2", "GET s"], ["OK", "2"]),
    "another protocol": (["HELLO 3"], ["HGETALL h", "ZSCORE z a"], [["f", "1"], "1"]),
    "a reset": (["RESET", "READONLY", "ASKING"], ["GET s"], ["1"]),
    "a pause": (["CLIENT PAUSE 60000 ALL"], ["GET s", "SET s 2"], ["1", "OK"]),
    "a wait": (["BLPOP none 0", "XREAD BLOCK 0 STREAMS none $", "WAIT 9 0"], ["GET s", "INCR s"], ["1", 2]),
    "a password": (["AUTH wrong", "HELLO 2 AUTH default wrong"], ["GET s"], ["1"]),
}


@contextlib.asynccontextmanager
async def two(street: Street, redis_bin: str, patience: str = "10s") -> AsyncGenerator[tuple[RedisClient, RedisClient]]:
    """Two connections of one app to a redis that has a value, a hash and a sorted set."""
    shop = await cart(street, await street.redis(redis_bin), knobs={"timeout": patience})
    port = shop.ports["egress_sessions"]
    async with redis_client(port) as first, redis_client(port) as second:
        for command in ("SET s 1", "HSET h f 1", "ZADD z 1 a"):
            await first.says(*command.split())
        yield first, second


@pytest.mark.parametrize("left", LEFT_BEHIND)
async def test_redis_no_connection_meets_what_another_has_left_behind(
    street: Street, redis_bin: str, left: str
) -> None:
    said, asked, expected = LEFT_BEHIND[left]
    async with two(street, redis_bin) as (first, second):
        answers = [await first.says(*command.split()) for command in said]
        assert isinstance(answers[0], Refusal)
        assert [await second.says(*command.split()) for command in asked] == expected
        assert await first.says("GET", "s") == await second.says("GET", "s")


async def test_redis_transactions_in_a_row_on_one_connection_are_refused_and_never_half_taken(
    street: Street, redis_bin: str
) -> None:
    async with two(street, redis_bin) as (first, _):
        for _ in range(2):
            for word in ("MULTI", "EXEC"):
                first.sends(word)
        assert [await first.hears() for _ in range(4)] == [FAULT, "EXEC without MULTI"] * 2


async def test_redis_what_is_refused_is_counted_as_an_error_that_was_injected(street: Street, redis_bin: str) -> None:
    shop = await cart(street, await street.redis(redis_bin))
    async with redis_client(shop.ports["egress_sessions"]) as client:
        assert await client.says("SELECT", "0") == Refusal(FAULT)
    await street.shows(shop, r"^envoy_redis_command_select_error_fault\{.*egress_sessions.*\} 1$")


async def test_redis_a_late_answer_reaches_nobody(street: Street, redis_bin: str) -> None:
    async with two(street, redis_bin, patience="100ms") as (first, second):
        first.sends("EVAL", BUSY, "1", "s", "30000000")
        await asyncio.sleep(0)
        waiting = [await second.says("GET", key) for key in ("h2", "s", "h2", "s")]
        assert all(isinstance(answer, Refusal) or answer in (None, "1") for answer in waiting)
        assert isinstance(await first.hears(), Refusal)

        async def is_free() -> bool:
            return await second.says("GET", "s") == "1"

        async with asyncio.timeout(30):
            while not await is_free():  # noqa: ASYNC110 - redis itself is busy meanwhile
                await asyncio.sleep(0.05)
        pairs = [(await first.says("GET", "s"), await second.says("INCR", "count")) for _ in range(5)]
        assert pairs == [("1", number) for number in range(1, 6)]


async def test_redis_connections_that_end_in_the_middle_leave_the_others_their_own_answers(
    street: Street, redis_bin: str
) -> None:
    shop = await cart(street, await street.redis(redis_bin))
    port = shop.ports["egress_sessions"]

    async def hasty(number: int) -> None:
        async with redis_client(port) as client:
            for _ in range(20):
                client.sends("SET", f"hasty{number}", "x" * 20_000)
                client.sends("GET", f"hasty{number}")

    async def patient(number: int) -> list[Answer]:
        async with redis_client(port) as client:
            return [await client.says("ECHO", f"{number}-{each}") for each in range(2)] + [
                await client.says(*command) for command in (("SET", f"p{number}", str(number)), ("GET", f"p{number}"))
            ]

    found = await asyncio.gather(*(work(number) for number in range(20) for work in (hasty, patient)))
    assert found[1::2] == [[f"{n}-0", f"{n}-1", "OK", str(n)] for n in range(20)]


async def test_redis_every_byte_and_large_values_come_back_as_they_went(street: Street, redis_bin: str) -> None:
    every_byte = "".join(map(chr, range(256)))
    large = every_byte * 20_000
    async with two(street, redis_bin) as (first, second):
        first.sends("SET", every_byte, large)
        second.sends("SET", "s", every_byte)
        assert (await first.hears(), await second.hears()) == ("OK", "OK")
        second.sends("GET", every_byte)
        first.sends("GET", "s")
        assert await first.hears() == every_byte
        assert await second.hears() == large
        assert await first.says("SET", "", "") == "OK"
        assert await second.says("GET", "") == ""
        assert await first.says("gEt", "s") == every_byte


async def test_redis_what_names_several_keys_reaches_redis_key_by_key(street: Street, redis_bin: str) -> None:
    port = await street.redis(redis_bin)
    shop = await cart(street, port)
    async with redis_client(shop.ports["egress_sessions"]) as client, redis_client(port) as admin:
        for command in ("MSET a 1 b 2", "MGET a b", "EXISTS a b", "TOUCH a b", "DEL a b", "UNLINK a b"):
            assert not isinstance(await client.says(*command.split()), Refusal)
        told = str(await admin.says("INFO", "commandstats"))
    for name, calls in {"set": 2, "get": 2, "exists": 2, "touch": 2, "del": 2, "unlink": 2}.items():
        assert f"cmdstat_{name}:calls={calls}," in told
    assert "cmdstat_mset" not in told


async def test_redis_a_script_is_kept_by_its_first_eval(street: Street, redis_bin: str) -> None:
    script = "return redis.call('GET', KEYS[1])"
    digest = hashlib.sha1(script.encode()).hexdigest()
    async with two(street, redis_bin) as (first, second):
        assert str(await second.says("EVALSHA", digest, "1", "s")).startswith("NOSCRIPT")
        assert await first.says("EVAL", script, "1", "s") == "1"
        assert await second.says("EVALSHA", digest, "1", "s") == "1"


async def test_redis_a_ping_says_nothing_of_the_redis_behind(street: Street, redis_bin: str) -> None:
    shop = await cart(street, await street.redis(redis_bin))
    await ended(street.programs[-1])
    async with redis_client(shop.ports["egress_sessions"]) as client:
        assert await client.says("PING") == "PONG"
        assert isinstance(await client.says("EXISTS", "s"), Refusal)


async def test_redis_shards_share_the_keys_out_and_what_would_ask_them_all_changes_nothing(
    street: Street, redis_bin: str
) -> None:
    ports = [await street.redis(redis_bin) for _ in range(3)]
    shop = await cart(street, *ports)
    keys = [f"key{number}" for number in range(60)]
    async with redis_client(shop.ports["egress_sessions"]) as client:
        assert await client.says("MSET", *(word for key in keys for word in (key, f"of {key}"))) == "OK"
        assert await client.says("MGET", *keys) == [f"of {key}" for key in keys]
        assert await client.says("EXISTS", *keys) == await client.says("TOUCH", *keys) == len(keys)
        assert [await client.says(name) for name in ("FLUSHALL", "FLUSHDB", "RANDOMKEY")] == [FAULT] * 3
        assert all(0 < size < len(keys) for size in await sizes(ports))
        assert await client.says("EVAL", "return redis.call('MGET', KEYS[1], KEYS[2])", "2", "{a}1", "{a}2") == [
            None,
            None,
        ]
        assert await client.says("DEL", *keys[:30]) == await client.says("UNLINK", *keys[30:]) == 30
        assert await sizes(ports) == [0, 0, 0]


async def sizes(ports: list[int]) -> list[int]:
    found: list[int] = []
    for port in ports:
        async with redis_client(port) as client:
            found.append(int(str(await client.says("DBSIZE"))))
    return found

"""Redis, command by command: what an app gets through its sidecar beside what redis itself answers (redis_commands.txt)."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest
from support.redis_cart import cart
from support.redis_client import Answer, RedisClient, Refusal, redis_client
from support.redis_table import Row, filled, flat, rows
from support.street import Street

pytestmark = pytest.mark.needs("redis")
DEBUGGABLE = ("--enable-debug-command", "yes", "--slowlog-log-slower-than", "-1")
SAME = {"passes", "fails alike"}
# Their answers depend on when they are asked, once a key of the history has a time to live.
TIMED = {"pttl", "ttl"}
TAG = "{tag}"
PIPELINE = 8


@dataclass(frozen=True, slots=True)
class Both:
    """A redis that is asked itself, by ``admin``, and through the egress listener of an app's sidecar."""

    port: int
    egress: int
    admin: RedisClient

    async def asked(self, row: Row) -> tuple[Answer, Answer]:
        """Its answer on a fresh connection to redis itself, and what its data are afterwards."""
        values = await filled(self.admin)
        async with redis_client(self.port) as client:
            answer = await client.says(*row.words(values))
        return answer, await self.data()

    async def proxied(self, row: Row) -> tuple[Answer, Answer]:
        """The same through the proxy, while another connection of the app goes on with what it does."""
        values = await filled(self.admin)
        async with redis_client(self.egress) as client, redis_client(self.egress) as other:
            await other.says("GET", "s")
            answer = await client.says(*row.words(values))
            for command in (("TYPE", "s"), ("GET", "n"), ("LRANGE", "l", "0", "-1")):
                assert await other.says(*command) == await self.admin.says(*command), (row.call, command)
        return answer, await self.data()

    async def data(self) -> Answer:
        return await self.admin.says("DEBUG", "DIGEST")

    async def heard(self) -> str:
        """The commands that redis has seen since it was filled."""
        return flat(await self.admin.says("INFO", "commandstats"))


@contextlib.asynccontextmanager
async def both(street: Street, redis_bin: str) -> AsyncGenerator[Both]:
    port = await street.redis(redis_bin, *DEBUGGABLE)
    shop = await cart(street, port)
    async with redis_client(port) as admin:
        yield Both(port, shop.ports["egress_sessions"], admin)


def parted(row: Row, answers: Answer) -> str:
    return f"{row.call}: the table says {row.verdict} {row.answer}, found {answers!r}"


async def test_redis_command_by_command_every_command_that_redis_lists_stands_in_the_table(
    street: Street, redis_bin: str
) -> None:
    async with redis_client(await street.redis(redis_bin)) as admin:
        listed = await admin.says("COMMAND")
    known = {row.command for row in rows()}
    assert isinstance(listed, list)
    assert {name for entry in listed for name in callable_names(entry)} <= known
    assert [
        row.call for row in rows() if row.call.lower().split()[: len(row.command.split())] != row.command.split()
    ] == []


def callable_names(entry: Answer) -> list[str]:
    """``get``; of a command with subcommands these, ``config get``, and itself only where it needs none."""
    assert isinstance(entry, list)
    name, arity, inner = entry[0], entry[1], entry[9]
    assert isinstance(inner, list)
    subcommands = [str(each[0]).replace("|", " ") for each in inner if isinstance(each, list)]
    return [*subcommands, *([str(name)] if arity == -1 or not subcommands else [])]


async def test_redis_command_by_command_passes_equally_or_is_refused_or_stands_in_the_table(
    street: Street, redis_bin: str
) -> None:
    async with both(street, redis_bin) as redis:
        found = [problem for row in rows() if (problem := await wrong(redis, row))]
    assert found == []


async def wrong(redis: Both, row: Row) -> str:
    """What is not as the row says; empty where all is."""
    answer, data = await redis.proxied(row)
    if row.verdict in {"refused", "unheard"}:
        return "" if await is_kept_away(redis, row, answer, data) else parted(row, [answer, data])
    asked, asked_data = await redis.asked(row)
    agrees = {
        "passes": answer == asked and not isinstance(answer, Refusal),
        "fails alike": answer == asked and isinstance(answer, Refusal),
        "fails otherwise": isinstance(asked, Refusal) and isinstance(answer, Refusal) and begins(row, answer),
        "varies": type(answer) is type(asked),
        "differs": answer != asked and begins(row, answer),
    }[row.verdict]
    return "" if agrees and data == asked_data else parted(row, [answer, asked, data, asked_data])


def begins(row: Row, answer: Answer) -> bool:
    return re.match(row.answer, flat(answer)) is not None


async def is_kept_away(redis: Both, row: Row, answer: Answer, data: Answer) -> bool:
    """Whether the proxy answers by itself and nothing of the call has come to redis."""
    heard = await redis.heard()
    await filled(redis.admin)
    is_refusal = isinstance(answer, Refusal) == (row.verdict == "refused")
    told = f"cmdstat_{row.command.replace(' ', '|')}:" in heard
    is_admins = row.command in {"debug", "config resetstat"}
    return begins(row, answer) and is_refusal and data == await redis.data() and (is_admins or not told)


async def test_redis_command_by_command_two_connections_at_once_each_get_their_own_answers(
    street: Street, redis_bin: str
) -> None:
    calls = [row for row in rows() if row.verdict in SAME and row.names_keys and row.command not in TIMED]
    prefixes = ("a:", "b:", "c:")
    async with both(street, redis_bin) as redis:
        script = await filled(redis.admin, *prefixes)
        alone = [await history(redis.port, calls, script, prefix) for prefix in prefixes]
        await filled(redis.admin, *prefixes)
        together = await asyncio.gather(*(history(redis.egress, calls, script, prefix) for prefix in prefixes))
    assert together == alone


async def history(port: int, calls: list[Row], values: dict[str, str], prefix: str) -> list[tuple[str, Answer]]:
    """Each call, in pipelines of eight, on keys of its own, with its answer."""
    answers: list[tuple[str, Answer]] = []
    async with redis_client(port) as client:
        for start in range(0, len(calls), PIPELINE):
            part = calls[start : start + PIPELINE]
            for row in part:
                client.sends(*row.words(values, prefix))
            answers += [(row.call, await client.hears()) for row in part]
    return answers


async def test_redis_command_by_command_shards_answer_as_one_redis_does_or_refuse(
    street: Street, redis_bin: str
) -> None:
    alone = await street.redis(redis_bin, *DEBUGGABLE)
    shards = [await street.redis(redis_bin, *DEBUGGABLE) for _ in range(3)]
    shop = await cart(street, *shards)
    async with contextlib.AsyncExitStack() as stack:
        one, *several = [await stack.enter_async_context(redis_client(port)) for port in (alone, *shards)]
        home = await home_of(TAG, shop.ports["egress_sessions"], several)
        found: list[str] = []
        for row in rows():
            if row.shards == "refused" or (row.verdict in SAME and not row.shards):
                values, asked_values = await filled(home, TAG), await filled(one, TAG)
                async with redis_client(shop.ports["egress_sessions"]) as client, redis_client(alone) as other:
                    answer = await client.says(*row.words(values, TAG))
                    asked = await other.says(*row.words(asked_values, TAG)) if row.shards != "refused" else None
                data, asked_data = await home.says("DEBUG", "DIGEST"), await one.says("DEBUG", "DIGEST")
                is_refused = isinstance(answer, Refusal) and answer.startswith("Fault Injected")
                agrees = is_refused if row.shards == "refused" else in_order(answer) == in_order(asked)
                found += [] if agrees and data == asked_data else [parted(row, [answer, asked, data, asked_data])]
    assert found == []


async def home_of(tag: str, egress: int, shards: list[RedisClient]) -> RedisClient:
    """The instance that keeps the keys with that tag."""
    async with redis_client(egress) as client:
        await client.says("SET", f"{tag}here", "1")
    found = [shard for shard in shards if await shard.says("EXISTS", f"{tag}here")]
    return found[0]


def in_order(answer: Answer) -> str:
    """Sets have no order, and each redis process gives them another one."""
    return repr(sorted(map(in_order, answer))) if isinstance(answer, list) else repr(answer)

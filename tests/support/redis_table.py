"""The table of redis's commands: a sample call of each, and what becomes of it behind the proxy."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.redis_client import Answer, RedisClient, Refusal

TABLE = Path(__file__).parents[1] / "features/data_plane/redis_commands.txt"
COLUMNS = 5
SCRIPT = "return redis.call('GET', KEYS[1])"
LIBRARY = """#!lua name=sample
redis.register_function{function_name='first', callback=function(keys) return keys[1] end, flags={'no-writes'}}"""
KEYS = """
SET @s hello
SET @n 10
RPUSH @l a b c
RPUSH @l2 x
SADD @t a b c
SADD @t1 only
SADD @t2 b c d
HSET @h f 1 g 2
HSET @h1 f 1
ZADD @z 1 a 2 b 3 c
ZADD @z1 1 a
ZADD @z2 2 b 4 d
XADD @x 1-1 f v
XADD @x 2-1 f v
XGROUP CREATE @x g 0
XREADGROUP GROUP g me COUNT 1 STREAMS @x >
GEOADD @geo 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
PFADD @p a b
PFADD @p2 c
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; ``answer`` is a pattern of how the proxy's answer begins where redis's is another."""

    command: str
    call: str
    verdict: str
    answer: str
    shards: str

    @property
    def names_keys(self) -> bool:
        return "@" in self.call

    def words(self, values: Mapping[str, str], prefix: str = "") -> list[str]:
        """The call, its keys with the prefix, and what only this redis knows filled in."""
        return [values.get(word, word.replace("\\n", "\n")) for word in with_keys(self.call, prefix)]


def with_keys(call: str, prefix: str) -> list[str]:
    """The words of a call; ``@`` marks a key."""
    return [f"{prefix}{word[1:]}" if word.startswith("@") else word for word in shlex.split(call)]


def rows() -> list[Row]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    written = [line.split("|") for line in lines if line and not line.startswith("#")]
    return [Row(*(part.strip() for part in [*parts, "", ""][:COLUMNS])) for parts in written]


async def filled(redis: RedisClient, *prefixes: str) -> dict[str, str]:
    """Keys of every type in an empty redis, and what calls may fill in of it: a script's hash and two dumps."""
    for command in ("FLUSHALL", "FUNCTION FLUSH", "SCRIPT FLUSH", "SLOWLOG RESET"):
        accepted(await redis.says(*command.split()))
    for line in KEYS.strip().splitlines():
        for prefix in prefixes or ("",):
            accepted(await redis.says(*with_keys(line, prefix)))
    accepted(await redis.says("FUNCTION", "LOAD", LIBRARY))
    values = {
        "$SHA": accepted(await redis.says("SCRIPT", "LOAD", SCRIPT)),
        "$DUMP": accepted(await redis.says("DUMP", f"{''.join(prefixes[:1])}s")),
        "$FUNCTIONS": accepted(await redis.says("FUNCTION", "DUMP")),
    }
    accepted(await redis.says("CONFIG", "RESETSTAT"))
    return values


def accepted(answer: Answer) -> str:
    assert not isinstance(answer, Refusal), answer
    return str(answer)


def flat(answer: Answer) -> str:
    """An answer in one line."""
    if isinstance(answer, list):
        return " ".join(map(flat, answer))
    return " ".join(str(answer).split())

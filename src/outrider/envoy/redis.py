"""Redis: the proxy of an egress listener, and which commands it must refuse to be honest."""

from __future__ import annotations

from outrider.documents import Json
from outrider.envoy.extension import extension, seconds
from outrider.topology import names
from outrider.topology.sidecar import Upstream

TIMEOUT_MS = 1_000
# All connections of the app share one connection per instance, and what these leave on it meets everybody: the database
# of SELECT, the debugger of SCRIPT DEBUG. WATCH would watch there, while MULTI gets a connection of its own, and loses
# what is refused inside it, or follows it at once (Envoy 1.40: source/extensions/filters/network/redis_proxy).
OF_CONNECTIONS = ("multi", "script", "select", "watch")
# Answered in another shape than redis's.
MISSHAPEN = ("role",)
# Envoy asks some instance for each, one of them twice and another not at all.
OF_ALL_INSTANCES = ("cluster", "config", "flushall", "flushdb", "info.shard", "keys", "randomkey", "scan", "slowlog")
# Sent to the instance of the first word, which has the other keys by chance only; those whose first word is a key and
# which mostly name no other (EVAL, SORT, GEORADIUS, PFCOUNT) pass.
OF_SEVERAL_KEYS = (
    *("bitop", "copy", "geosearchstore", "lmove", "msetnx", "pfmerge", "rename", "renamenx", "rpoplpush"),
    *("sdiff", "sdiffstore", "sinter", "sinterstore", "smove", "sunion", "sunionstore"),
    *("zdiff", "zdiffstore", "zinter", "zinterstore", "zrangestore", "zunion", "zunionstore"),
)
# Heard by the subscribers of one instance.
OF_SUBSCRIBERS = ("publish",)
# Of one key, and unknown to Envoy unless it is told.
ADDED = ("bitfield_ro", "expiretime", "pexpiretime", "xsetid")


def redis_proxy(name: str, upstream: Upstream) -> Json:
    """The network filter that reads commands. Keys with the same ``{tag}`` go to the same instance."""
    return extension(
        "filters.network.redis_proxy",
        "extensions.filters.network.redis_proxy.v3.RedisProxy",
        stat_prefix=name,
        settings={
            "op_timeout": seconds(upstream.timeout_ms or TIMEOUT_MS),
            "enable_command_stats": True,
            "enable_hashtagging": True,
        },
        prefix_routes={"catch_all_route": {"cluster": names.cluster(upstream.name)}},
        custom_commands=list(ADDED),
        faults=[_refusal(refused(shards=upstream.shards))],
    )


def refused(*, shards: bool) -> tuple[str, ...]:
    """The commands that Envoy would pass on and must not, in lower case."""
    several = (*OF_ALL_INSTANCES, *OF_SEVERAL_KEYS, *OF_SUBSCRIBERS) if shards else ()
    return (*OF_CONNECTIONS, *MISSHAPEN, *several)


def _refusal(commands: tuple[str, ...]) -> Json:
    """Each of these commands is answered with ``Fault Injected: Error``; the text is Envoy's own."""
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return {"fault_type": "ERROR", "fault_enabled": always, "commands": list(commands)}

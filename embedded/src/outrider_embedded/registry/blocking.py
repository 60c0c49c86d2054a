"""Consul's read queries: consistency, datacenter, and how long they are held."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from outrider_embedded.registry import durations
from outrider_embedded.registry.calls import Call
from outrider_embedded.registry.filters import filtered
from outrider_embedded.registry.readings import Position
from outrider_embedded.registry.refusal import Refused, bad_request
from outrider_embedded.registry.state import Registry

_DEFAULT_WAIT_S = 300.0
_LONGEST_WAIT_S = 600.0
_JITTER = 16
_INDEX_LIMIT = 2**64
NO_ANSWER_HEADERS = {"X-Consul-Index": "1", "X-Consul-Knownleader": "false", "X-Consul-Lastcontact": "0"}


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters that all queries share; ``index`` 0 asks for an answer at once."""

    index: int
    wait_s: float
    consistency: str
    is_cached: bool


def query(call: Call, datacenter: str) -> Query:
    """The shared parameters of a call; raises Refused in Consul's words."""
    index = _index(call.parameter("index"))
    wait_s = _wait(call.parameter("wait"))
    consistency = _consistency(call)
    require_datacenter(call, datacenter, query=True)
    _require_filter(call.parameter("filter"))
    return Query(index, wait_s, consistency, call.has("cached"))


def require_datacenter(call: Call, datacenter: str, *, query: bool = False) -> None:
    """Refuse a datacenter that is not this one: the registry has no other."""
    if call.parameter("dc") not in {"", datacenter}:
        raise Refused(500, "No path to datacenter", query=query)


async def held(registry: Registry, call: Call, asked: Query, position: Callable[[], Position]) -> int:
    """Wait as the query asks, then give its index; an index above the server's own waits to the end."""
    now = position()
    if not asked.index or now.index > asked.index:
        return now.index
    deadline = asyncio.get_running_loop().time() + asked.wait_s * (1 + random.random() / _JITTER)  # noqa: S311
    while now.index <= asked.index and await registry.watches.changed(now.keys, deadline, call.gone):
        now = position()
    return now.index


def headers(asked: Query, index: int) -> dict[str, str]:
    """The headers of an answered query. A cache that is never old is one that always hits."""
    cache = {"X-Cache": "HIT", "Age": "0"} if asked.is_cached else {}
    return cache | {"X-Consul-Effective-Consistency": asked.consistency, **index_headers(index)}


def index_headers(index: int) -> dict[str, str]:
    return {"X-Consul-Index": str(index), "X-Consul-Knownleader": "true", "X-Consul-Lastcontact": "0"}


def _require_filter(text: str) -> None:
    try:
        filtered(text, [])
    except Refused as refused:
        raise Refused(refused.status, refused.text, query=True) from refused


def _index(text: str) -> int:
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or int(text) >= _INDEX_LIMIT:
        raise bad_request("Invalid index")
    return int(text)


def _wait(text: str) -> float:
    try:
        asked = durations.seconds(text) if text else 0.0
    except ValueError as error:
        raise bad_request("Invalid wait time") from error
    return min(asked, _LONGEST_WAIT_S) if asked > 0 else _DEFAULT_WAIT_S


def _consistency(call: Call) -> str:
    wanted = [name for name in ("stale", "cached", "consistent") if call.has(name)]
    if "consistent" in wanted and len(wanted) > 1:
        raise bad_request(f"Cannot specify ?{wanted[0]} with ?consistent, conflicting semantics.")
    return next((name for name in wanted if name != "cached"), "leader")

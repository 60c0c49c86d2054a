"""/v1/kv/…: the key-value store."""

from __future__ import annotations

from outrider_embedded.registry.blocking import held, index_headers, query, require_datacenter
from outrider_embedded.registry.calls import Answer, Call, json_answer
from outrider_embedded.registry.indexes import KEYS
from outrider_embedded.registry.key_values import Entry, entry_document, of_key
from outrider_embedded.registry.readings import Position
from outrider_embedded.registry.refusal import Refused, bad_request
from outrider_embedded.registry.state import Registry

_LARGEST_VALUE = 512 * 1024
_RAW_HEADERS = {
    "Content-Type": "text/plain",
    "Content-Security-Policy": "sandbox",
    "X-Content-Type-Options": "nosniff",
}


async def read(registry: Registry, call: Call) -> Answer:
    """A key, or with ``recurse`` or ``keys`` what is below it."""
    asked = query(call, registry.identity.datacenter)
    if call.has("recurse") or call.has("keys"):
        index = await held(registry, call, asked, lambda: _position_below(registry, call.name))
        return _names(registry, call, index) if call.has("keys") else _entries(registry, call, index)
    if not call.name:
        raise bad_request("Missing key name")
    index = await held(registry, call, asked, lambda: _position(registry, call.name))
    return _entry(registry, call, index)


async def write(registry: Registry, call: Call) -> Answer:
    """Set a key to the body."""
    _require_plain(registry, call)
    if len(call.body) > _LARGEST_VALUE:
        raise Refused(413, _too_large(len(call.body)))
    entry = Entry(call.name, call.body, _number(call, "flags") or 0)
    has_won = registry.keys.put(entry, _number(call, "cas"))
    registry.publish()
    return json_answer(has_won)


async def delete(registry: Registry, call: Call) -> Answer:
    """Delete a key, or with ``recurse`` all below it."""
    if call.has("recurse"):
        has_won = registry.keys.delete_below(call.name)
    else:
        _require_plain(registry, call)
        has_won = registry.keys.delete(call.name, _number(call, "cas"))
    registry.publish()
    return json_answer(has_won)


def _entry(registry: Registry, call: Call, index: int) -> Answer:
    row = registry.keys.get(call.name)
    if row is None:
        return Answer(404, b"", index_headers(index))
    if call.has("raw"):
        return Answer(200, row.value.value, _RAW_HEADERS | index_headers(index))
    return json_answer([entry_document(row)], index_headers(index))


def _entries(registry: Registry, call: Call, index: int) -> Answer:
    rows = registry.keys.below(call.name)
    found = [entry_document(row) for row in rows]
    return json_answer(found, index_headers(index)) if rows else Answer(404, b"", index_headers(index))


def _names(registry: Registry, call: Call, index: int) -> Answer:
    """The keys below a prefix, cut behind the next ``separator``."""
    separator, start = call.parameter("separator"), len(call.name)
    found: dict[str, None] = {}
    for row in registry.keys.below(call.name):
        key = row.value.key
        cut = key.find(separator, start) if separator else -1
        found[key if cut < 0 else key[: cut + len(separator)]] = None
    return json_answer(list(found), index_headers(index)) if found else Answer(404, b"", index_headers(index))


def _position(registry: Registry, key: str) -> Position:
    is_there = registry.keys.get(key) is not None
    return Position(registry.keys.index_of(key), (of_key(key),) if is_there else (KEYS,))


def _position_below(registry: Registry, prefix: str) -> Position:
    return Position(registry.keys.index_below(prefix), (KEYS,))


def _require_plain(registry: Registry, call: Call) -> None:
    require_datacenter(call, registry.identity.datacenter)
    if not call.name:
        raise bad_request("Missing key name")
    if call.has("acquire") or call.has("release"):
        raise Refused(500, "sessions are not kept by the one-machine cluster")


def _too_large(size: int) -> str:
    where = "https://www.consul.io/docs/agent/options.html#kv_max_value_size"
    return f"Request body({size} bytes) too large, max size: {_LARGEST_VALUE} bytes. See {where}."


def _number(call: Call, key: str) -> int | None:
    """A parameter that is a number, None where it is not given."""
    text = call.parameter(key)
    if not call.has(key):
        return None
    if not text.isascii() or not text.isdigit():
        raise Refused(500, f'strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text)

"""The key-value store: values, prefixes, check-and-set, and what wakes a watcher of a key."""

from __future__ import annotations

import base64

import pytest
from support.consul_calls import ConsulCalls, is_woken, woken


async def test_a_value_is_read_back_plain_and_as_a_document(consul: ConsulCalls) -> None:
    assert (await consul.put("/v1/kv/config/flag?flags=7", b"\x00on\xff")).json() is True
    assert (await consul.get("/v1/kv/config/flag?raw")).content == b"\x00on\xff"
    (entry,) = (await consul.get("/v1/kv/config/flag")).json()
    assert (entry["Key"], entry["Flags"], base64.b64decode(entry["Value"])) == ("config/flag", 7, b"\x00on\xff")
    assert entry["CreateIndex"] == entry["ModifyIndex"]


async def test_an_empty_value_is_null(consul: ConsulCalls) -> None:
    await consul.put("/v1/kv/empty", b"")
    assert (await consul.get("/v1/kv/empty")).json()[0]["Value"] is None


async def test_prefixes_list_keys_and_cut_them_at_a_separator(consul: ConsulCalls) -> None:
    for key in ("a/b/c", "a/b/d", "a/e", "f"):
        await consul.put(f"/v1/kv/{key}", b"1")
    listed = {
        query: (await consul.get(f"/v1/kv/{query}")).json()
        for query in ("a/?keys", "a/?keys&separator=/", "?keys&separator=/")
    }
    assert listed == {
        "a/?keys": ["a/b/c", "a/b/d", "a/e"],
        "a/?keys&separator=/": ["a/b/", "a/e"],
        "?keys&separator=/": ["a/", "f"],
    }
    assert [entry["Key"] for entry in (await consul.get("/v1/kv/a?recurse")).json()] == ["a/b/c", "a/b/d", "a/e"]
    assert (await consul.client.delete("/v1/kv/a/?recurse")).json() is True
    assert (await consul.get("/v1/kv/a/?recurse")).status_code == 404


async def test_check_and_set_lets_one_writer_win(consul: ConsulCalls) -> None:
    assert (await consul.put("/v1/kv/lock?cas=0", b"first")).json() is True
    assert (await consul.put("/v1/kv/lock?cas=0", b"second")).json() is False
    (entry,) = (await consul.get("/v1/kv/lock")).json()
    assert (await consul.put(f"/v1/kv/lock?cas={entry['ModifyIndex']}", b"third")).json() is True
    assert (await consul.client.delete(f"/v1/kv/lock?cas={entry['ModifyIndex']}")).json() is False
    assert (await consul.get("/v1/kv/lock?raw")).text == "third"


async def test_a_watched_key_is_woken_by_its_own_change_only(consul: ConsulCalls) -> None:
    await consul.put("/v1/kv/watched", b"1")
    held = await consul.held("/v1/kv/watched")
    await consul.put("/v1/kv/other", b"1")
    assert not await is_woken(held)
    held = await consul.held("/v1/kv/watched")
    await consul.put("/v1/kv/watched", b"2")
    assert base64.b64decode((await woken(held)).json()[0]["Value"]) == b"2"
    held = await consul.held("/v1/kv/watched")
    await consul.client.delete("/v1/kv/watched")
    assert (await woken(held)).status_code == 404


async def test_the_same_value_again_wakes_nobody(consul: ConsulCalls) -> None:
    await consul.put("/v1/kv/watched", b"1")
    held = await consul.held("/v1/kv/watched")
    await consul.put("/v1/kv/watched", b"1")
    assert not await is_woken(held)


@pytest.mark.parametrize("query", ["?recurse", "?keys"])
async def test_a_watched_prefix_is_woken_by_a_deletion_below_it(consul: ConsulCalls, query: str) -> None:
    await consul.put("/v1/kv/tree/a", b"1")
    await consul.put("/v1/kv/tree/b", b"1")
    held = await consul.held(f"/v1/kv/tree/{query}")
    await consul.client.delete("/v1/kv/tree/b")
    assert len((await woken(held)).json()) == 1


async def test_a_missing_key_is_waited_for(consul: ConsulCalls) -> None:
    await consul.put("/v1/kv/before", b"1")
    held = await consul.held("/v1/kv/coming")
    await consul.put("/v1/kv/coming", b"1")
    answer = await woken(held)
    assert answer.status_code in {200, 404}, "an other key's write may wake it first"
    await consul.until("/v1/kv/coming", lambda found: found[0]["Key"] == "coming")

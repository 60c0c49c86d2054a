"""What is fuzzed: every part of the agent that reads the bytes of somebody else, each with what must hold whatever comes.

A target returns for all input; an exception of any kind is a finding.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

from outrider_agent.consul import INFRASTRUCTURE, Instances, Names
from outrider_agent.discovery import PATH, Answer, Question, UnreadableError, question, whole_question
from outrider_agent.documents import parsed, rendered
from outrider_agent.endpoints import Endpoints
from outrider_agent.envoy_admin import Clusters
from outrider_agent.instances import is_literal_ip
from outrider_agent.memory_budget import MalformedError, MemoryBudget
from outrider_agent.polls import Poll, Polls, hold_of
from outrider_agent.previous_list import PreviousList
from outrider_agent.requests import BadRequestError, Request, RequestReader
from outrider_agent.responses import BadResponseError, ResponseReader
from outrider_agent.rules import OK, Limits
from outrider_agent.settings import Upstream
from outrider_agent.snapshot import known_in
from outrider_agent.watch import Watch

ROOM = 1 << 20
LARGEST_PORT = 65535
LARGEST_WEIGHT = 65535

Target = Callable[[bytes], None]


def pieces(data: bytes) -> Iterable[bytes]:
    """The first byte says how the rest is cut: a network cuts wherever it likes."""
    size, rest = 1 + (data[0] if data else 0), data[1:]
    return (rest[start : start + size] for start in range(0, len(rest), size))


def consul_answer(data: bytes) -> None:
    """An HTTP answer of Consul to a health query: a whole list is taken, or nothing of it."""
    budget = MemoryBudget(ROOM)
    previous = PreviousList(budget, "web")
    instances, body = Instances(budget, previous), list[bytes]()
    reader = ResponseReader(lambda status, piece: (body.append(piece), instances.feed(status, piece))[1])
    watch = Watch(Upstream("web"), Limits(), lambda: 0.5, lambda _watch: None)
    try:
        received(reader, pieces(data))
        if reader.status == OK:
            instances.finish()
    except (BadResponseError, MalformedError):
        instances.release()
    else:
        if reader.status == OK:
            assert len(instances.found) + len(instances.skipped) + len(instances.foreign) == len(
                json.loads(b"".join(body))
            )
            watch.answered(reader.headers, instances.found, 1.0)
        else:
            watch.refused(reader.status, instances.words, 1.0)
    instances.release()
    assert budget.free + previous.size == ROOM
    takes(watch.endpoints or ())
    assert watch.due(1.0) < math.inf


def received(reader: ResponseReader, arriving: Iterable[bytes]) -> None:
    for piece in arriving:
        if reader.is_complete:
            return
        reader.receive(piece)
    reader.closed()


def consul_catalog(data: bytes) -> None:
    """The catalog that is asked for a witness: what is no document names nobody."""
    budget = MemoryBudget(ROOM)
    names = Names(budget)
    for piece in pieces(data):
        names.feed(OK, piece)
    if names.include_other(*INFRASTRUCTURE, "web"):
        json.loads(data[1:])
    names.release()
    assert budget.free == ROOM


def eds_request(data: bytes) -> None:
    """A poll of Envoy, or what somebody else sends to the agent's socket."""
    reader = RequestReader()
    polls = Polls(["web", "api@eu"])
    polls.publish("web", Answer("web", ()), 0.0)
    try:
        for piece in pieces(data):
            request = reader.receive(piece)
            while request is not None:
                asked(request, polls)
                request = reader.receive(b"")
    except BadRequestError:
        pass
    for reply in [*polls.expired(100.0), *polls.ended()]:
        assert reply.status in (200, 304, 404)
    assert polls.held == 0


def asked(request: Request, polls: Polls) -> None:
    if (request.method, request.path) != ("POST", PATH):
        return
    try:
        wanted = found(request)
    except UnreadableError:
        return
    hold = hold_of(request.headers.get("x-envoy-expected-rq-timeout-ms", ""))
    assert 0.0 <= hold <= 50.0
    polls.asked(Poll(request, wanted, 0.0, hold), 0.0)


def found(request: Request) -> Question:
    try:
        return question(request.head, request.tail)
    except UnreadableError:
        return whole_question(request.body or b"")


def json_document(data: bytes) -> None:
    """Any text: read as the json package reads it, or refused like there, and written so that it can be read again."""
    text = data.decode("utf-8", "replace")
    try:
        expected = json.loads(text)
    except (ValueError, RecursionError):
        assert is_refused(text)
        return
    value = parsed(text)
    assert repr(value) == repr(expected)
    if is_plain(expected):
        assert json.loads(rendered(value)) == expected


def is_refused(text: str) -> bool:
    try:
        parsed(text)
    except ValueError:
        return True
    return False


def is_plain(value: Any) -> bool:
    """Without numbers that JSON cannot say."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(is_plain, value.values()))
    return all(map(is_plain, value)) if isinstance(value, list) else True


def snapshot_file(data: bytes) -> None:
    """What lies on disk: all of it can be served, or it is refused."""
    try:
        known = known_in(data.decode("utf-8", "replace"))
    except ValueError:
        return
    for endpoints in known.values():
        takes(endpoints)


def envoy_clusters(data: bytes) -> None:
    """What Envoy's admin socket says of its clusters."""
    clusters = Clusters()
    for piece in pieces(data):
        clusters.feed(OK, piece)
    clusters.of("web")


def takes(endpoints: Endpoints) -> None:
    """Envoy takes them all: it would reject a whole update for one that it does not."""
    (resource,) = json.loads(Answer("web", endpoints).body)["resources"]
    seen: set[tuple[str, int]] = set()
    for one in (each for locality in resource["endpoints"] for each in locality["lb_endpoints"]):
        address = one["endpoint"]["address"]["socket_address"]
        assert is_literal_ip(address["address"])
        assert type(address["port_value"]) is int
        assert 0 < address["port_value"] <= LARGEST_PORT
        weight = one.get("load_balancing_weight", 1)
        assert type(weight) is int
        assert 1 <= weight <= LARGEST_WEIGHT
        assert (address["address"], address["port_value"]) not in seen
        seen.add((address["address"], address["port_value"]))
        json.dumps(one, ensure_ascii=False).encode()


TARGETS: dict[str, Target] = {
    "consul_answer": consul_answer,
    "consul_catalog": consul_catalog,
    "eds_request": eds_request,
    "json_document": json_document,
    "snapshot_file": snapshot_file,
    "envoy_clusters": envoy_clusters,
}

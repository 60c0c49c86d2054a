"""The portal's client: problems become the errors that were raised there, and event streams survive a reconnect."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from outrider_ground.errors import ConflictError, OutriderError, RemoteError, SpecError, UsageError

from outrider.clients.answers import UnreadableError
from outrider.clients.portal import PortalClient, portal_client
from outrider.operations.events import UnknownEvent, VerdictEvent
from outrider.operations.request_bodies import ChangeBody, DeployBody, RollbackBody, SpecBody, StopBody
from outrider.settings import Settings, Sourced

Handler = Callable[[httpx2.Request], httpx2.Response]


def portal_with(handler: Handler, **settings: Any) -> PortalClient:
    return portal_client(Settings(**settings), httpx2.MockTransport(handler))


def answering(status: int, document: Any) -> Handler:
    return lambda _: httpx2.Response(status, json=document, headers={"content-type": "application/problem+json"})


ENDED = {"state": "successful", "placed": True, "reason": ""}


def an_event(number: int, kind: str = "warning", **detail: Any) -> dict[str, Any]:
    return {"number": number, "at": "2026-11-23T05:00:00Z", "kind": kind, "message": f"step {number}", "detail": detail}


def stream(*events: dict[str, Any]) -> httpx2.Response:
    lines = "".join(f"id: {one['number']}\nevent: {one['kind']}\ndata: {json.dumps(one)}\n\n" for one in events)
    return httpx2.Response(
        200, text=f"retry: 1000\n\n: hello\n\n{lines}", headers={"content-type": "text/event-stream"}
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, UsageError),
        (404, UsageError),
        (409, ConflictError),
        (412, ConflictError),
        (502, RemoteError),
        (500, RemoteError),
    ],
)
async def test_a_problem_becomes_the_error_that_was_raised_there(status: int, kind: type[OutriderError]) -> None:
    portal = portal_with(answering(status, {"title": "No", "detail": "because of this", "next_step": "do that"}))
    with pytest.raises(kind) as raised:
        await portal.status("stage", "checkout")
    assert (raised.value.message, raised.value.next_step) == ("because of this", "do that")


async def test_problems_of_a_spec_keep_their_places() -> None:
    problem = {"path": "upstreams.x", "message": "unknown", "suggestion": "y", "file": "a.yaml", "line": 3, "column": 5}
    portal = portal_with(
        answering(422, {"detail": "1 problem", "problems": [problem, {"path": "", "message": "and more"}]})
    )
    with pytest.raises(SpecError) as raised:
        await portal.plan("stage", SpecBody(spec=""))
    assert str(raised.value).splitlines() == ['a.yaml:3:5: upstreams.x: unknown (did you mean "y"?)', "and more"]


async def test_another_server_at_the_address_is_told_from_the_portal() -> None:
    portal = portal_with(lambda _: httpx2.Response(404, text="nginx: not found"))
    with pytest.raises(
        RemoteError, match=r"the portal at http://127\.0\.0\.1:7070 .the default address. answered 404"
    ) as raised:
        await portal.status("stage", "checkout")
    assert raised.value.status == 404


async def test_the_token_and_the_user_go_with_every_call() -> None:
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={"services": []})

    await portal_with(handler, token=Sourced("secret", "OUTRIDER_TOKEN"), user="kim").services("stage")
    assert seen[0].headers["Authorization"] == "Bearer secret"
    assert seen[0].headers["X-Outrider-User"] == "kim"
    assert str(seen[0].url) == "http://127.0.0.1:7070/api/v1/services?environment=stage"


async def test_an_upload_is_named_by_its_content() -> None:
    seen: list[tuple[str, str]] = []
    digest = hashlib.sha256(b"packed").hexdigest()
    known = {"sha256": digest, "size": 6, "url": None}

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append((request.method, request.url.path))
        if request.method == "PUT":
            return httpx2.Response(200, json=known)
        return httpx2.Response(404, json={"title": "There is no such thing", "status": 404, "detail": "none"})

    assert (await portal_with(handler).upload(b"packed")).sha256 == digest
    assert seen == [("GET", f"/api/v1/artifacts/{digest}"), ("PUT", f"/api/v1/artifacts/{digest}")]


async def test_what_the_portal_has_already_is_not_sent_again() -> None:
    digest = hashlib.sha256(b"packed").hexdigest()

    def handler(request: httpx2.Request) -> httpx2.Response:
        assert request.method == "GET"
        return httpx2.Response(200, json={"sha256": digest, "size": 6, "url": "http://p/artifacts/x/y/"})

    assert (await portal_with(handler).upload(b"packed")).url == "http://p/artifacts/x/y/"


async def test_events_go_on_where_they_broke_off_and_end_with_the_verdict() -> None:
    answers = [
        stream(an_event(1), an_event(2)),
        httpx2.ReadError("gone"),
        stream(an_event(3), an_event(4, "verdict", **ENDED)),
    ]
    asked: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.headers["Last-Event-ID"])
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    events = [event.number async for event in portal_with(handler).events("d1")]
    assert events == [1, 2, 3, 4]
    assert asked == ["0", "2", "2"]


async def test_events_of_a_deployment_that_does_not_exist_are_an_error_at_once() -> None:
    portal = portal_with(answering(404, {"detail": "there is no deployment d1"}))
    with pytest.raises(UsageError, match="no deployment d1"):
        _ = [event async for event in portal.events("d1")]


async def test_names_from_outside_cannot_leave_their_place_in_the_path() -> None:
    seen: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.url.raw_path.decode())
        return httpx2.Response(200, json={})

    with pytest.raises(RemoteError):
        await portal_with(handler).status("stage", "a/../../secret?x=1")
    assert seen == ["/api/v1/environments/stage/services/a%2F..%2F..%2Fsecret%3Fx%3D1"]


def a_deployment_document(**more: Any) -> dict[str, Any]:
    return {
        "id": "d1",
        "environment": "stage",
        "service": "checkout",
        "kind": "run",
        "state": "pending",
        "created_by": "kim",
        "created_at": "2026-11-27T12:00:00.5Z",
        **more,
    }


async def test_what_a_newer_portal_says_beyond_is_left_out() -> None:
    document = a_deployment_document(colour="blue", version=3)
    found = await portal_with(lambda _: httpx2.Response(200, json=document)).deployment("d1")
    assert (found.id, found.version, found.created_at.isoformat()) == ("d1", 3, "2026-11-27T12:00:00.500000+00:00")


async def test_a_knob_of_a_newer_portal_is_left_out_too() -> None:
    status: dict[str, Any] = dict.fromkeys(
        ("team", "description", "protocol", "version", "hash", "count", "healthy", "deployment")
    )
    status |= {"environment": "stage", "service": "a", "state": "running", "allocations": [], "instances": []}
    status |= {"links": {}, "upstreams": {"b": {"timeout": "800ms", "hedge": 3}}}
    found = await portal_with(lambda _: httpx2.Response(200, json=status)).status("stage", "a")
    assert found.upstreams["b"].timeout == 800


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"state": "paused"}, "state"),
        ({"version": "3"}, "version"),
        ({"created_at": "soon"}, "created_at"),
        ({"created_by": None}, "created_by"),
    ],
)
async def test_an_answer_of_another_shape_is_an_error_that_names_the_place(change: dict[str, Any], place: str) -> None:
    portal = portal_with(lambda _: httpx2.Response(200, json=a_deployment_document(**change)))
    with pytest.raises(UnreadableError, match=f"does not understand: {place}: ") as caught:
        await portal.deployment("d1")
    assert "outrider version" in (caught.value.next_step or "")


async def test_an_event_of_a_kind_that_is_new_is_told_and_the_stream_goes_on() -> None:
    answer = stream(an_event(1, "shiny", how="much"), an_event(2, "verdict", **ENDED))
    found = [event async for event in portal_with(lambda _: answer).events("d1")]
    assert [type(event) for event in found] == [UnknownEvent, VerdictEvent]
    assert (found[0].kind, found[0].message, found[0].detail) == ("shiny", "step 1", {"how": "much"})


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200, text="<html>", headers={"content-type": "text/html"}),
        httpx2.Response(200, json={}),
        stream(an_event(1, "verdict", state="paused", placed=True, reason="")),
        stream({"number": 1, "kind": "warning"}),
        httpx2.Response(200, text="data: {\n\n", headers={"content-type": "text/event-stream"}),
        httpx2.Response(200, text="data: []\n\n", headers={"content-type": "text/event-stream; charset=utf-8"}),
    ],
)
async def test_a_stream_that_tells_no_events_is_an_error_at_once(answer: httpx2.Response) -> None:
    asked: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        return answer

    with pytest.raises(UnreadableError):
        _ = [event async for event in portal_with(handler).events("d1")]
    assert len(asked) == 1


@pytest.mark.parametrize("document", [{}, {"events": None}, {"events": [1]}, {"events": [{"kind": "warning"}]}, [1]])
async def test_a_list_of_events_that_is_none_is_an_error(document: Any) -> None:
    with pytest.raises(UnreadableError, match="/api/v1/deployments/d1/events"):
        await portal_with(lambda _: httpx2.Response(200, json=document)).event_list("d1")


async def test_a_page_instead_of_logs_is_an_error() -> None:
    answer = httpx2.Response(200, text="<html>", headers={"content-type": "text/html"})
    with pytest.raises(UnreadableError, match="text/html instead of text/plain"):
        _ = [part async for part in portal_with(lambda _: answer).logs("stage", "checkout", {})]


async def test_a_request_says_only_what_was_asked_for() -> None:
    """So that a portal of another version, which refuses fields that it does not know, takes it."""
    sent: list[Any] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        sent.append(json.loads(request.content))
        return httpx2.Response(200, json=a_deployment_document())

    portal = portal_with(handler)
    await portal.deploy("stage", DeployBody(spec="x", file="outrider.yaml", check_index=0), "key")
    await portal.act("stage", "checkout", "rollback", RollbackBody())
    await portal.act("stage", "checkout", "stop", StopBody(purge=True))
    await portal.act("stage", "checkout", "promote", ChangeBody())
    assert sent == [{"spec": "x", "check_index": 0}, {}, {"purge": True}, {}]

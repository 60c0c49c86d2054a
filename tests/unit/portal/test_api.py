from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from fakes.world import SPEC, World
from outrider_ground.errors import RemoteError

from outrider.operations.events import kinds

Client = httpx2.AsyncClient
API = "/api/v1"
STAGE = f"{API}/environments/stage"
CHECKOUT = f"{STAGE}/services/checkout"


async def deployed(client: Client, spec: str = SPEC, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{STAGE}/deployments", json={"spec": spec, **body})
    assert answer.status_code == 202, answer.text
    await client.get(f"{API}/deployments/{answer.json()['id']}/events")
    return (await client.get(f"{API}/deployments/{answer.json()['id']}")).json()


def problem(answer: httpx2.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert (document["status"], document["type"]) == (status, "about:blank")
    return document


async def test_health_needs_nothing(client: Client) -> None:
    answer = await client.get(f"{API}/health")
    assert answer.json()["status"] == "ok"


async def test_the_environments_are_those_of_the_platform(client: Client) -> None:
    found = (await client.get(f"{API}/environments")).json()["environments"]
    assert [one["name"] for one in found] == ["stage", "production"]
    assert found[0]["nomad"] == "http://127.0.0.1:4646"


async def test_a_plan_is_a_document_and_changes_nothing(client: Client, world: World) -> None:
    answer = await client.post(f"{STAGE}/plan", json={"spec": SPEC, "file": "checkout.yaml"})
    plan = answer.json()
    assert (answer.status_code, plan["has_changes"], plan["check_index"]) == (200, True, 0)
    assert {"sign", "path", "before", "after", "note"} == set(plan["changes"][0])
    assert world.nomad.registrations == 0


async def test_a_deployment_is_accepted_followed_and_shown(client: Client) -> None:
    deployment = await deployed(client)
    assert (deployment["state"], deployment["version"]) == ("successful", 1)
    status = (await client.get(CHECKOUT)).json()
    assert (status["state"], status["version"], status["count"]) == ("running", 1, 1)
    services = (await client.get(f"{API}/services", params={"environment": "stage"})).json()["services"]
    assert [one["service"] for one in services] == ["checkout"]
    deployments = (await client.get(f"{CHECKOUT}/deployments")).json()["deployments"]
    assert [one["id"] for one in deployments] == [deployment["id"]]


async def test_events_come_as_a_list(client: Client) -> None:
    deployment = await deployed(client)
    answer = await client.get(f"{API}/deployments/{deployment['id']}/events", headers={"Accept": "application/json"})
    events = answer.json()["events"]
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["kind"] == "verdict"
    assert events[-1]["detail"]["state"] == "successful"


async def test_events_come_as_a_stream_up_to_the_verdict(client: Client) -> None:
    deployment = await deployed(client)
    answer = await client.get(f"{API}/deployments/{deployment['id']}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block.splitlines() for block in answer.text.strip().split("\n\n") if "id:" in block]
    assert blocks[0][0] == "event: accepted"
    assert blocks[-1][0] == "event: verdict"
    sent = json.loads(blocks[-1][1].removeprefix("data: "))
    assert sent["detail"]["state"] == "successful"


async def test_a_stream_goes_on_after_the_last_event_that_was_seen(client: Client) -> None:
    deployment = await deployed(client)
    answer = await client.get(f"{API}/deployments/{deployment['id']}/events", headers={"Last-Event-ID": "3"})
    ids = [line for line in answer.text.splitlines() if line.startswith("id:")]
    assert ids[0] == "id: 4"


async def test_versions_are_listed_and_one_is_shown_with_its_documents(client: Client) -> None:
    await deployed(client)
    versions = (await client.get(f"{CHECKOUT}/versions")).json()["versions"]
    assert [one["number"] for one in versions] == [1]
    assert "job" not in versions[0]
    version = (await client.get(f"{CHECKOUT}/versions/1")).json()
    assert version["spec"] == SPEC
    assert version["job"]["ID"] == "checkout"


async def test_a_spec_that_cannot_be_used_is_told_with_its_lines(client: Client) -> None:
    answer = await client.post(f"{STAGE}/plan", json={"spec": SPEC + "prot: http\n", "file": "c.yaml"})
    (found,) = problem(answer, 422)["problems"]
    assert (found["file"], found["line"], found["path"]) == ("c.yaml", 4, "prot")
    assert found["suggestion"] in {"port", "protocol"}


async def test_a_body_with_an_unknown_field_is_refused_and_not_dropped(client: Client) -> None:
    answer = await client.post(f"{STAGE}/plan", json={"spec": SPEC, "colour": "red"})
    assert "colour" in problem(answer, 400)["detail"]


async def test_a_malformed_request_is_told_without_its_values(client: Client) -> None:
    answer = await client.post(f"{STAGE}/deployments", json={"spec": ["s3cret"]})
    assert "s3cret" not in answer.text
    assert problem(answer, 400)["fields"][0]["path"] == "spec"


async def test_unknown_things_are_problems_with_a_next_step(client: Client) -> None:
    assert "stage, production" in problem(await client.get(f"{API}/environments/moon/services/x"), 404)["next_step"]
    assert problem(await client.get(f"{API}/deployments/nope"), 404)["next_step"]
    assert problem(await client.get(f"{API}/nowhere"), 404)
    assert problem(await client.delete(f"{API}/health"), 405)


async def test_another_index_is_a_conflict(client: Client) -> None:
    answer = await client.post(f"{STAGE}/deployments", json={"spec": SPEC, "check_index": 5})
    assert "outrider plan" in problem(answer, 409)["next_step"]


async def test_a_server_that_is_away_is_a_bad_gateway(client: Client, world: World) -> None:
    world.nomad.away = RemoteError("Nomad did not answer", next_step="look at it")
    answer = await client.post(f"{STAGE}/deployments", json={"spec": SPEC})
    assert problem(answer, 502)["next_step"] == "look at it"


async def test_a_defect_is_told_without_its_inside(client: Client, world: World) -> None:
    world.sidecars.answers = {}
    world.consul.add("checkout", "c1", 20000, meta={"outrider_metrics": "127.0.0.1:1"})
    await deployed(client)
    answer = await client.get(f"{CHECKOUT}/endpoints")  # the sidecar is unknown to the test's world: a KeyError
    assert "KeyError" not in answer.text
    assert problem(answer, 500)["title"] == "A defect of Outrider"


async def test_the_same_key_is_the_same_deployment(client: Client, world: World) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = await client.post(f"{STAGE}/deployments", json={"spec": SPEC}, headers=headers)
    again = await client.post(f"{STAGE}/deployments", json={"spec": SPEC}, headers=headers)
    assert first.json()["id"] == again.json()["id"]
    assert world.nomad.registrations == 1
    other = await client.post(f"{STAGE}/deployments", json={"spec": SPEC + "count: 2\n"}, headers=headers)
    assert "another request" in problem(other, 409)["detail"]


async def test_scale_rollback_and_stop_are_accepted(client: Client) -> None:
    await deployed(client)
    await deployed(client, SPEC + "env: {A: b}\n")
    for verb, body in (("scale", {"count": 2}), ("rollback", {"version": 1}), ("rollback", {}), ("stop", {})):
        answer = await client.post(f"{CHECKOUT}/{verb}", json=body)
        assert answer.status_code == 202, answer.text
        await client.get(f"{API}/deployments/{answer.json()['id']}/events")
        ended = (await client.get(f"{API}/deployments/{answer.json()['id']}")).json()
        assert ended["state"] == "successful", ended
    assert (await client.get(CHECKOUT)).json()["state"] == "stopped"


async def test_promote_without_a_canary_is_told(client: Client) -> None:
    await deployed(client)
    assert "no active deployment" in problem(await client.post(f"{CHECKOUT}/promote"), 404)["detail"]


async def test_logs_are_plain_text(client: Client) -> None:
    await deployed(client)
    answer = await client.get(f"{CHECKOUT}/logs", params={"type": "stdout", "lines": "1"})
    assert (answer.status_code, answer.text) == (200, "three\n")
    assert answer.headers["content-type"].startswith("text/plain")


async def test_the_graph_is_a_list_of_edges(client: Client) -> None:
    await deployed(client, SPEC + "upstreams: {payments: {protocol: http}}\n")
    edges = (await client.get(f"{STAGE}/graph", params={"window": "0.1"})).json()["edges"]
    assert [(one["source"], one["target"], one["declared"]) for one in edges] == [("checkout", "payments", True)]


async def test_the_description_of_the_api_is_openapi_3_1(client: Client) -> None:
    document = (await client.get(f"{API}/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert f"{STAGE}/deployments".replace("stage", "{environment}") in document["paths"]


@pytest.mark.parametrize("path", ["/deployments", "/plan"])
async def test_a_body_that_is_not_json_is_a_problem(client: Client, path: str) -> None:
    answer = await client.post(STAGE + path, content=b"service: x", headers={"Content-Type": "application/json"})
    assert problem(answer, 400)


@pytest.mark.parametrize("number", [2**31, 2**63, 10**20, 10**400])
async def test_a_number_that_no_database_holds_is_the_callers_error(client: Client, number: int) -> None:
    await deployed(client)
    problem(await client.get(f"{CHECKOUT}/versions/{number}"), 400)
    problem(await client.post(f"{CHECKOUT}/rollback", json={"version": number}), 400)
    problem(await client.post(f"{STAGE}/deployments", json={"spec": SPEC, "check_index": number * 2**32}), 400)


async def test_the_largest_numbers_are_looked_for(client: Client) -> None:
    await deployed(client)
    problem(await client.get(f"{CHECKOUT}/versions/{2**31 - 1}"), 404)
    problem(await client.post(f"{CHECKOUT}/rollback", json={"version": 2**31 - 1}), 404)
    problem(await client.post(f"{STAGE}/deployments", json={"spec": SPEC, "check_index": 2**63 - 1}), 409)


async def test_the_description_has_a_schema_for_each_kind_of_event_and_events_are_as_it_says(client: Client) -> None:
    description = (await client.get(f"{API}/openapi.json")).json()
    schemas = description["components"]["schemas"]
    union = schemas["Events"]["properties"]["events"]["items"]
    assert union["discriminator"]["propertyName"] == "kind"
    assert list(union["discriminator"]["mapping"]) == sorted(kinds())
    named = {kind: schemas[ref.rpartition("/")[2]] for kind, ref in union["discriminator"]["mapping"].items()}
    assert all("kind" in one["required"] for one in named.values())
    deployment = await deployed(client)
    answer = await client.get(f"{API}/deployments/{deployment['id']}/events", headers={"Accept": "application/json"})
    for event in answer.json()["events"]:
        known = schemas[named[event["kind"]]["properties"]["detail"]["$ref"].rpartition("/")[2]]
        assert event["detail"].keys() == known.get("properties", {}).keys(), event["kind"]


async def test_knobs_and_changes_are_told_as_a_spec_has_them(client: Client) -> None:
    spec = SPEC + "upstreams: {fx: {address: 'fx.example:443', timeout: 1500ms, keep_alive: none}}\n"
    plan = (await client.post(f"{API}/environments/stage/plan", json={"spec": spec})).json()
    told = {one["path"]: one["after"] for one in plan["changes"]}
    assert (told["upstreams.fx.timeout"], told["upstreams.fx.keep_alive"]) == ("1500ms", "none")
    answer = await client.post(f"{API}/environments/stage/deployments", json={"spec": spec})
    assert answer.status_code == 202
    assert (await client.get(CHECKOUT)).json()["upstreams"]["fx"]["timeout"] == "1500ms"


async def test_what_stops_a_change_is_in_the_problem_and_why_is_in_the_deployment(client: httpx2.AsyncClient) -> None:
    url, at = f"{API}/environments/stage/deployments", f"{API}/environments/stage/services/checkout"
    canary = f"{SPEC}count: 2\nupdate: {{canary: 1}}\n"
    for spec in (canary, f"{canary}env: {{A: b}}\n"):
        begun = (await client.post(url, json={"spec": spec})).json()
        async with asyncio.timeout(30):
            while (await client.get(f"{API}/deployments/{begun['id']}")).json()["state"] in {"pending", "running"}:  # noqa: ASYNC110  the API has no bell
                await asyncio.sleep(0.01)
    refused = await client.post(url, json={"spec": f"{canary}env: {{A: c}}\n"})
    assert (refused.status_code, refused.json()["title"]) == (409, "It cannot go yet")
    assert [one["name"] for one in refused.json()["blockers"]] == ["deploying"]
    past = {"reason": " it must ", "overrides": ["deploying"]}
    gone = (await client.post(url, json={"spec": f"{canary}env: {{A: c}}\n", **past})).json()
    assert (gone["cause"], [one["name"] for one in gone["overrides"]]) == ("it must", ["deploying"])
    unknown = await client.post(f"{at}/stop", json={"reason": "x", "overrides": ["nothing"]})
    assert (unknown.status_code, "nothing called 'nothing'" in unknown.json()["detail"]) == (404, True)


async def test_freezes_rejections_and_releases_have_routes_of_their_own(client: httpx2.AsyncClient) -> None:
    stage = f"{API}/environments/stage"
    begun = (await client.post(f"{stage}/deployments", json={"spec": SPEC, "reason": "the first"})).json()
    async with asyncio.timeout(30):
        while (await client.get(f"{API}/deployments/{begun['id']}")).json()["state"] in {"pending", "running"}:  # noqa: ASYNC110  the API has no bell
            await asyncio.sleep(0.01)
    body = {"scope": "service", "name": "checkout", "reason": "why", "until": "2099-01-01T00:00:00Z"}
    assert (await client.post(f"{stage}/freezes", json=body)).status_code == 404, "within a year"
    assert (await client.post(f"{stage}/freezes", json=body | {"until": "2099-01-01T00:00:00"})).status_code == 400
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert (await client.post(f"{stage}/freezes", json=body | {"until": soon})).status_code == 201
    assert [one["reason"] for one in (await client.get(f"{stage}/freezes")).json()["freezes"]] == ["why"]
    thawed = await client.post(f"{stage}/freezes/thaw", json={"scope": "service", "name": "checkout"})
    assert [one["name"] for one in thawed.json()["freezes"]] == ["checkout"]
    version = f"{stage}/services/checkout/versions/1"
    rejected = await client.post(f"{version}/reject", json={"reason": "loses orders"})
    assert (rejected.status_code, rejected.json()["reason"]) == (201, "loses orders")
    (release,) = (await client.get(f"{stage}/services/checkout/releases")).json()["releases"]
    assert (release["number"], release["cause"], release["rejected"]) == (1, "the first", "loses orders")
    assert (await client.post(f"{version}/unreject", json={})).status_code == 200

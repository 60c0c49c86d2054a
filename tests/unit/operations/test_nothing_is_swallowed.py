"""What a server refuses or does not say is told where it matters, and not taken for nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2
import pytest
from fakes.recordings import Library, recording
from fakes.world import ADA, World, finished, messages, text
from outrider_ground.errors import ConflictError, RemoteError, UsageError

from outrider.clients.consul import consul_client
from outrider.clients.nomad import nomad_client
from outrider.operations.application import Application
from outrider.operations.changes import Text
from outrider.operations.doctor.findings import Finding
from outrider.operations.doctor.platform import Servers, findings
from outrider.operations.drive.reasons import failure, last_lines, standstill
from outrider.operations.opening import Order
from outrider.server_settings import ConsulSettings, NomadSettings
from outrider.spec.platform import Platform

ME = Order(ADA)
Changes = dict[str, tuple[int, Any]]
DENIED = (403, "Permission denied")
CALLER = "upstreams: {payments: {protocol: http}}\n"


def servers(nomad: Changes | None = None, consul: Changes | None = None) -> Servers:
    return Servers(
        nomad_client("http://nomad", NomadSettings(), transport=httpx2.MockTransport(Library("nomad-2.0.5", nomad))),
        consul_client(
            "http://consul", ConsulSettings(), transport=httpx2.MockTransport(Library("consul-1.8.7", consul))
        ),
    )


def a_platform(*names: str, **of_second: Any) -> Platform:
    written = {"nomad": {"address": "http://nomad"}, "consul": {"address": "http://consul"}, "driver": "raw_exec"}
    second = written | {"nomad": {"address": "http://nomad-2"} | of_second, "consul": {"address": "http://consul-2"}}
    places = dict(zip(names, (written, second), strict=False))
    return Platform.model_validate({"environments": places, "portal": {"url": "http://127.0.0.1:7070"}})


async def of_both(nomad: Changes | None = None, consul: Changes | None = None) -> list[Finding]:
    both = {"stage": servers(), "production": servers(nomad, consul)}
    return list(await findings(a_platform("stage", "production", namespace="other"), both))


@pytest.mark.parametrize(
    "closed",
    [
        {"/v1/agent/self": DENIED},
        {"/v1/agent/self": DENIED, "/v1/catalog/nodes": (200, [])},
        {"/v1/agent/self": DENIED, "/v1/catalog/nodes": DENIED},
        {"/v1/catalog/nodes": DENIED},
    ],
)
async def test_a_token_without_rights_does_not_hide_that_two_environments_share_a_datacenter(closed: Changes) -> None:
    said = [one.what for one in await of_both(consul=closed) if one.about == "stage and production"]
    assert said == ["both are one Consul datacenter, dc1"]


async def test_a_server_that_does_not_say_what_it_is_leaves_that_question_open_and_says_so() -> None:
    blind: Changes = {
        "/v1/agent/self": DENIED,
        "/v1/catalog/nodes": (200, []),
        "/v1/catalog/datacenters": (200, []),
    }
    said = [one for one in await of_both(consul=blind) if "another environment" in one.what]
    assert [(one.level, one.about) for one in said] == [("warning", "production: Consul")]
    assert "it names no datacenter" in said[0].what
    away = [
        one for one in await of_both(nomad={"/v1/status/leader": (500, "rpc error")}) if "another environ" in one.what
    ]
    assert [one.about for one in away] == ["production: Nomad"]


async def test_one_environment_alone_is_not_asked_whether_it_is_two() -> None:
    said = await findings(a_platform("stage"), {"stage": servers(consul={"/v1/status/leader": (500, "rpc error")})})
    assert not [one for one in said if "another environment" in one.what]


async def test_connections_that_cannot_be_counted_are_not_said_to_be_none() -> None:
    said = await findings(a_platform("stage"), {"stage": servers({"/v1/jobs": DENIED})})
    (unknown,) = [one for one in said if "how many a node holds is not known" in one.what]
    assert unknown.level == "warning"
    assert "Permission denied" in unknown.what


async def test_a_right_that_could_not_be_tried_is_not_said_to_be_there() -> None:
    said = await findings(a_platform("stage"), {"stage": servers({"/v1/jobs": (500, "rpc error")})})
    assert any(one.what.startswith("cannot tell whether the token has list-jobs") for one in said)


class Overtaken:
    """A Nomad that takes somebody else's job, and does not answer to ours."""

    def __init__(self, real: Any, is_back: bool = True) -> None:
        self._real, self._is_back = real, is_back

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def register(self, job: dict[str, Any], modify_index: int | None = None) -> Any:
        await self._real.register(job | {"Meta": job["Meta"] | {"outrider_version": "of-somebody"}}, modify_index)
        if not self._is_back:
            self._real.away = RemoteError("Nomad did not answer GET")
        raise RemoteError("Nomad did not answer POST /v1/jobs in time")


async def overtaken(world: World, application: Application, *, is_back: bool) -> Application:
    nomad: Any = Overtaken(world.nomad, is_back)
    here = {name: replace(one, nomad=nomad) for name, one in application.environments.items()}
    return replace(application, environments=here, changes=replace(application.changes, environments=here))


async def test_a_refused_check_and_set_after_a_silence_is_told_as_one_and_not_as_a_silence(
    world: World, application: Application
) -> None:
    other = await overtaken(world, application, is_back=True)
    with pytest.raises(ConflictError, match="somebody else has changed checkout in stage meanwhile"):
        await other.changes.deploy("stage", text(), replace(ME, check_index=0))
    (done,) = await application.deployments(ADA, "stage", "checkout")
    assert done.state == "superseded"
    assert "did not answer" not in done.reason


async def test_a_nomad_that_stays_silent_is_told_as_silent_and_the_deployment_stays_open(
    world: World, application: Application
) -> None:
    other = await overtaken(world, application, is_back=False)
    with pytest.raises(RemoteError, match="did not answer POST"):
        await other.changes.deploy("stage", text(), replace(ME, check_index=0))
    (done,) = await application.deployments(ADA, "stage", "checkout")
    assert (done.state, done.reason) == ("pending", "")
    assert any("whether Nomad has got it is not known" in line for line in await messages(application, done))


async def test_a_nomad_that_is_away_has_not_placed_nothing(world: World, application: Application) -> None:
    world.nomad.away = RemoteError("Nomad did not answer")
    here = application.environment(ADA, "stage")
    told = "what its allocations say is not known: Nomad did not answer"
    assert await standstill(here, "checkout", 0) == told
    assert await failure(here, "checkout", 0) == told


@pytest.mark.parametrize(("status", "words"), [(403, "stderr: cannot be read: Nomad answered 403"), (404, "")])
async def test_output_that_we_may_not_read_is_told_and_none_of_a_task_that_never_ran_is_not(
    world: World, application: Application, status: int, words: str
) -> None:
    world.nomad.away = RemoteError(f"Nomad answered {status}", status=status)
    assert words in await last_lines(application.environment(ADA, "stage"), "a", "app")


async def test_a_service_that_nobody_knows_may_run_where_nomad_does_not_say(
    world: World, application: Application
) -> None:
    world.nomad.away = RemoteError("Nomad did not answer")
    with pytest.raises(
        UsageError, match="knows no service chekout, and whether it runs there is not known: Nomad did not"
    ):
        await application.versions(ADA, "stage", "chekout")


async def test_a_plan_says_what_it_has_not_seen_where_consul_does_not_answer(
    world: World, application: Application
) -> None:
    payments = text().spec.replace("service: checkout", "service: payments")
    await finished(application, await application.changes.deploy("stage", Text(payments), ME))
    world.consul.away = RemoteError("Consul did not answer")
    warnings = (await application.changes.plan(ADA, "stage", text(CALLER))).warnings
    assert "which services Consul knows under names alike was not seen: Consul did not answer" in warnings
    unseen = "whether the sidecar's memory takes all instances of the upstreams was not seen: Consul did not answer"
    assert unseen in warnings


class Unlisted:
    """A Nomad whose list of jobs is not answered."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def jobs(self, prefix: str = "") -> list[Any]:
        raise RemoteError("Nomad answered 403 to GET /v1/jobs", status=403)


async def test_a_stop_that_cannot_name_the_callers_says_so(world: World, application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text(), ME))
    nomad: Any = Unlisted(world.nomad)
    here = {name: replace(one, nomad=nomad) for name, one in application.environments.items()}
    stopped = await replace(application.changes, environments=here).stop("stage", "checkout", ME)
    told = await messages(application, stopped)
    assert "who calls checkout is not known: Nomad answered 403 to GET /v1/jobs" in told


async def test_whether_a_job_was_changed_outside_is_not_known_where_nomad_refuses_to_compare(
    world: World, application: Application
) -> None:
    await finished(application, await application.changes.deploy("stage", text(), ME))
    job: Any = await world.nomad.job("checkout")
    job["TaskGroups"][0]["Tasks"][-1]["Env"] |= {"EDITED": "yes"}
    await world.nomad.register(job)

    class Uncompared(Unlisted):
        async def jobs(self, prefix: str = "") -> list[Any]:
            return await self._real.jobs(prefix)

        async def plan(self, job: dict[str, Any]) -> Any:
            raise RemoteError("Nomad answered 403 to POST plan", status=403)

    nomad: Any = Uncompared(world.nomad)
    here = {name: replace(one, nomad=nomad) for name, one in application.environments.items()}
    denied = replace(application, environments=here)
    told = await denied.status(ADA, "stage", "checkout")
    assert told.outside == ()
    assert told.problem == "whether it was changed outside of Outrider is not known: Nomad answered 403 to POST plan"
    assert len((await application.status(ADA, "stage", "checkout")).outside) == 1, "who may ask hears it at once"


def test_the_recordings_tell_of_datacenters() -> None:
    assert recording("consul-1.8.7", "03-datacenters").body == ["dc1"]

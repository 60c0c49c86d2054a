"""What the events of a deployment promise, on the embedded cluster and on a real Nomad."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest
from support.alike import ENVIRONMENT, Clusters

from outrider.operations.events import AcceptedEvent, AllocationEvent, DeploymentEvent, VerdictEvent, kinds
from outrider.operations.request_bodies import ScaleBody, StopBody

SERVICE = "events-told"
SPEC = f"""service: {SERVICE}
mesh: false
port: none
run: {{command: [{sys.executable}, -c, "import time; time.sleep(600)"]}}
update: {{min_healthy_time: 0s, healthy_deadline: 30s}}
"""


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.needs("nomad", "consul"))])
def on(request: pytest.FixtureRequest) -> Clusters:
    found: Clusters = request.getfixturevalue(request.param)
    return found


async def test_accepted_has_the_hash_and_deployment_the_time_by_which_it_must_move(on: Clusters) -> None:
    portal, began = on.stand.portal, datetime.now(UTC)
    try:
        ended = await on.stand.run(SPEC)
        events = await portal.event_list(ended.id)
        version = await portal.version(ENVIRONMENT, SERVICE, 1)
        scaled = await on.stand.ended(await on.stand.act(SERVICE, "scale", ScaleBody(count=0)))
        (first, *_) = await portal.event_list(scaled.id)
    finally:
        await on.stand.ended(await on.stand.act(SERVICE, "stop", StopBody(purge=True)))
    (accepted,) = [one.detail for one in events if isinstance(one, AcceptedEvent)]
    assert (accepted.kind, accepted.version, accepted.hash, accepted.count) == ("run", 1, version.hash, 1)
    times = [one.detail.progress_by for one in events if isinstance(one, DeploymentEvent) and one.detail.progress_by]
    assert times
    assert all(began < at for at in times)
    *_, last = [one.detail for one in events if isinstance(one, AllocationEvent)]
    assert (last.healthy, last.tasks["app"].state) == (True, "running")
    assert isinstance(events[-1], VerdictEvent)
    assert {one.kind for one in events} <= set(kinds())
    assert isinstance(first, AcceptedEvent)
    assert (first.detail.kind, first.detail.hash, first.detail.count) == ("scale", version.hash, 0)

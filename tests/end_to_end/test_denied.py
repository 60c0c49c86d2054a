"""A deployment whose agents may see nothing: its verdict says which rights lack, and does not call it a success."""

from __future__ import annotations

import sys
from pathlib import Path

from outrider_harness.scripted_consul import FakeConsul
from support.stage import APP, Asked
from support.stage import stage as new_stage

CALLER = """
service: asking
run: {{command: [{python}, {app}]}}
checks: [{{http: /, interval: 1s, timeout: 1s}}]
env: {{FLAVOUR: one}}
upstreams: {{absent: {{protocol: http}}}}
update: {{min_healthy_time: 0s, healthy_deadline: 20s}}
"""


async def test_a_run_whose_agents_may_see_nothing_fails_with_the_rights_that_lack(
    tmp_path: Path, envoy_bin: str, ports: tuple[int, int]
) -> None:
    """The Consul that agents ask answers 200 and [] to everything, as a real one does to a token without rights."""
    with FakeConsul().running() as blind:
        async with new_stage(
            tmp_path, envoy_bin, ports, consul=Asked(agent_address=f"http://{blind.address}")
        ) as stage:
            ended = await stage.run(CALLER.format(python=sys.executable, app=APP))
    assert ended.state == "failed", ended
    assert ": task gate " in ended.reason
    assert "nothing is known of upstream absent: Consul answers, but does not show" in ended.reason
    assert 'service_prefix "" { policy = "read" }' in ended.reason
    assert 'node_prefix "" { policy = "read" }' in ended.reason
    assert "no token is set (consul.token: none)" in ended.reason

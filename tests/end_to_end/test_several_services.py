"""Several services deployed by one command, and one of them released, on two embedded clusters with real sidecars."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from support.stage import APP

from outrider.programs.machine import Machine
from outrider.programs.one_machine import one_machine_portal
from outrider.settings import Sourced, settings

OUTRIDER = str(Path(sys.executable).with_name("outrider"))
SPEC = """service: {name}
run: {{command: [{python}, {app}]}}
upstreams: {{{calls}}}
checks: [{{http: /, interval: 1s, timeout: 1s}}]
env: {{FLAVOUR: {name}}}
stop: {{delay: 2s}}
update: {{min_healthy_time: 0s, healthy_deadline: 60s}}
environments: {{production: {{count: 2}}}}
"""


@pytest.fixture
async def machine(tmp_path: Path, envoy_bin: str) -> AsyncGenerator[Machine]:
    here = settings({"ENVOY_BIN": envoy_bin, "HOME": str(tmp_path)}, tmp_path / "context.toml")
    assert here.envoy == Sourced(envoy_bin, "ENVOY_BIN")
    async with one_machine_portal(here, tmp_path / "dev", 0) as made:
        yield made


async def outrider(machine: Machine, *words: str) -> tuple[int, str, str]:
    """A command of a person who has this portal."""
    process = await asyncio.create_subprocess_exec(
        OUTRIDER, *words, "--addr", machine.address, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(180):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


def shop(folder: Path) -> Path:
    """Two services that call each other, one that both stand on, and one that calls them."""
    calls = {"payments": "", "cart": "payments: {}, orders: {}", "orders": "cart: {}", "storefront": "cart: {}"}
    folder.mkdir()
    for name, called in calls.items():
        text = SPEC.format(name=name, python=sys.executable, app=APP, calls=called)
        (folder / f"{name}.yaml").write_text(text)
    return folder


async def test_a_folder_with_a_circle_comes_up_by_one_command_and_one_of_it_is_released(
    machine: Machine, tmp_path: Path
) -> None:
    folder = shop(tmp_path / "shop")
    code, out, err = await outrider(machine, "plan", str(folder), "-e", "stage")
    assert (code, "cart, orders together, after payments: they call each other in a circle" in out) == (1, True), (
        out + err
    )
    code, out, err = await outrider(machine, "run", str(folder), "-e", "stage", "-o", "json")
    assert code == 0, out + err
    members = json.loads(out)["members"]
    assert [one["service"] for one in members] == ["payments", "cart", "orders", "storefront"]
    _, out, _ = await outrider(machine, "endpoints", "cart", "-e", "stage", "-o", "json")
    document = json.loads(out)
    (sidecar,) = document["sidecars"]
    assert sidecar["problem"] is None
    assert document["problems"] == []
    code, _, err = await outrider(machine, "run", str(folder), "-e", "stage")
    assert (code, err.count("no change")) == (0, 4), err
    way = ("--from", "stage", "--to", "production")
    code, out, err = await outrider(machine, "release", "payments", *way, "--plan")
    assert (code, "count: 1 → 2" in out) == (1, True), out + err
    code, out, err = await outrider(machine, "release", "payments", *way)
    assert code == 0, out + err
    _, out, _ = await outrider(machine, "status", "payments", "-e", "production", "-o", "json")
    assert (json.loads(out)["healthy"], json.loads(out)["version"]) == (2, 1)
    code, out, err = await outrider(machine, "release", "cart", *way)
    assert (code, "no service orders is known here" in err) == (1, True), out + err

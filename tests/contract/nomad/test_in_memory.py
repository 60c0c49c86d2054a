"""What the Nomad in memory does not model is named where the contract has such a test, and refused aloud."""

from __future__ import annotations

import ast
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from fakes.nomad import NomadSimulator
from outrider_harness.nomad_calls import SECOND, NomadCalls, job, ports, script, service, update
from support.nomad_in_memory import CLASSES, NOT_MODELLED, in_memory_calls

CHECK = {"Type": "tcp", "Interval": SECOND, "Timeout": SECOND}


@pytest.fixture
async def in_memory() -> AsyncGenerator[NomadCalls]:
    async with in_memory_calls() as found:
        yield found


def test_each_test_that_is_not_modelled_is_one_of_the_contracts_classes() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in Path(__file__).parent.glob("test_*.py")]
    classes = [node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef) and node.name in CLASSES]
    assert {one.name for one in classes} == CLASSES
    tests = {node.name for one in classes for node in one.body if isinstance(node, ast.AsyncFunctionDef)}
    assert NOT_MODELLED.keys() < tests


async def test_a_program_whose_end_nobody_tells_is_refused_at_once(in_memory: NomadCalls) -> None:
    with pytest.raises(NotImplementedError, match="no process runs in it"):
        await in_memory.register(job("any", script("app", "sleep 1; exit 1")))


async def test_checks_that_nobody_asks_are_refused_at_once(in_memory: NomadCalls) -> None:
    with pytest.raises(NotImplementedError, match="health is told to it"):
        await in_memory.register(job("any", Networks=ports("http"), Services=[service("any", Checks=[CHECK])]))


@pytest.mark.parametrize("path", ["fs/logs/{}?task=app&type=stdout", "fs/ls/{}", "allocation/{}/stats"])
async def test_what_only_a_process_could_answer_is_refused(in_memory: NomadCalls, path: str) -> None:
    await in_memory.healthy(job("any"))
    (one,) = await in_memory.allocations("any")
    with pytest.raises(NotImplementedError, match="nothing can be read from one or sent to it"):
        await in_memory.nomad.get(f"/v1/client/{path.format(one['ID'])}")


async def test_what_lies_in_consul_is_not_made_up(in_memory: NomadCalls) -> None:
    with pytest.raises(NotImplementedError, match="registers nothing in Consul"):
        await in_memory.services("any")


async def test_allocations_come_up_one_after_the_other_as_they_are_looked_at() -> None:
    nomad = NomadSimulator()
    await nomad.register(job("steps", Count=3, Update=update(MaxParallel=3)))
    found = await nomad.deployment_of("steps")
    assert found is not None
    seen = [(await nomad.deployment(found["ID"]))[0] for _ in range(3)]
    assert [one["TaskGroups"]["steps"]["HealthyAllocs"] for one in seen] == [1, 2, 3]
    assert [one["Status"] for one in seen] == ["running", "running", "successful"]
    await nomad.close()

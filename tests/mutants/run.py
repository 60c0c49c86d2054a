"""``make mutants``: changes small things in our sources, one at a time, and counts how many the nearest tests notice.

``cd tests && python -m mutants.run [--room ROOM] [--seed N] [--sample N] [--seconds 600] [--workers 2]``; exit 1 where a room
is below its floor in ``rooms.toml``. With another seed than that file's it reports and holds nobody to a floor.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from mutants.mutations import Mutation
from mutants.overlay import overlay
from mutants.reached import Reached
from mutants.sample import ROOT, Room, Seen, equivalents, rooms, sample
from mutants.trial import OVERTIME, PASSED, Chosen, Trial, trial

BASELINE = 900.0  # seconds that the tests of one room may take without mutations
PATIENCE = 10.0  # seconds that a trial may take beyond what its tests took, and
SLOWER = 5  # times that
MOST_FAILED = 0.02  # of a room's tests may fail without mutations: a machine that stood still
FEWEST = 0.1  # of a sample must have been judged: a slow machine judges fewer, but nobody is held to less than that


@dataclass
class Account:
    """What became of one room's sample."""

    room: Room
    points: int
    sample: list[Mutation]
    seen: Seen = field(default_factory=Seen)
    killed: list[Mutation] = field(default_factory=list[Mutation])
    survived: list[Mutation] = field(default_factory=list[Mutation])
    overtime: int = 0  # of the killed: their tests did not end

    @property
    def judged(self) -> int:
        return len(self.killed) + len(self.survived)

    @property
    def rate(self) -> float:
        return 100 * len(self.killed) / self.judged if self.judged else 0.0

    def verdict(self) -> str:
        if self.judged < FEWEST * len(self.sample):
            return "too few were judged in time"
        return "holds" if self.rate >= self.room.floor else "BELOW THE FLOOR"


@dataclass(frozen=True)
class Job:
    """A trial that was begun, and whom to tell."""

    trial: Trial
    ended: Callable[[int, Path], None]


class Pool:
    """So many trials at a time."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._running: list[Job] = []

    def add(self, begin: Callable[[], Job]) -> None:
        self._wait(self._workers - 1)
        self._running.append(begin())

    def finish(self) -> None:
        self._wait(0)

    def abandon(self) -> None:
        """End what runs still: each is in a group of its own, which would outlive this process."""
        for job in self._running:
            job.trial.end()

    def _wait(self, most: int) -> None:
        while len(self._running) > most:
            for job in list(self._running):
                result = job.trial.result()
                if result is not None:
                    self._running.remove(job)
                    job.ended(result, job.trial.log)
            time.sleep(0.01)


def main() -> int:
    arguments = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.monotonic()
    seed, known = rooms()
    chosen = [room for room in known if arguments.room in {"", room.name}]
    accounts = [account(room, arguments.seed or seed, arguments.sample) for room in chosen]
    directory = Path(tempfile.mkdtemp(prefix="mutants"))
    pool = Pool(arguments.workers)
    try:
        look(accounts, directory, pool)
        control(accounts, directory, pool)
        told(f"{time.monotonic() - began:.0f} s for the tests without mutations")
        judge(accounts, directory, pool, began + arguments.seconds)
    finally:
        pool.abandon()
        shutil.rmtree(directory, ignore_errors=True)
    return report(accounts, time.monotonic() - began, is_held=arguments.seed in {0, seed} and not arguments.sample)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--room", default="", help="one room")
    parser.add_argument("--seed", type=int, default=0, help="another sample than the one that is held to the floors")
    parser.add_argument("--sample", type=int, default=0, help="mutations of each room")
    parser.add_argument("--seconds", type=float, default=600, help="for all together")
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


def told(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def account(room: Room, seed: int, count: int) -> Account:
    """Fails where an equivalent of this room matches nothing any more."""
    found = room.mutations()
    prefix = str(room.sources.relative_to(ROOT)) + "/"
    left_out = {key: reason for key, reason in equivalents().items() if key[0].startswith(prefix)}
    stale = set(left_out) - {one.key for one in found}
    if stale:
        raise SystemExit("\n".join(f"equivalents.toml: matches no mutation: {key}" for key in sorted(stale)))
    return Account(room, len(found), sample(found, seed, count or room.sample, left_out))


def look(accounts: Sequence[Account], directory: Path, pool: Pool) -> None:
    """Learn what each room's tests reach; import what they import, once for all trials."""
    modules: dict[str, None] = {}

    def begin(one: Account) -> Job:
        written = directory / f"{one.room.name}.json"
        reached = Reached(one.room.sources, written)
        return Job(
            trial(list(one.room.tests), [reached], directory / one.room.name, BASELINE),
            lambda result, log: learn(one, result, log, written, modules),
        )

    for one in accounts:
        pool.add(lambda one=one: begin(one))
    pool.finish()
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def learn(account: Account, result: int, log: Path, written: Path, modules: dict[str, None]) -> None:
    """Tests that fail without any mutation are told, and judge nothing; of many of them there is no judging at all."""
    found: dict[str, Any] = json.loads(written.read_text()) if written.exists() else {"seconds": {}, "failed": []}
    if result != PASSED and len(found["failed"]) > MOST_FAILED * len(found["seconds"]):
        raise SystemExit(f"{account.room.name}: the tests fail without any mutation\n{log.read_text()[-4000:]}")
    for test in found["failed"]:
        told(f"left out, for it fails without any mutation: {test}")
    account.seen.seconds = found["seconds"]
    for path, lines in found["lines"].items():
        account.seen.lines[str(Path(path).relative_to(ROOT))] = {int(line): tests for line, tests in lines.items()}
    modules.update(dict.fromkeys(found["modules"]))


def control(accounts: Sequence[Account], directory: Path, pool: Pool) -> None:
    """A room whose tests fail has a second try by itself: a neighbour may have kept the machine from it."""
    failed: list[Account] = []
    for one in accounts:
        place = directory / f"{one.room.name}-control"
        pool.add(lambda one=one, place=place: controlled(one, place, lambda _: failed.append(one)))
    pool.finish()
    for one in failed:
        told(f"{one.room.name}: a test failed without any mutation, and the room has its second try")
        pool.add(lambda one=one: controlled(one, directory / f"{one.room.name}-again", lambda log: refuse(one, log)))
        pool.finish()


def judge(accounts: Sequence[Account], directory: Path, pool: Pool, until: float) -> None:
    """The rooms by turns, so that each has its share of the time."""
    by_turns = zip_longest(*([(one, mutation) for mutation in one.sample] for one in accounts))
    for number, (one, mutation) in enumerate(pair for turn in by_turns for pair in turn if pair):
        if time.monotonic() > until:
            break
        pool.add(lambda one=one, mutation=mutation, place=directory / str(number): tried(one, mutation, place))
    pool.finish()


def refuse(account: Account, log: Path) -> None:
    raise SystemExit(
        f"{account.room.name}: a test fails beside others, without any mutation\n{log.read_text()[-4000:]}"
    )


def controlled(account: Account, directory: Path, failed: Callable[[Path], None]) -> Job:
    """All tests as mutations are given them, and no mutation: a test that fails here would notice anything."""
    path = next(account.room.sources.rglob("*.py"))
    begun = begin(account, account.seen.all_affordable(), path, path.read_text(), directory)

    def ended(result: int, log: Path) -> None:
        if result != PASSED:
            failed(log)

    return Job(begun, ended)


def tried(account: Account, mutation: Mutation, directory: Path) -> Job:
    path = ROOT / mutation.path
    begun = begin(account, account.seen.tests_of(mutation), path, mutation.applied(path.read_text()), directory)

    def ended(result: int, _: Path) -> None:
        is_noticed = result != PASSED
        account.overtime += result == OVERTIME
        (account.killed if is_noticed else account.survived).append(mutation)
        shutil.rmtree(directory, ignore_errors=True)

    return Job(begun, ended)


def begin(account: Account, tests: Sequence[str], path: Path, source: str, directory: Path) -> Trial:
    """These tests, where one file of the room has another source."""
    changed = overlay(directory / "sources", account.room.package, path, source)
    files = sorted({test.split("::")[0] for test in tests})
    patience = PATIENCE + SLOWER * account.seen.cost(tests)
    return trial(["-x", *files], [Chosen(tests)], directory, patience, str(changed))


def report(accounts: Sequence[Account], seconds: float, *, is_held: bool) -> int:
    for one in accounts:
        for mutation in sorted(one.survived, key=lambda each: (each.path, each.start)):
            told(difference(mutation))
    told(f"{'room':12}{'mutations':>10}{'judged':>8}{'noticed':>9}{'never ended':>13}{'share':>8}{'floor':>7}")
    for one in accounts:
        numbers = (
            f"{one.points:10}{one.judged:8}{len(one.killed):9}{one.overtime:13}{one.rate:7.1f}%{one.room.floor:6}%"
        )
        told(f"{one.room.name:12}{numbers}  {one.verdict() if is_held else ''}")
    told(f"{seconds:.0f} s")
    return int(is_held and any(one.verdict() != "holds" for one in accounts))


def difference(mutation: Mutation) -> str:
    source = (ROOT / mutation.path).read_text()
    lines = difflib.unified_diff(source.splitlines(), mutation.applied(source).splitlines(), n=0, lineterm="")
    changed = [line for line in list(lines)[2:] if not line.startswith("@@")]
    line = source[: mutation.start].count("\n") + 1
    return "\n".join([f"survived: {mutation.path}:{line} in {mutation.scope or 'the module'}", *changed])


if __name__ == "__main__":
    sys.exit(main())

"""A load of its own process: so many GET and POST a second to one address until its stdin closes, told in JSON lines.

``{"sent": n}`` twice a second, ``{"failed": {…}}`` as soon as a request has failed, and at the end ``{"total": n,
"rate": r, "p50_ms": …, "p99_ms": …, "slowest_ms": …}``. Request ``n`` has the path ``/METHOD/n``, so that the access
logs on its way can be read beside it. Moments are monotonic seconds of this machine.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any, overload

from outrider.programs.demonstration.load import Load, Outcome, Request, load

PAUSE_S = 0.5
GOOD = 200
METHODS = ("GET", "POST")


class Numbered(Sequence[Request]):
    """GET and POST by turns, each with a path of its own."""

    def __init__(self, address: str) -> None:
        self._address = address

    def __len__(self) -> int:
        return sys.maxsize

    @overload
    def __getitem__(self, index: int) -> Request: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Request]: ...
    def __getitem__(self, index: int | slice) -> Request | Sequence[Request]:
        assert isinstance(index, int)
        method = METHODS[index % len(METHODS)]
        return Request(method, f"{self._address}/{method}/{index}")


def told(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def failure(outcome: Outcome) -> dict[str, Any]:
    """What no_lost_requests.py needs to know of a request that failed."""
    return {
        "number": outcome.number,
        "method": outcome.method,
        "started": outcome.started,
        "ended": outcome.ended,
        "status": outcome.status,
        "detail": outcome.detail,
    }


async def watched(account: Load) -> None:
    """Tell of what has ended, for ever."""
    known = 0
    while True:
        await asyncio.sleep(PAUSE_S)
        known = news(account, known)


def news(account: Load, known: int) -> int:
    """Tell of the outcomes after the first ``known``; how many there are by now."""
    ended = account.outcomes[known:]
    for outcome in ended:
        if outcome.status != GOOD:
            told({"failed": failure(outcome)})
    told({"sent": known + len(ended)})
    return known + len(ended)


def summary(account: Load) -> dict[str, Any]:
    started = sorted(outcome.started for outcome in account.outcomes)
    took = sorted((outcome.ended - outcome.started) * 1_000 for outcome in account.outcomes)
    places = {"p50_ms": 0.5, "p99_ms": 0.99, "slowest_ms": 1.0}
    latencies = {name: took[min(int(share * len(took)), len(took) - 1)] for name, share in places.items()}
    return {"total": len(took), "rate": (len(took) - 1) / (started[-1] - started[0]), **latencies}


async def main(address: str, rate: float) -> None:
    async with load(Numbered(address), rate) as account:
        watcher = asyncio.create_task(watched(account))
        await asyncio.to_thread(sys.stdin.read)
        watcher.cancel()
    for outcome in account.outcomes:
        if outcome.status != GOOD:
            told({"failed": failure(outcome)})
    told(summary(account))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))

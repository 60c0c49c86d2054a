"""The customers: a worker without a port that looks at the shop at a steady rate and orders now and then."""

from __future__ import annotations

import itertools
import os
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from web import Answer, Request

RATE = float(os.environ.get("RATE", "10"))
ORDER_EVERY = 5


def visit(number: int) -> Answer:
    """One look at the page, or one order."""
    request = Request({}, None, {})
    if number % ORDER_EVERY == 0:
        return request.call("storefront", "/orders", "POST", {"item": str(number % 4 + 1)})
    return request.call("storefront", "/")


def report(number: int, answer: Answer) -> None:
    """Say what went wrong, and once in a while that nothing did."""
    failed = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if failed or number % (RATE * 30) == 0:
        print(f"visit {number}: {answer.status} {answer.body if failed else ''}", flush=True)


def visit_and_report(number: int) -> None:
    """One customer, from the street to the cash desk."""
    report(number, visit(number))


def shop() -> None:
    """Visits start on the clock, not when the one before has ended: a slow shop does not thin out its customers."""
    start = time.monotonic()
    with ThreadPoolExecutor(64) as pool:
        for number in itertools.count():
            time.sleep(max(0.0, start + number / RATE - time.monotonic()))
            pool.submit(visit_and_report, number)


shop()

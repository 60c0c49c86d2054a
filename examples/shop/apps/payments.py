"""The flaky one: one charge in ten fails with 503, and the caller's sidecar tries again."""

from __future__ import annotations

import random

from web import Answer, Request, serve

FAILING_SHARE = 0.1


def charge(request: Request) -> Answer:
    """A charge is a PUT: made twice, it is still one charge, so it may be tried again."""
    if random.random() < FAILING_SHARE:  # noqa: S311 (a demonstration, not a secret)
        return Answer(503, {"error": "the bank does not answer"})
    return Answer(201, {"charged": request.values["item"]})


serve({"PUT /charges/<item>": charge})

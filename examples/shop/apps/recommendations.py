"""The slow one: it thinks for a while before it names two items of the catalog."""

from __future__ import annotations

import random
import time
from http import HTTPStatus

from web import Answer, Request, serve

THINKING_S = (0.08, 0.25)


def recommendations(request: Request) -> Answer:
    """Two items, after some thought."""
    time.sleep(random.uniform(*THINKING_S))  # noqa: S311 (a demonstration, not a secret)
    items = request.call("catalog", "/items")
    return Answer(items.status, items.body[:2] if items.status == HTTPStatus.OK else items.body)


serve({"GET /recommendations/<customer>": recommendations})

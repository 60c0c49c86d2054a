"""The shop's front: a page is put together from three upstreams at once; an order goes to the checkout."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from web import Answer, Request, serve

pool = ThreadPoolExecutor(32)


def page(request: Request) -> Answer:
    """A page is worth showing as long as there is a catalog; the rest may be missing."""
    parts = {
        "items": pool.submit(request.call, "catalog", "/items"),
        "recommended": pool.submit(request.call, "recommendations", "/recommendations/1"),
        "cart": pool.submit(request.call, "cart", "/carts/1"),
    }
    answers = {name: part.result() for name, part in parts.items()}
    shown = {name: answer.body if answer.status == HTTPStatus.OK else None for name, answer in answers.items()}
    return Answer(answers["items"].status, {"version": os.environ["OUTRIDER_VERSION"], **shown})


def order(request: Request) -> Answer:
    """What the checkout says, for the person who ordered."""
    return request.call("checkout", "/orders", "POST", request.body)


serve({"GET /": page, "POST /orders": order})

"""How many of each item are left."""

from __future__ import annotations

from web import Answer, Request, serve

FULL = 1000
stock: dict[str, int] = dict.fromkeys(("1", "2", "3", "4"), FULL)


def left(_: Request) -> Answer:
    """The stock by item."""
    return Answer(200, stock)


def reserve(request: Request) -> Answer:
    """One item less; an empty shelf is filled again over night, which is now."""
    key = request.values["id"]
    stock[key] = stock.get(key, FULL) - 1 or FULL
    return Answer(201, {"id": key, "left": stock[key]})


serve({"GET /stock": left, "POST /stock/<id>/reservations": reserve})

"""What the shop sells, with the stock that the inventory knows of."""

from __future__ import annotations

from http import HTTPStatus

from web import Answer, Request, serve

ITEMS = {"1": "saddle", "2": "bridle", "3": "lantern", "4": "horseshoe"}
views: dict[str, int] = {}


def items(request: Request) -> Answer:
    """All items; without the inventory they are still worth showing."""
    stock = request.call("inventory", "/stock")
    left: dict[str, int] = stock.body if stock.status == HTTPStatus.OK else {}
    return Answer(200, [{"id": key, "name": name, "left": left.get(key)} for key, name in ITEMS.items()])


def view(request: Request) -> Answer:
    """Counted: each POST adds one, so a request that came twice is seen."""
    key = request.values["id"]
    views[key] = views.get(key, 0) + 1
    return Answer(201, {"id": key, "views": views[key]})


serve({"GET /items": items, "POST /items/<id>/views": view})

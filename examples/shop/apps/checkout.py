"""An order: reserve the item, charge the customer."""

from __future__ import annotations

from http import HTTPStatus

from web import Answer, Request, serve


def order(request: Request) -> Answer:
    """Charged and reserved, or the first answer that says why not."""
    wanted: dict[str, str] = request.body or {}
    item = wanted.get("item", "1")
    reserved = request.call("inventory", f"/stock/{item}/reservations", "POST")
    if reserved.status != HTTPStatus.CREATED:
        return Answer(502, {"error": "could not reserve", "because": reserved.body})
    charged = request.call("payments", f"/charges/{item}", "PUT")
    if charged.status != HTTPStatus.CREATED:
        return Answer(502, {"error": "could not charge", "because": charged.body})
    return Answer(201, {"item": item, "charge": charged.body})


serve({"POST /orders": order})

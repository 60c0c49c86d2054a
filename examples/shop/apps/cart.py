"""What each customer has put aside, kept in Redis where there is one and in memory where there is none."""

from __future__ import annotations

import json
import os
import socket
from urllib.parse import urlsplit

from web import Answer, Request, serve

memory: dict[str, str] = {}


def redis(*words: str) -> str | None:
    """The answer of one Redis command (RESP, https://redis.io/docs/latest/develop/reference/protocol-spec/)."""
    place = urlsplit(os.environ["SESSIONS_URL"])
    with socket.create_connection((place.hostname, place.port), timeout=5) as connection:
        sent = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        connection.sendall(f"*{len(words)}\r\n{sent}".encode())
        answer = connection.makefile("rb")
        head = answer.readline().decode().strip()
        if head.startswith("-"):
            raise ConnectionError(head[1:])
        bulk = head.startswith("$") and head != "$-1"
        return answer.read(int(head[1:])).decode() if bulk else None


def stored(key: str, value: str | None = None) -> str | None:
    """What is kept under the key, after keeping ``value`` there if one is given."""
    if "SESSIONS_URL" not in os.environ:
        return memory.get(key) if value is None else memory.update({key: value})
    return redis("GET", key) if value is None else redis("SET", key, value)


def cart(request: Request) -> Answer:
    """The customer's items; each look at the cart is remembered in it."""
    key = f"cart:{request.values['customer']}"
    try:
        content = json.loads(stored(key) or '{"items": ["3"], "looks": 0}')
        content["looks"] += 1
        stored(key, json.dumps(content))
    except OSError as error:
        return Answer(503, {"error": f"sessions: {error}"})
    return Answer(200, content)


serve({"GET /carts/<customer>": cart})

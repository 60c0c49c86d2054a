"""What an agent says of its endpoints, read from an answer that anybody may have made: known keys of known kinds only."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from outrider.documents import Json

WORD = re.compile(r"[A-Za-z0-9_./:|, \[\]%-]{0,100}", re.ASCII)
NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
MOST_UPSTREAMS = 1_000
MOST_ENDPOINTS = 10_000
LONGEST_REASON = 500
HIGHEST = 2**63


class UnreadableReportError(ValueError):
    """The answer is no report of an agent; the message does not repeat it."""


def report(data: bytes) -> Json:
    """``{"upstreams": {NAME: …}}`` as the agent's reports have it. Raises UnreadableReportError."""
    try:
        said: Any = json.loads(data, parse_constant=_refused, parse_int=_whole, parse_float=_finite)
        upstreams = _table(_table(said)["upstreams"])
        if len(upstreams) > MOST_UPSTREAMS or not all(NAME.fullmatch(name) for name in upstreams):
            raise UnreadableReportError
        return {"upstreams": {name: _upstream(_table(one)) for name, one in upstreams.items()}}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UnreadableReportError("answered with something that is no report of an agent") from None


def _upstream(one: Json) -> Json:
    envoy = _table(one.get("envoy") or {})
    return {
        "state": _word(one["state"]),
        "reason": _sentence(one.get("reason")),
        "index": _number(one.get("index")),
        "age_seconds": _number(one.get("age_seconds")),
        "changed_seconds": _number(one.get("changed_seconds")),
        "version": _word(one.get("version")),
        "endpoints": _listed(one.get("endpoints"), _endpoint),
        "envoy": {
            "accepted_version": _word(envoy.get("accepted_version")),
            "is_current": envoy.get("is_current") is True,
            "rejected_updates": _number(envoy.get("rejected_updates")),
            "endpoints": _listed(envoy.get("endpoints"), _seen),
        },
    }


def _endpoint(one: Json) -> Json:
    words = {name: _word(one[name]) for name in ("address", "health")} | {"version": _word(one.get("version"))}
    numbers = {"port": _number(one["port"]), "weight": _number(one.get("weight"))}
    return words | numbers | {"canary": one.get("canary") is True}


def _seen(one: Json) -> Json:
    return {"address": _word(one["address"]), "health": _word(one["health"])}


def _listed(value: object, part: Any) -> list[Json] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(cast("list[Any]", value)) > MOST_ENDPOINTS:
        raise UnreadableReportError
    return [part(_table(one)) for one in cast("list[Any]", value)]


def _table(value: object) -> Json:
    if not isinstance(value, Mapping):
        raise UnreadableReportError
    return cast("Json", value)


def _word(value: object) -> str | None:
    if value is not None and not (isinstance(value, str) and WORD.fullmatch(value)):
        raise UnreadableReportError
    return value


def _sentence(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:LONGEST_REASON])


def _number(value: object) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise UnreadableReportError
    return value


def _whole(text: str) -> int:
    found = int(text)
    return found if -HIGHEST <= found < HIGHEST else _refused(text)


def _finite(text: str) -> float:
    found = float(text)
    return found if math.isfinite(found) else _refused(text)


def _refused(text: str) -> NoReturn:
    del text
    raise UnreadableReportError

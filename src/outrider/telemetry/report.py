"""What an agent says of its endpoints, read from an answer that anybody may have made: known keys of known kinds only."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar, cast

from outrider.documents import Json

WORD = re.compile(r"[A-Za-z0-9_./:|, \[\]%-]{0,100}", re.ASCII)
NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
MOST_UPSTREAMS = 1_000
MOST_ENDPOINTS = 10_000
LONGEST_REASON = 500
HIGHEST = 2**63
Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class KnownEndpoint:
    """An endpoint as the agent knows it."""

    address: str
    health: str
    version: str | None
    port: int | None
    weight: int | None
    canary: bool


@dataclass(frozen=True, slots=True)
class EnvoyEndpoint:
    """An endpoint as Envoy has it: ``address`` is ``host:port``."""

    address: str
    health: str


@dataclass(frozen=True, slots=True)
class EnvoyReport:
    """What the sidecar's Envoy has; ``endpoints`` is None where the agent does not know."""

    accepted_version: str | None
    is_current: bool
    rejected_updates: int | None
    endpoints: tuple[EnvoyEndpoint, ...] | None


@dataclass(frozen=True, slots=True)
class UpstreamReport:
    """What the agent knows of one upstream; ``endpoints`` is None where it has no answer yet."""

    state: str | None
    reason: str
    index: int | None
    age_seconds: float | None
    changed_seconds: float | None
    version: str | None
    endpoints: tuple[KnownEndpoint, ...] | None
    envoy: EnvoyReport


@dataclass(frozen=True, slots=True)
class Report:
    """All of one sidecar's upstreams by name; none where it could not be asked."""

    upstreams: dict[str, UpstreamReport] = field(default_factory=dict[str, UpstreamReport])


class UnreadableReportError(ValueError):
    """The answer is no report of an agent; the message does not repeat it."""


def report(data: bytes) -> Report:
    """What the agent's report says. Raises UnreadableReportError."""
    try:
        said: Any = json.loads(data, parse_constant=_refused, parse_int=_whole, parse_float=_finite)
        upstreams = _table(_table(said)["upstreams"])
        if len(upstreams) > MOST_UPSTREAMS or not all(NAME.fullmatch(name) for name in upstreams):
            raise UnreadableReportError
        return Report({name: _upstream(_table(one)) for name, one in upstreams.items()})
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UnreadableReportError("answered with something that is no report of an agent") from None


def _upstream(one: Json) -> UpstreamReport:
    return UpstreamReport(
        state=_word(one["state"]),
        reason=_sentence(one.get("reason")),
        index=_count(one.get("index")),
        age_seconds=_number(one.get("age_seconds")),
        changed_seconds=_number(one.get("changed_seconds")),
        version=_word(one.get("version")),
        endpoints=_listed(one.get("endpoints"), _endpoint),
        envoy=_envoy(_table(one.get("envoy") or {})),
    )


def _envoy(one: Json) -> EnvoyReport:
    return EnvoyReport(
        accepted_version=_word(one.get("accepted_version")),
        is_current=one.get("is_current") is True,
        rejected_updates=_count(one.get("rejected_updates")),
        endpoints=_listed(one.get("endpoints"), _seen),
    )


def _endpoint(one: Json) -> KnownEndpoint:
    return KnownEndpoint(
        address=_text(one["address"]),
        health=_text(one["health"]),
        version=_word(one.get("version")),
        port=_count(one["port"]),
        weight=_count(one.get("weight")),
        canary=one.get("canary") is True,
    )


def _seen(one: Json) -> EnvoyEndpoint:
    return EnvoyEndpoint(_text(one["address"]), _text(one["health"]))


def _listed(value: object, part: Callable[[Json], Part]) -> tuple[Part, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(cast("list[Any]", value)) > MOST_ENDPOINTS:
        raise UnreadableReportError
    return tuple(part(_table(one)) for one in cast("list[Any]", value))


def _table(value: object) -> Json:
    if not isinstance(value, Mapping):
        raise UnreadableReportError
    return cast("Json", value)


def _word(value: object) -> str | None:
    if value is not None and not (isinstance(value, str) and WORD.fullmatch(value)):
        raise UnreadableReportError
    return value


def _text(value: object) -> str:
    return _word(value) or ""


def _sentence(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:LONGEST_REASON])


def _number(value: object) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise UnreadableReportError
    return None if value is None else float(value)


def _count(value: object) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
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

"""Kinds of arguments that click does not know: durations, ids by a unique prefix; and numbers in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable

import click
from outrider_ground.errors import UsageError

from outrider.operations.request_bodies import MOST_INDEX

DURATION = re.compile(r"^(?P<number>\d+(\.\d+)?)(?P<unit>ms|s|m|h)?$")
UNITS = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0, "h": 3600.0}
SHORT = 8


class Duration(click.ParamType[float]):
    """Seconds from ``90``, ``90s``, ``1.5m``, ``2h``, ``500ms``."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        matched = DURATION.match(str(value))
        if not matched:
            self.fail(f"{value!r} is no duration such as 90s, 5m or 1h", param, ctx)
        return float(matched["number"]) * UNITS[matched["unit"]]


class Number(click.IntRange):
    """A whole number within bounds; click would call what is none "not a valid integer range"."""

    name = "number"


def index(context: click.Context, parameter: click.Parameter, value: int | None) -> int | None:
    """The number, which no index of Nomad's exceeds: a portal would not take one either."""
    if value is not None and value > MOST_INDEX:
        raise click.BadParameter(f"{value} is larger than any index of Nomad's", context, parameter)
    return value


def short(identifier: str | None) -> str:
    """The first eight characters, which people read and type."""
    return (identifier or "")[:SHORT]


def by_prefix(prefix: str, known: Iterable[str], what: str) -> str:
    """The one id that starts so; UsageError names the candidates where there is none or more than one."""
    known = sorted(set(known))
    found = [identifier for identifier in known if identifier.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(short(identifier) for identifier in (found or known)[:10]) or "none"
    raise UsageError(f"{len(found) or 'no'} {what}s start with {prefix!r}", next_step=f"Known are: {listed}.")

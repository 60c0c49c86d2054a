"""A request that is refused before an application sees it, and how that looks where nobody says it better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import ASGIApp


@dataclass(frozen=True, slots=True)
class Refusal:
    """The status, what is wrong in the words of a person, and the next step."""

    status: int
    title: str
    detail: str
    next_step: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class TurnedAwayError(Exception):
    """A request that is served no further; the application answers ``refusal``."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


Answer = Callable[[Refusal], ASGIApp]


def plain_answer(refusal: Refusal) -> Response:
    """The refusal as lines of text."""
    lines = [refusal.detail, refusal.next_step] if refusal.next_step else [refusal.detail]
    return Response("\n".join([*lines, ""]), refusal.status, refusal.headers, "text/plain; charset=utf-8")

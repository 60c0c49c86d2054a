"""The events of a deployment, a tagged union: one frozen dataclass for each kind; nothing about how they look.

A new kind is a detail in `event_details`, an event here and its place in ``KnownEvent``; its sign stands in `signs`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_type_hints

from pydantic import Field, TypeAdapter

from outrider.documents import Json
from outrider.operations import event_details as details
from outrider.operations.event_details import Detail


@dataclass(frozen=True, slots=True)
class Told:
    """Event ``number`` (from 1, without gaps) of one deployment; ``message`` is a line for a person."""

    number: int
    at: datetime
    message: str


@dataclass(frozen=True, slots=True)
class AcceptedEvent(Told):
    """The portal has taken the order."""

    detail: details.Accepted
    kind: Literal["accepted"]


@dataclass(frozen=True, slots=True)
class OverrideEvent(Told):
    """Something would have stopped it, and somebody went past."""

    detail: details.Overridden
    kind: Literal["override"]


@dataclass(frozen=True, slots=True)
class ValidatedEvent(Told):
    """What is to run was checked."""

    detail: details.Validated
    kind: Literal["validated"]


@dataclass(frozen=True, slots=True)
class RegisteredEvent(Told):
    """Nomad has the job."""

    detail: details.Registered
    kind: Literal["registered"]


@dataclass(frozen=True, slots=True)
class EvaluationEvent(Told):
    """The scheduler has looked at it."""

    detail: details.Evaluated
    kind: Literal["evaluation"]


@dataclass(frozen=True, slots=True)
class DeploymentEvent(Told):
    """Nomad's deployment has moved."""

    detail: details.Counted
    kind: Literal["deployment"]


@dataclass(frozen=True, slots=True)
class AllocationEvent(Told):
    """An allocation has changed."""

    detail: details.AllocationSeen
    kind: Literal["allocation"]


@dataclass(frozen=True, slots=True)
class TroubleEvent(Told):
    """An allocation does not become healthy, and this is why."""

    detail: details.Troubled
    kind: Literal["trouble"]


@dataclass(frozen=True, slots=True)
class PauseEvent(Told):
    """The rollout waits for Consul, or goes on."""

    detail: details.Paused
    kind: Literal["pause"]


@dataclass(frozen=True, slots=True)
class UnansweredEvent(Told):
    """Whether Nomad has done what it was asked for is not known yet."""

    detail: details.Unanswered
    kind: Literal["unanswered"]


@dataclass(frozen=True, slots=True)
class PromotionEvent(Told):
    """A canary waits for somebody, or somebody has decided."""

    detail: details.Promotion
    kind: Literal["promotion"]


@dataclass(frozen=True, slots=True)
class ResumedEvent(Told):
    """It is watched again."""

    detail: details.Resumed
    kind: Literal["resumed"]


@dataclass(frozen=True, slots=True)
class RestartEvent(Told):
    """What is to be restarted, or is now."""

    detail: details.Restarted
    kind: Literal["restart"]


@dataclass(frozen=True, slots=True)
class WarningEvent(Told):
    """Something that a person should know, and that ends nothing."""

    detail: details.Warned
    kind: Literal["warning"]


@dataclass(frozen=True, slots=True)
class ValueEvent(Told):
    """A value that the service reads has changed, and is rolled out."""

    detail: details.ValueChanged
    kind: Literal["value"]


@dataclass(frozen=True, slots=True)
class VerdictEvent(Told):
    """The last one."""

    detail: details.Ended
    kind: Literal["verdict"]


@dataclass(frozen=True, slots=True)
class UnknownEvent(Told):
    """One of a kind that this Outrider does not know, of a newer one: its line can be shown all the same."""

    detail: Json
    kind: str


KnownEvent: TypeAlias = Annotated[
    AcceptedEvent
    | OverrideEvent
    | ValidatedEvent
    | RegisteredEvent
    | UnansweredEvent
    | EvaluationEvent
    | DeploymentEvent
    | AllocationEvent
    | TroubleEvent
    | PauseEvent
    | PromotionEvent
    | ResumedEvent
    | RestartEvent
    | WarningEvent
    | ValueEvent
    | VerdictEvent,
    Field(discriminator="kind"),
]
Event: TypeAlias = KnownEvent | UnknownEvent


def happened(number: int, at: datetime, message: str, detail: Detail) -> KnownEvent:
    """The event that tells of this."""
    event = _by_detail()[type(detail)]
    return event(number, at, message, detail, kind_of(event))


def kinds() -> tuple[str, ...]:
    """Every kind that there is."""
    return tuple(kind_of(one) for one in _events())


@functools.cache
def kind_of(event: type[Told]) -> str:
    """The kind of such events, which stands in the type of their field."""
    return str(get_args(get_type_hints(event)["kind"])[0])


def event_of(document: Mapping[str, Any]) -> Event:
    """An event out of JSON, or of what the store keeps; pydantic's ValidationError where its kind does not tell so."""
    if document.get("kind") in kinds():
        return _known().validate_python(document)
    return _unknown().validate_python(document)


def document_of(event: Event) -> Json:
    """Its JSON: ``{number, at, message, detail, kind}``."""
    adapter: TypeAdapter[Any] = _unknown() if isinstance(event, UnknownEvent) else _known()
    return adapter.dump_python(event, mode="json")


@functools.cache
def _events() -> tuple[type[Told], ...]:
    return get_args(get_args(KnownEvent)[0])


@functools.cache
def _by_detail() -> Mapping[type[Detail], Any]:
    return {get_type_hints(one)["detail"]: one for one in _events()}


@functools.cache
def _known() -> TypeAdapter[KnownEvent]:
    return TypeAdapter(KnownEvent)


@functools.cache
def _unknown() -> TypeAdapter[UnknownEvent]:
    return TypeAdapter(UnknownEvent)

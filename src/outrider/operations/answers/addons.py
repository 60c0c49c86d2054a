"""The catalogue of add-ons as it is shown, and what adding one would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from outrider.operations.answers.plan import Plan


@dataclass(frozen=True, slots=True)
class ParameterAnswer:
    """What whoever adds it may say; ``default`` is None where it has to be said."""

    name: str
    description: str
    kind: str
    default: str | int | bool | None
    least: int | None
    most: int | None
    matches: str


@dataclass(frozen=True, slots=True)
class AddOnAnswer:
    """One add-on; ``runs_as`` are the kinds of drivers that it has a spec for."""

    name: str
    description: str
    lost: str
    parameters: tuple[ParameterAnswer, ...]
    runs_as: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddOns:
    """All of them, by name."""

    addons: tuple[AddOnAnswer, ...]


@dataclass(frozen=True, slots=True)
class Addition:
    """What adding one would do: a new service with that spec and plan, or none where it is there already.

    ``lost`` says what is lost when it moves. ``callers`` has for each service that shall use it what its spec gets;
    ``passwords`` are the Nomad variables in which passwords are kept.
    """

    addon: str
    service: str
    environment: str
    spec: str
    is_there: bool
    lost: str
    plan: Plan | None
    callers: dict[str, dict[str, Any]]
    passwords: tuple[str, ...]

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
    ``passwords`` says where they are kept, as ``the Nomad variable nomad/jobs/sessions``.
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


@dataclass(frozen=True, slots=True)
class User:
    """A service that runs and uses an add-on; ``how`` is what it does, as ``calls it``."""

    service: str
    how: str


@dataclass(frozen=True, slots=True)
class Removal:
    """What taking an add-on away would do: with ``users`` nothing at all.

    ``count`` allocations run. ``stopped_users`` would call it once they are started. What lies in ``volumes`` stays on its nodes;
    ``passwords`` are the places where there are some, which are forgotten if ``with_passwords``.
    """

    addon: str
    service: str
    environment: str
    count: int
    users: tuple[User, ...]
    stopped_users: tuple[str, ...]
    volumes: tuple[str, ...]
    passwords: tuple[str, ...]
    with_passwords: bool

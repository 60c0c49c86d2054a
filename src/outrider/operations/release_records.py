"""What is remembered of releases from one environment to another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Origin:
    """The version of another environment that is brought into this one; ``problem`` is what is wrong with it there."""

    environment: str
    number: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody's word that a version of ``source`` may come to the environment."""

    id: str
    environment: str
    service: str
    source: str
    version: int
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ImageDigest:
    """What an image's reference named when the version was deployed."""

    environment: str
    service: str
    number: int
    image: str
    digest: str
    at: datetime

"""Who asks for an operation, as the face that let them in knows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PrincipalKind = Literal[
    "anonymous",  # nobody has vouched for them: the portal asks for no token, or not on this path
    "token",  # whoever has the portal's token
    "portal",  # the portal itself, which acts on what a spec says
]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: ``kind`` says what vouches for them, ``name`` is what the history calls them, ``groups`` they are in."""

    kind: PrincipalKind
    name: str
    groups: frozenset[str] = frozenset()

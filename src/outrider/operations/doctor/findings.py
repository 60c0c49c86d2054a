"""One finding of `doctor`: what was seen, why it matters, what to do; and versions compared as numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "unknown", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``about`` names the environment and the server; the last two are empty where all is well."""

    level: Level
    about: str
    what: str
    why: str = ""
    next_step: str = ""


def good(about: str, what: str) -> Finding:
    return Finding("ok", about, what)


def unknown(about: str, what: str, why: str, next_step: str) -> Finding:
    """What nobody can see from here, on any platform: it is said, and counts neither way."""
    return Finding("unknown", about, what, why, next_step)


def warning(about: str, what: str, why: str, next_step: str) -> Finding:
    return Finding("warning", about, what, why, next_step)


def bad(about: str, what: str, why: str, next_step: str) -> Finding:
    return Finding("failed", about, what, why, next_step)


def numbers(version: str) -> tuple[int, int]:
    """Major and minor of ``1.8.7``, ``v2.0.5+ent`` and the like; (0, 0) where there are none."""
    matched = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(matched[1]), int(matched[2])) if matched else (0, 0)


def version_finding(about: str, version: str, least: str, why: str) -> Finding:
    """Whether a server is new enough."""
    if numbers(version) >= numbers(least):
        return good(about, f"version {version}")
    return bad(about, f"version {version or 'unknown'}", why, f"Bring it to {least} or newer.")

"""Rules over several keys of one file: combinations that could not work, or a setting without any effect."""

from __future__ import annotations

from outrider.spec.checking import Kind, Rule
from outrider.spec.platform import Platform
from outrider.spec.service import Service

SERVICE = Kind(
    Service,
    (),
    {"service": "a-service", "run": {"image": "an-image"}},
)
PLATFORM = Kind(Platform, (), {})

"""Rules on what a spec says of values that change."""

from __future__ import annotations

from collections.abc import Iterator

from outrider.spec.mistakes import Mistake
from outrider.spec.service import Service


def signals_without_effect(service: Service) -> Iterator[Mistake]:
    """A signal is sent to the app by Nomad, and only where its file says so."""
    for index, file in enumerate(service.files):
        if "signal" in file.model_fields_set and (file.on_change or service.on_change) != "signal":
            message = "has no effect without on_change: signal"
            yield Mistake(("files", index, "signal"), message, of_key=True)
    for name, upstream in service.upstreams.items():
        if upstream.password and upstream.password.on_change == "signal":
            message = "cannot be signal: Envoy reads its file at its start only; use roll, ask, restart or nothing"
            yield Mistake(("upstreams", name, "password", "on_change"), message)

"""Content hashes of what runs in an allocation, in two parts: the service's and the sidecar's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from outrider.documents import Json
from outrider.spec.service import Service
from outrider.spec.variables import Readable
from outrider.topology.parts import content_hash
from outrider.topology.sidecar import Artifact

# What may change without restarting anybody: it stands in the job or in Consul, never inside an allocation.
BESIDE = {"count", "links", "team", "description", "update", "consul", "on_change"}
# Mappings whose entries say something by being there, though nothing is written in them: ``catalog: {}``.
TELLING = {"upstreams"}
# Where values are read, and the keys by which they say what is done when they change.
READING = {"env", "files", "upstreams"}
WORDS = {"on_change", "signal"}
QUIET = {"roll", "ask", "nothing"}


def service_hash(
    spec: Service, environment: str, protocols: Mapping[str, str], directory: Artifact | None = None
) -> str:
    """The hash of the service's part: of what the spec says beyond defaults, and never of how our models look.

    A field that a later Outrider adds changes nothing for those who do not use it, nor does a default that it moves.
    ``protocols`` are those of the upstreams; of a packed directory its content counts, not where it is fetched.
    """
    return content_hash(
        {
            "spec": stated(_without_words(spec.model_dump(exclude_defaults=True, exclude=BESIDE))),
            **({"on_change": loud} if (loud := _loud(spec)) else {}),
            "environment": environment,
            "protocols": dict(protocols),
            "directory": directory.sha256 if directory else None,
        }
    )


def _loud(spec: Service) -> dict[str, str]:
    """What Nomad does by itself when a value changes; between the words with which it does nothing there is no difference."""
    env = {f"env.{name}": value for name, value in spec.env.items() if isinstance(value, Readable)}
    passwords = {f"upstreams.{name}": one.password for name, one in spec.upstreams.items() if one.password}
    words = {place: value.on_change or spec.on_change or "" for place, value in {**env, **passwords}.items()}
    words = {place: word for place, word in words.items() if word != "signal" or place not in passwords}
    for file in spec.files:
        word = file.on_change or spec.on_change or ""
        words[f"files.{file.path}"] = file.signal if word == "signal" else word
    return {place: word for place, word in words.items() if word and word not in QUIET}


def _without_words(fields: Json) -> Json:
    """The spec's fields without what it says of changes."""
    return {key: _entries(value) if key in READING else value for key, value in fields.items()}


def _entries(value: Any) -> Any:
    """Each entry without its words; what an entry is called is no word."""
    if isinstance(value, dict):
        return {name: _unworded(part) for name, part in cast("Json", value).items()}
    return [_unworded(part) for part in value]


def _unworded(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _unworded(part) for key, part in cast("Json", value).items() if key not in WORDS}


def stated(fields: Json) -> Json:
    """The fields without those whose parts are all at their defaults."""
    kept = {key: _stated(value, is_telling=key in TELLING) for key, value in fields.items()}
    return {key: value for key, value in kept.items() if value != {} and value is not None}


def _stated(value: object, *, is_telling: bool) -> object:
    if not isinstance(value, dict):
        return value
    parts = cast("Json", value)
    return {key: _stated(part, is_telling=False) for key, part in parts.items()} if is_telling else stated(parts)

"""Which values a service reads, by what its spec says: where they are kept, for what, and what is done when they change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from outrider.spec.references import Reference, Store
from outrider.spec.service import Service
from outrider.spec.variables import ConsulValue, File, NomadValue, OnChange, Readable, VaultValue

# consul-template's functions that read one thing by a name that stands there as it is; what a template puts together while
# it is rendered nobody can know before. A secret with more arguments is written, not read.
CALL = re.compile(
    r"""\b(?P<function>keyOrDefault|keyExistsGet|keyExists|key|safeLs|safeTree|ls|tree|secret|nomadVarExists|nomadVar)"""
    r"""\s+(?:"(?P<plain>[^"\\\n]+)"|`(?P<raw>[^`\n]+)`)(?P<more>\s+["`])?"""
)
ACTION = re.compile(r"\{\{(?!/\*).*?\}\}", re.DOTALL)
STORES: dict[str, Store] = {
    **dict.fromkeys(("key", "keyOrDefault", "keyExists", "keyExistsGet"), "consul"),
    **dict.fromkeys(("ls", "safeLs", "tree", "safeTree"), "consul_prefix"),
    "secret": "vault",
    **dict.fromkeys(("nomadVar", "nomadVarExists"), "nomad_variable"),
}
# Those that render without what they ask for.
LENIENT = frozenset({"keyOrDefault", "keyExists", "keyExistsGet", "ls", "tree", "nomadVarExists"})
BY_NOMAD = frozenset({"restart", "signal"})
"""What Nomad does by itself, in all allocations at once; for the others it does nothing, and the portal looks."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one variable, file or password is made of.

    ``item`` is the field of a secret or the key of a Nomad variable, where the spec names one. ``may_lack`` says whether it is
    rendered without it. ``by_sidecar`` tells that Envoy reads it, not the app.
    """

    reference: Reference
    item: str
    purpose: str
    on_change: OnChange | None
    may_lack: bool = False
    by_sidecar: bool = False

    def word(self, default: OnChange) -> OnChange:
        """What is done when it changes; ``default`` is the platform's word."""
        return self.on_change or default


def readings(spec: Service) -> tuple[Reading, ...]:
    """All of them: variables by name, then files as they stand, then passwords of upstreams."""
    return tuple(_readings(spec))


def _readings(spec: Service) -> Iterator[Reading]:
    for name, value in sorted(spec.env.items()):
        if isinstance(value, Readable):
            yield _one(value, name, value.on_change or spec.on_change)
    for file in spec.files:
        yield from _of_file(file, file.on_change or spec.on_change)
    for name, upstream in sorted(spec.upstreams.items()):
        if upstream.password:
            word = upstream.password.on_change or spec.on_change
            # No signal reaches Envoy: then a person is asked, as everywhere else.
            yield _one(
                upstream.password, f"upstreams.{name}.password", "ask" if word == "signal" else word, by_sidecar=True
            )


def _one(value: Readable, purpose: str, word: OnChange | None, *, by_sidecar: bool = False) -> Reading:
    reference, item = _place(value)
    return Reading(reference, item, purpose, word, by_sidecar=by_sidecar)


def _place(value: Readable) -> tuple[Reference, str]:
    if isinstance(value, ConsulValue):
        return Reference("consul", value.consul), ""
    if isinstance(value, VaultValue):
        path, _, item = value.vault.rpartition("#")
        return Reference("vault", path), item
    if isinstance(value, NomadValue):
        path, _, item = value.nomad_variable.rpartition("#")
        return Reference("nomad_variable", path), item
    raise TypeError(value)


def _of_file(file: File, word: OnChange | None) -> Iterator[Reading]:
    found: dict[Reference, bool] = {}
    for reference, may_lack in asked(file.template):
        found[reference] = found.get(reference, True) and may_lack
    for reference, may_lack in found.items():
        yield Reading(reference, "", f"local/{file.path}", word, may_lack)


def asked(template: str) -> Iterable[tuple[Reference, bool]]:
    """What a template reads by names that stand in it, and whether it renders without."""
    for action in ACTION.findall(template):
        for call in CALL.finditer(action):
            function = call["function"]
            path = (call["plain"] or call["raw"]).strip().strip("/")
            # Only a secret with more texts behind it is something else: it writes.
            if path and not (function == "secret" and call["more"]):
                yield Reference(STORES[function], path), function in LENIENT

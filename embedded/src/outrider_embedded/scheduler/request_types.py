"""The types that Nomad's API has for what callers send, and what Go's JSON decoder says of a value of another type.

``request_types.json`` has the structs of Nomad 2.0.5's packages api and structs, a type in Go's words for each field.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, cast

REGISTER = "api.JobRegisterRequest"
PLAN = "api.JobPlanRequest"
VALIDATE = "api.JobValidateRequest"
SCALE = "api.ScalingRequest"
REVERT = "structs.JobRevertRequest"
PROMOTE = "structs.DeploymentPromoteRequest"
PAUSE = "structs.DeploymentPauseRequest"
HEALTH = "structs.DeploymentAllocHealthRequest"
STABLE = "structs.JobStabilityRequest"
VARIABLE = "structs.VariableDecrypted"
RESTART = "structs.AllocRestartRequest"
SIGNAL = "structs.AllocSignalRequest"

LIST, TABLE = "[]", "map[string]"
INTEGERS = {f"int{bits}": range(-(2 ** (bits - 1)), 2 ** (bits - 1)) for bits in (8, 16, 32, 64)}
UNSIGNED = {f"uint{bits}": range(2**bits) for bits in (8, 16, 32, 64)}
RANGES = {**INTEGERS, **UNSIGNED, "int": INTEGERS["int64"], "time.Duration": INTEGERS["int64"]}


def complaint(value: object, request: str) -> str:
    """Go's error for the first value that does not fit into the request, in the order of the text; else empty."""
    if value is None:
        return ""
    if not isinstance(value, dict):
        return f"json: cannot unmarshal {_kind(value)} into Go value of type {request}"
    return next(_of_fields(cast("dict[str, Any]", value), request, ""), "")


@cache
def _structs() -> dict[str, dict[str, str]]:
    """The type of each field by its name in small letters: Go's decoder does not tell them apart."""
    text = resources.files("outrider_embedded.scheduler").joinpath("request_types.json").read_text("utf-8")
    written: dict[str, dict[str, str]] = json.loads(text)
    return {name: {key.lower(): f"{key} {kind}" for key, kind in keys.items()} for name, keys in written.items()}


def _of_fields(value: dict[str, Any], struct: str, before: str) -> Iterator[str]:
    known = _structs()[struct]
    for key, one in value.items():
        if key.lower() in known:
            name, _, kind = known[key.lower()].partition(" ")
            yield from _of_value(one, kind, struct, f"{before}{name}")


def _of_value(value: object, kind: str, struct: str, path: str) -> Iterator[str]:
    wanted = kind.removeprefix("*")
    if value is None or wanted in {"any", "[]byte"}:
        return
    if not _fits(value, wanted):
        said = f"{_kind(value)} {value}" if wanted in RANGES and _kind(value) == "number" else _kind(value)
        yield f"json: cannot unmarshal {said} into Go struct field {struct.partition('.')[2]}.{path} of type {_shown(wanted)}"
    elif isinstance(value, dict):
        yield from _of_table(cast("dict[str, Any]", value), wanted, struct, path)
    elif isinstance(value, list):
        for one in cast("list[object]", value):
            if one is None and wanted.startswith(f"{LIST}*"):
                yield f"{path} holds null, at which Nomad itself breaks off the connection"
            yield from _of_value(one, wanted.removeprefix(LIST), struct, path)


def _of_table(value: dict[str, Any], wanted: str, struct: str, path: str) -> Iterator[str]:
    if not wanted.startswith(TABLE):
        yield from _of_fields(value, wanted, f"{path}.")
        return
    for one in value.values():
        yield from _of_value(one, wanted.removeprefix(TABLE), struct, path)


def _fits(value: object, wanted: str) -> bool:
    if wanted in RANGES:
        return isinstance(value, int) and not isinstance(value, bool) and value in RANGES[wanted]
    if wanted.startswith(LIST):
        return isinstance(value, list)
    kinds: dict[str, type] = {"string": str, "bool": bool}
    return isinstance(value, kinds.get(wanted, dict))


def _kind(value: object) -> str:
    kinds: dict[type, str] = {bool: "bool", str: "string", list: "array", dict: "object", type(None): "null"}
    return kinds.get(type(value), "number")


def _shown(wanted: str) -> str:
    return "map[string]interface {}" if wanted == "map[string]any" else wanted

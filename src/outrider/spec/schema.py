"""The JSON Schemas (2020-12) of service spec and platform file, for editors and for checks without Outrider.

A schema knows what one value may be. Rules over several keys, and the bounds of durations, are Outrider's own.
"""

from __future__ import annotations

from typing import Any, cast

from outrider.spec.platform import Platform
from outrider.spec.service import Service
from outrider.spec.values import DNS_LABEL, duration

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
DIFFERENCE = "Difference"
DIFFERING = "Differing"
# What holds for a whole value, and not for the part of it that an environment changes.
WHOLE = frozenset({"required", "default", "examples", "minProperties"})


def service_schema() -> Schema:
    """The schema of ``outrider.yaml``, environments included."""
    whole: Schema = tidied(Service.model_json_schema())
    parts: dict[str, Schema] = whole.pop("$defs")
    properties: Schema = whole["properties"]
    in_environment = {key: value for key, value in properties.items() if key != "service"}
    definitions = {f"{name}{DIFFERENCE}": difference(part, parts) for name, part in parts.items()}
    definitions[DIFFERING] = difference({**whole, "properties": in_environment}, parts) | {
        "description": "What differs in one environment; null removes a key."
    }
    environments = {
        "type": "object",
        "description": "Small differences, by environment: maps merge, everything else replaces, null removes.",
        "patternProperties": {DNS_LABEL: {"$ref": f"#/$defs/{DIFFERING}"}},
        "additionalProperties": False,
    }
    return {
        "$schema": DIALECT,
        "title": "Outrider service spec",
        **whole,
        "properties": {**properties, "environments": environments},
        "$defs": dict(sorted({**parts, **definitions}.items())),
    }


def platform_schema() -> Schema:
    """The schema of ``platform.yaml``."""
    return {"$schema": DIALECT, "title": "Outrider platform file", **tidied(Platform.model_json_schema())}


def tidied(schema: Any) -> Any:
    """Pydantic's schema as files are written: no nulls, durations as text, maps with patterns closed."""
    if isinstance(schema, list):
        return [tidied(part) for part in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    written = cast("Schema", schema).items()
    whole: Schema = {key: tidied(value) for key, value in written if key != "title" or not isinstance(value, str)}
    if "anyOf" in whole:
        whole = without_null(whole)
    if "patternProperties" in whole:
        whole.setdefault("additionalProperties", False)
    return with_bounds(whole) if "x-minimum" in whole else whole


def without_null(schema: Schema) -> Schema:
    """A key that may be left out, rather than be null."""
    options = [part for part in schema["anyOf"] if part != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf" and (key, value) != ("default", None)}
    if len(options) > 1:
        return {"anyOf": options, **rest}
    described = " ".join(part["description"] for part in (rest, options[0]) if "description" in part)
    return {**options[0], **rest, **({"description": described} if described else {})}


def with_bounds(schema: Schema) -> Schema:
    """A duration with its bounds in its description, and its default as it is written."""
    bounds = f"From {schema['x-minimum']} to {schema['x-maximum']}."
    rest = {key: value for key, value in schema.items() if not key.startswith("x-")}
    default = {"default": duration(schema["default"])} if "default" in schema else {}
    return {**rest, **default, "description": f"{schema.get('description', '')} {bounds}".strip()}


def difference(schema: Schema, parts: dict[str, Schema]) -> Schema:
    """The schema of what may be laid over a value: each key may be left out, or be null to remove it."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"] + DIFFERENCE}
    if options := schema.get("oneOf") or schema.get("anyOf"):
        return {"anyOf": [difference(option, parts) for option in with_shapes_joined(options, parts)]}
    if schema.get("type") != "object":
        return {key: value for key, value in schema.items() if key not in {"default", "examples"}}
    changed: Schema = {key: value for key, value in schema.items() if key not in WHOLE}
    for key in ("properties", "patternProperties"):
        if key in schema:
            changed[key] = {name: removable(part, parts) for name, part in schema[key].items()}
    if isinstance(schema.get("additionalProperties"), dict):
        changed["additionalProperties"] = removable(schema["additionalProperties"], parts)
    return changed


def with_shapes_joined(options: list[Schema], parts: dict[str, Schema]) -> list[Schema]:
    """The options with all shapes of maps as one: a difference may take one shape away and put another in its place."""
    shapes = [parts[option["$ref"].rpartition("/")[2]] for option in options if "$ref" in option]
    others = [option for option in options if "$ref" not in option]
    properties = {key: value for shape in shapes for key, value in shape["properties"].items()}
    joined: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return [*others, joined] if shapes else others


def removable(schema: Schema, parts: dict[str, Schema]) -> Schema:
    """The difference of a value under a key."""
    return {"anyOf": [difference(schema, parts), {"type": "null"}]}

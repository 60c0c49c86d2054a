"""The reference pages of service spec and platform file, as Markdown made from the models and their rules."""

from __future__ import annotations

from functools import reduce
from typing import Any, cast

from outrider.spec.platform_rules import PLATFORM
from outrider.spec.rules import SERVICE
from outrider.spec.schema import DIFFERING, Schema, platform_schema, service_schema
from outrider.spec.values import DURATION

NOTICE = "<!-- Written by `make docs` from src/outrider/spec. Change the models there. -->"
SERVICE_HEAD = """# Service spec: `outrider.yaml`

One file says everything about one service. It is YAML (JSON is YAML too); `outrider validate` checks it, and
`outrider schema` prints a JSON Schema that editors use to complete and to check while you type.

- Text needs no quotes, except where it would be a number, `true`, `false` or `null`. `yes`, `no`, `on` and `off` are
  text here, never booleans.
- A duration is a number with its unit: `800ms`, `5s`, `1m30s`, `2h`.
- A key that nobody knows is refused, with the nearest known one. So are tags, merge keys (`<<`) and duplicate keys.
- Under `environments` stands what differs in one environment: maps merge key by key, everything else (lists too)
  replaces, and `null` removes a key. What stands outside must be a complete spec by itself.

A spec with nearly everything in it: [examples/http-service](../../examples/http-service/outrider.yaml). How to write
one, step by step: [Write a spec](../how-to/write-a-spec.md).
"""
PLATFORM_HEAD = """# Platform file: `platform.yaml`

The operators' file: which environments there are, and how their servers are reached. It is YAML with the same rules
as a [service spec](service-spec.md). Without one, `outrider dev` uses a platform of its own on one machine.

To copy: [docker in bridge mode](../../examples/platforms/docker-bridge.yaml) and
[raw_exec on the nodes' network](../../examples/platforms/raw-exec-host.yaml).
"""


def service_reference() -> str:
    """The page of the service spec."""
    return page(SERVICE_HEAD, service_schema(), [rule.says for rule in SERVICE.rules])


def platform_reference() -> str:
    """The page of the platform file."""
    return page(PLATFORM_HEAD, platform_schema(), [rule.says for rule in PLATFORM.rules])


def page(head: str, schema: Schema, rules: list[str]) -> str:
    """A whole page: the file first, its parts in the order in which they are met, then the rules over several keys."""
    parts = cast("dict[str, Schema]", schema["$defs"])
    named = [("The file", schema), *((name, parts[name]) for name in met(schema, parts, []))]
    sections = [section(name, part, parts) for name, part in named]
    listed = "\n".join(f"- {rule}" for rule in rules)
    return "\n\n".join([NOTICE, head.strip(), *sections, f"## Rules over several keys\n\n{listed}"]) + "\n"


def met(schema: Any, parts: dict[str, Schema], known: list[str]) -> list[str]:
    """The names of the parts that a schema refers to, each once, depth first; differences of environments left out."""
    if isinstance(schema, list):
        return reduce(lambda found, part: met(part, parts, found), cast("list[Any]", schema), known)
    if not isinstance(schema, dict):
        return known
    whole = cast("Schema", schema)
    name = str(whole.get("$ref", "")).rpartition("/")[2]
    if name and name not in known and name != DIFFERING:
        known = met(parts[name], parts, [*known, name])
    inner = [value for key, value in whole.items() if key != "$defs"]
    return reduce(lambda found, part: met(part, parts, found), inner, known)


def section(name: str, schema: Schema, parts: dict[str, Schema]) -> str:
    """One model: its sentence, and a row per key."""
    required = set(cast("list[str]", schema.get("required", [])))
    rows = [row(key, described(part, parts), is_required=key in required) for key, part in schema["properties"].items()]
    table = "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows])
    sentence = f"{plain(schema['description'])}\n\n" if "description" in schema else ""
    return f"## {name}\n\n{sentence}{table}"


def described(schema: Schema, parts: dict[str, Schema]) -> Schema:
    """The schema with the sentence of the part that it refers to, where it has none of its own."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return schema if not name or "description" in schema else {**schema, "description": parts[name]["description"]}


def row(key: str, schema: Schema, *, is_required: bool) -> str:
    """One key in the table of its model."""
    default = "required" if is_required else shown_default(schema)
    examples = [f"`{written(example)}`" for example in schema.get("examples", [])]
    hint = f" For example {', '.join(examples)}." if examples else ""
    cells = (f"`{key}`", kind(schema), default, plain(schema.get("description", "")) + hint)
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def shown_default(schema: Schema) -> str:
    """The default as it is written; nothing where there is none."""
    default = schema.get("default")
    return "" if default in (None, [], {}) else f"`{written(default)}`"


def written(value: Any) -> str:
    """A value as it stands in YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(written(part) for part in cast('list[Any]', value))}]"
    return str(value)


def plain(text: str) -> str:
    """A docstring's text as Markdown on one line."""
    return " ".join(text.replace("``", "`").split())


def kind(schema: Schema) -> str:
    """What a value may be, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return "what differs there" if name == DIFFERING else f"[{name}](#{name.lower()})"
    if options := schema.get("oneOf") or schema.get("anyOf"):
        return " or ".join(dict.fromkeys(kind(option) for option in options))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{written(word)}`" for word in schema.get("enum", [schema.get("const")]))
    if schema.get("pattern") == f"^{DURATION.pattern}$":
        return "duration"
    return kind_of_type(schema)


def kind_of_type(schema: Schema) -> str:
    """What a value may be by its JSON type, with its bounds."""
    match schema.get("type"):
        case "array":
            return f"list of {kind(schema.get('items', {}))}"
        case "object":
            inner: list[Schema] = list(schema.get("patternProperties", {}).values())
            values = inner[0] if inner else schema.get("additionalProperties", {})
            return "map" if isinstance(values, bool) else f"map from name to {kind(values)}"
        case "integer":
            return f"whole number{bounds(schema)}"
        case "number":
            return f"number{bounds(schema)}"
        case "boolean":
            return "`true` or `false`"
        case _:
            return "text"


def bounds(schema: Schema) -> str:
    """``, 1 to 65535``."""
    return f", {schema['minimum']} to {schema['maximum']}" if {"minimum", "maximum"} <= set(schema) else ""

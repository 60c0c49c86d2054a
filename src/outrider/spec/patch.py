"""Operators' patches of Envoy's bootstrap, as they are written in the platform file; applying them is Envoy's room."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import AfterValidator, Field, Tag, WithJsonSchema

from outrider.spec.shapes import by_key, near_miss
from outrider.spec.values import Items, Written, refusal, shown

# What each operation of RFC 6902 needs beside its path.
OPERATIONS = {
    "add": ("value",),
    "remove": (),
    "replace": ("value",),
    "move": ("from",),
    "copy": ("from",),
    "test": ("value",),
}
POINTERS = ("path", "from")
POINTER = r"^(/([^~]|~[01])*)*$"
OPERATION_SCHEMA = {
    "type": "object",
    "properties": {
        "op": {"enum": list(OPERATIONS)},
        "path": {"type": "string", "pattern": POINTER},
        "from": {"type": "string", "pattern": POINTER},
        "value": {},
    },
    "required": ["op", "path"],
    "additionalProperties": False,
}


def operation(written: dict[str, Any]) -> dict[str, Any]:
    """One operation as RFC 6902 has it: the keys that it needs, no others, and paths that are JSON pointers."""
    op = written.get("op")
    if op not in OPERATIONS:
        words = tuple(OPERATIONS)
        raise refusal(f"op must be {', '.join(words)}; found {shown(op)}", near_miss(str(op), words))
    needed = ("op", "path", *OPERATIONS[op])
    if missing := [key for key in needed if key not in written]:
        raise refusal(f"{op} needs {' and '.join(missing)}")
    if surplus := [key for key in written if key not in needed]:
        raise refusal(f"{op} has no {surplus[0]}; its keys are {', '.join(needed)}", near_miss(surplus[0], needed))
    for key in POINTERS:
        if key in written:
            pointed(key, written[key])
    return written


def pointed(key: str, pointer: object) -> None:
    """Refuse what is no JSON pointer (RFC 6901)."""
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise refusal(f"{key} must be a JSON pointer such as /static_resources/clusters; found {shown(pointer)}")
    if "~" in pointer.replace("~0", "").replace("~1", ""):
        raise refusal(f"{key}: in a JSON pointer ~ is written ~0, and / inside a name ~1; found {shown(pointer)}")


def leaves(value: Any, at: str) -> list[str]:
    """The JSON pointers of all values in maps."""
    if not isinstance(value, dict) or not value:
        return [at]
    pairs = cast("dict[str, Any]", value).items()
    return [leaf for key, part in pairs for leaf in leaves(part, f"{at}/{key.replace('~', '~0').replace('/', '~1')}")]


class MergePatch(Written):
    """Laid over the bootstrap like the difference of an environment over a spec."""

    merge: dict[str, Any] = Field(min_length=1)
    """JSON Merge Patch (RFC 7396): maps merge, ``null`` removes, everything else replaces. A map that meets a list
    changes the elements that its keys name, by their ``name`` or number."""

    @property
    def places(self) -> tuple[str, ...]:
        """Where it changes something, as JSON pointers."""
        return tuple(leaves(self.merge, ""))


class JsonPatch(Written):
    """Operations on the bootstrap, in their order."""

    json_patch: Items[Annotated[dict[str, Any], AfterValidator(operation), WithJsonSchema(OPERATION_SCHEMA)]]
    """JSON Patch (RFC 6902). In a path, an element of a list may be named by its ``name`` instead of its number."""

    @property
    def places(self) -> tuple[str, ...]:
        """Where it changes something, as JSON pointers."""
        return tuple(dict.fromkeys(each["path"] for each in self.json_patch if each["op"] != "test"))


Patch = Annotated[
    Annotated[MergePatch, Tag("MergePatch")] | Annotated[JsonPatch, Tag("JsonPatch")],
    by_key({"merge": "MergePatch", "json_patch": "JsonPatch"}, "{merge: {…}} or {json_patch: [{op: …, path: …}]}"),
]


def patches_of(data: Any) -> dict[str, Any]:
    """The written patches by environment. Their insides are Envoy's: a null there is a value, and keys are not ours."""
    environments = cast("dict[str, Any]", data).get("environments") if isinstance(data, dict) else None
    if not isinstance(environments, dict):
        return {}
    written = cast("dict[str, Any]", environments)
    return {
        name: cast("dict[str, Any]", here)["patches"]
        for name, here in written.items()
        if isinstance(here, dict) and isinstance(cast("dict[str, Any]", here).get("patches"), dict)
    }


def is_inside_a_patch(path: tuple[str | int, ...]) -> bool:
    """Whether a path of the platform file points below ``environments.X.patches.NAME.merge`` or ``.json_patch``."""
    inside = 6
    return len(path) >= inside and path[0] == "environments" and path[2] == "patches"

"""consul-template's YAML: read and written as yaml.v2 does it, which knows YAML 1.1 in a way of its own."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, cast

import yaml

from outrider_embedded.template_objects import AnyMap
from outrider_embedded.template_printf import printed

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_WHOLE = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[oO]?[0-7]*|0[bB][01]+|[1-9][0-9]*)", re.ASCII)
_FRACTION = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_TAGS: dict[type, str] = {
    kind: f"tag:yaml.org,2002:{name}"
    for kind, name in ((str, "str"), (int, "int"), (float, "float"), (bool, "bool"), (type(None), "null"))
}
_QUOTED = re.compile(
    r"^\d{4}-\d\d?-\d\d?(?:$|[Tt ])|^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$|[\U00010000-\U0010ffff]",
    re.ASCII,
)
"""Dates, numbers to the base of sixty, and signs beyond the first plane: in double quotes, although texts."""
_ENDLESS = {
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


def written_yaml(value: Any) -> str:
    """A single value ends a document for PyYAML, but not for Go."""
    written = yaml.dump(value, Dumper=_Dumper, sort_keys=True, allow_unicode=True, default_flow_style=False)
    return written.removesuffix("...\n").strip()


class _Dumper(yaml.SafeDumper):
    """Numbers of JSON as Go prints them, whatever else YAML would read there."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> Any:
        """The tag of a text without quotes, by yaml.v2's words; every other node is what it is."""
        if kind is yaml.ScalarNode and implicit[0]:
            return _TAGS[type(_resolved(value))]
        return cast("Any", super()).resolve(kind, value, (False, True))

    def represent_data(self, data: Any) -> yaml.Node:
        if isinstance(data, str):
            return _text_node(self, str(data))
        plain: Any = data
        if isinstance(data, Mapping):
            plain = dict(cast("Mapping[Any, Any]", data))
        elif isinstance(data, list):
            plain = list(cast("list[Any]", data))
        return cast("Any", super()).represent_data(plain)


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """In double quotes what would be read as something else than a text."""
    is_other = not isinstance(_resolved(text), str) or _QUOTED.search(text) is not None
    typed = cast("Any", dumper)
    return typed.represent_scalar(
        "tag:yaml.org,2002:str", text, style='"' if is_other else "|" if "\n" in text else None
    )


def _float_node(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    text = printed(value)
    typed = cast("Any", dumper)
    return typed.represent_scalar(_TAGS[type(_resolved(text))], text)


_Dumper.add_representer(float, _float_node)


class _Loader(yaml.SafeLoader):
    """Without dates, and numbers to the base of sixty."""

    yaml_implicit_resolvers: dict[str, Any] = {  # noqa: RUF012  # the library's name
        sign: [one for one in found if one[0] == "tag:yaml.org,2002:merge"]
        for sign, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _scalar(_: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    return node.value if node.style is not None else _resolved(node.value)


def _resolved(text: str) -> Any:
    """What a text without quotes is."""
    if text in _WORDS:
        return _WORDS[text]
    return _ENDLESS[text] if text in _ENDLESS else _number(text)


def _number(text: str) -> int | float | str:
    plain = text.replace("_", "")
    if _WHOLE.fullmatch(plain):
        return int(plain, 8) if re.fullmatch(r"[-+]?0[0-7]+", plain) else int(plain, 0)
    number = float(plain) if _FRACTION.fullmatch(plain) else math.inf
    return number if math.isfinite(number) else text


def _map(loader: yaml.SafeLoader, node: yaml.MappingNode) -> AnyMap:
    loader.flatten_mapping(node)
    return AnyMap(loader.construct_mapping(node, deep=True))


_Loader.add_constructor("tag:yaml.org,2002:str", _scalar)
_Loader.add_constructor("tag:yaml.org,2002:map", _map)


def parsed_yaml(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader) if text else {}  # noqa: S506  # a safe loader with fewer words
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or error
        raise ValueError(f"yaml: {problem}") from error

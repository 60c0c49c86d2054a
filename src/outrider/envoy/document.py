"""The two ways out of a document with slots: filled with samples, or as the text of a Nomad template."""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii
from typing import Any, cast

from outrider.envoy.extension import Json
from outrider.topology.ports import Slot
from outrider.topology.secret import Expression


def sampled(document: Json) -> Json:
    """The document with a sample in every slot, as ``envoy --mode validate`` accepts it."""
    return cast("Json", _sampled(document))


def _sampled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sampled(item) for key, item in cast("Json", value).items()}
    if isinstance(value, list):
        return [_sampled(item) for item in cast("list[Any]", value)]
    return value.sample if isinstance(value, (Slot, Expression)) else value


def template(document: Json) -> str:
    """The document as a Nomad template whose rendering is the JSON that Envoy reads.

    Slots become ``{{ env `NAME` }}`` inside JSON strings: protobuf's JSON takes numbers as text, and backticks need
    no escape there. Braces that developers wrote are escaped as JSON, so the template engine sees none of them.
    """
    return _text(document)


def _text(value: Any) -> str:
    if isinstance(value, str):
        text = encode_basestring_ascii(value)
        return text.replace("{{", r"\u007b\u007b") if "{{" in text else text
    if isinstance(value, dict):
        items = [f"{_text(key)}:{_text(item)}" for key, item in cast("Json", value).items()]
        return "{" + ",".join(items) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([_text(item) for item in cast("list[Any]", value)]) + "]"
    if isinstance(value, Slot):
        return f'"{{{{ env `{value.variable}` }}}}"'
    return value.template if isinstance(value, Expression) else json.dumps(value)

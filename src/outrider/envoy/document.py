"""The two ways out of a document with slots: filled with samples, or as the text of a Nomad template."""

from __future__ import annotations

import json
import re
from operator import is_
from typing import Any, cast

from outrider.documents import Json
from outrider.topology.ports import NodeFile, Slot
from outrider.topology.secret import Expression

MARK = "\0"
MARKED = re.compile(r'\{"\\u0000":("(?:[^"\\]|\\.)*")\}')


def sampled(document: Json) -> Json:
    """The document with a sample in every slot, as ``envoy --mode validate`` accepts it.

    Parts without a slot are those of the document itself: a large one is not there twice.
    """
    return cast("Json", _sampled(document))


def _sampled(value: Any) -> Any:
    if isinstance(value, dict):
        fields = cast("Json", value)
        filled = {key: _sampled(item) for key, item in fields.items()}
        return fields if all(map(is_, filled.values(), fields.values())) else filled
    if isinstance(value, list):
        items = cast("list[Any]", value)
        samples = [_sampled(item) for item in items]
        return items if all(map(is_, samples, items)) else samples
    if isinstance(value, NodeFile):
        return {"inline_string": value.sample}
    return value.sample if isinstance(value, (Slot, Expression)) else value


def template(document: Json) -> str:
    """The document as a Nomad template whose rendering is the JSON that Envoy reads.

    Slots become ``{{ env `NAME` }}`` inside JSON strings: protobuf's JSON takes numbers as text, and backticks need
    no escape there. Braces that developers wrote are escaped as JSON, so the template engine sees none of them: in
    JSON two braces in a row are always inside a string.
    """
    text = json.dumps(document, default=_marked, separators=(",", ":"))
    return MARKED.sub(lambda found: json.loads(found[1]), text.replace("{{", r"\u007b\u007b"))


def _marked(value: Slot | Expression | NodeFile) -> Json:
    """An object that no document holds, around the template's text; in a string its quotes would be escaped."""
    if isinstance(value, NodeFile):
        return {"filename": value.path}
    return {MARK: value.template if isinstance(value, Expression) else f'"{{{{ env `{value.variable}` }}}}"'}

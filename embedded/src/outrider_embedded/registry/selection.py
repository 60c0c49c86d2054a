"""The parameters that choose among instances: ``tag`` and ``node-meta``. ``near`` sorts, and here all are near."""

from __future__ import annotations

from outrider_embedded.registry.calls import Call
from outrider_embedded.registry.node import Node


def is_selected(call: Call, node: Node, tags: tuple[str, ...]) -> bool:
    """Whether an instance has every tag asked for (in any case), and its node all the meta."""
    has = {tag.lower() for tag in tags}
    return has.issuperset(tag.lower() for tag in call.query.get("tag", ())) and is_selected_node(call, node)


def is_selected_node(call: Call, node: Node) -> bool:
    meta = node.meta or {}
    wanted = (text.partition(":") for text in call.query.get("node-meta", ()))
    return all(meta.get(key) == value for key, _, value in wanted)
